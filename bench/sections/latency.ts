/** From the call to the first line of the handler, on an idle system with everything warm. */
import { Scope, startPart } from '../lib/child.ts';
import { ms, type Row, ratio } from '../lib/figures.ts';
import type { LatencyResult, ProbeOptions } from '../lib/latency-probe.ts';
import { createFunction, startRedrive, TELLING_FUNCTION } from '../lib/redrive.ts';
import { Missing, startPostgres, startRedis } from '../lib/services.ts';
import type { Section } from './section.ts';

const OPTIONS: ProbeOptions = { samples: 500, warmUp: 100, idleMs: 5 };

const PEERS = [
  { name: 'bullmq', label: 'BullMQ', start: startRedis },
  { name: 'pg-boss', label: 'pg-boss', start: startPostgres },
  { name: 'graphile-worker', label: 'Graphile Worker', start: startPostgres },
] as const;

export const latency: Section = async () => {
  const own = await measureRedrive();
  const rows: Row[] = [];
  for (const peer of PEERS) {
    try {
      const theirs = await measurePeer(peer);
      rows.push({
        what: 'call to handler start, idle: p50, p99',
        value: `${ms(own.p50Ms)}, ${ms(own.p99Ms)}`,
        against: `${ms(theirs.p50Ms)}, ${ms(theirs.p99Ms)} ${peer.label}`,
        ratio: `${ratio(own.p50Ms / theirs.p50Ms)}, ${ratio(own.p99Ms / theirs.p99Ms)}`,
        rounds: `${own.samples} samples`,
      });
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      rows.push({ what: `latency against ${peer.label}`, value: '', against: `skipped: ${error.message}` });
    }
  }
  return rows;
};

async function measureRedrive(): Promise<LatencyResult> {
  await using scope = new Scope();
  const server = scope.use(await startRedrive());
  const probe = scope.use(startPart('redrive-probe.ts'));
  const port = await probe.ask<number>({ kind: 'listen' });
  await createFunction(server, 'telling', {
    source: TELLING_FUNCTION,
    environment: { TELL_PORT: String(port) },
  });
  return await probe.ask<LatencyResult>({
    kind: 'probe',
    host: server.host,
    port: server.port,
    path: '/2015-03-31/functions/telling/invocations',
    credentials: server.credentials,
    options: OPTIONS,
  });
}

async function measurePeer(peer: (typeof PEERS)[number]): Promise<LatencyResult> {
  await using scope = new Scope();
  const service = scope.use(await peer.start());
  const module = `peers/${peer.name}.ts`;
  const producer = scope.use(startPart(module));
  const worker = scope.use(startPart(module));
  await producer.ask({ kind: 'setUp', url: service.url });
  const tellPort = await producer.ask<number>({ kind: 'listen' });
  await worker.ask({ kind: 'work', url: service.url, tellPort });
  await producer.ask({ kind: 'connect', url: service.url });
  return await producer.ask<LatencyResult>({ kind: 'probe', options: OPTIONS });
}

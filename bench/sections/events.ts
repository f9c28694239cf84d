/**
 * Whole events: enqueued one call at a time by 64 callers, each call durable before it is answered, run by a
 * handler, recorded as done. Redrive runs the handler in a process of its own behind HTTP and signatures;
 * the peers run it inside their worker and are called through their own client library.
 */
import { Scope, startPart } from '../lib/child.ts';
import { median, perSecond, type Row, ratio, spread } from '../lib/figures.ts';
import { createFunction, QUICK_FUNCTION, startRedrive } from '../lib/redrive.ts';
import { Missing, type Service, startPostgres, startRedis } from '../lib/services.ts';
import { aimAtFunction, profileArgs, runLoad, type Section, type Settings } from './section.ts';

interface Contender {
  readonly name: string;
  readonly label: string;
  readonly rates: number[];
  /** Brings so many events to their end; resolves then. */
  run(events: number): Promise<void>;
  /** Share of the events of a round: slower ones get fewer, so that rounds are about as long. */
  readonly share: number;
}

const PEERS = [
  { name: 'bullmq', label: 'BullMQ, appendfsync always', start: startRedis, share: 1 },
  { name: 'pg-boss', label: 'pg-boss', start: startPostgres, share: 0.15 },
  { name: 'graphile-worker', label: 'Graphile Worker', start: startPostgres, share: 0.15 },
] as const;

export const events: Section = async (settings) => {
  await using scope = new Scope();
  const contenders: Contender[] = [await redrive(scope, settings)];
  const rows: Row[] = [];
  for (const peer of PEERS) {
    try {
      const service = scope.use(await peer.start());
      contenders.push(await startPeer(scope, service, peer, settings));
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      rows.push({ what: `events/s against ${peer.label}`, value: '', against: `skipped: ${error.message}` });
    }
  }
  for (const contender of contenders)
    await contender.run(Math.max(500, settings.events * contender.share * 0.2));
  for (let round = 0; round < settings.rounds; round++) {
    for (const contender of contenders) {
      const count = Math.round(settings.events * contender.share);
      const startedAt = performance.now();
      await contender.run(count);
      contender.rates.push((count / (performance.now() - startedAt)) * 1000);
    }
  }
  const [own, ...peers] = contenders as [Contender, ...Contender[]];
  const ownRate = median(own.rates);
  return [
    ...peers.map((peer) => ({
      what: 'events/s end to end (accepted, run, recorded)',
      value: perSecond(ownRate),
      against: `${perSecond(median(peer.rates))} ${peer.label} (${spread(peer.rates)})`,
      ratio: ratio(ownRate / median(peer.rates)),
      rounds: spread(own.rates),
    })),
    ...rows,
  ];
};

async function redrive(scope: Scope, settings: Settings): Promise<Contender> {
  const server = scope.use(await startRedrive({ nodeArgs: profileArgs(settings, 'events') }));
  await createFunction(server, 'quick', { source: QUICK_FUNCTION });
  const load = scope.use(startPart('http-load.ts'));
  await aimAtFunction(load, server, 'quick', settings);
  let total = 0;
  return {
    name: 'redrive',
    label: 'Redrive',
    rates: [],
    share: 1,
    async run(count) {
      total += count;
      await runLoad(load, { requests: count, expect: 202 });
      await server.drained(total);
    },
  };
}

async function startPeer(
  scope: Scope,
  service: Service,
  peer: { name: string; label: string; share: number },
  settings: Settings,
): Promise<Contender> {
  const module = `peers/${peer.name}.ts`;
  const producer = scope.use(startPart(module));
  const worker = scope.use(startPart(module));
  await producer.ask({ kind: 'setUp', url: service.url });
  await worker.ask({ kind: 'work', url: service.url });
  await producer.ask({ kind: 'connect', url: service.url });
  let total = 0;
  return {
    name: peer.name,
    label: `${peer.label} (${service.version})`,
    rates: [],
    share: peer.share,
    async run(count) {
      total += count;
      const done = worker.ask({ kind: 'await', total });
      await producer.ask({
        kind: 'produce',
        count,
        concurrency: settings.connections,
        payloadBytes: settings.payloadBytes,
      });
      await done;
    },
  };
}

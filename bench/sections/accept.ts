/**
 * How fast events are accepted: signature checked, event on disk, then 202. Held against a bare node:http server
 * that gets the very same bytes from the same client and sends the body back.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scope, startPart } from '../lib/child.ts';
import { cpuMs } from '../lib/cpu.ts';
import { median, micros, ms, perSecond, type Row, ratio, spread } from '../lib/figures.ts';
import type { LoadResult } from '../lib/http-load.ts';
import { createFunction, GATED_FUNCTION, QUICK_FUNCTION, startRedrive } from '../lib/redrive.ts';
import { aimAtFunction, profileArgs, rate, runLoad, type Section, type Settings } from './section.ts';

const ACCEPTED = 202;
const ECHOED = 200;
const WARM_UP_MS = 1_000;

interface Contender {
  readonly name: string;
  readonly pid: number;
  readonly results: LoadResult[];
  /** Processor time spent per call, µs. */
  readonly cpuMicros: number[];
}

export const accept: Section = async (settings) => {
  await using scope = new Scope();
  const gate = await mkdtemp(join(tmpdir(), 'redrive-bench-gate-'));
  scope.defer(() => rm(gate, { recursive: true, force: true }));

  const echo = scope.use(startPart('echo-server.ts'));
  const echoPort = await echo.ask<number>({ kind: 'listen' });
  const held = scope.use(await startRedrive({ nodeArgs: profileArgs(settings, 'accept') }));
  await createFunction(held, 'held', {
    source: GATED_FUNCTION,
    environment: { GATE: join(gate, 'open') },
    timeoutSeconds: 900,
    reservedConcurrency: 1,
  });
  const running = scope.use(await startRedrive({ nodeArgs: profileArgs(settings, 'accept-and-run') }));
  await createFunction(running, 'quick', { source: QUICK_FUNCTION });

  const contenders = [
    {
      name: 'echo',
      pid: echo.child.pid as number,
      server: { ...held, port: echoPort },
      fn: 'held',
      expect: ECHOED,
    },
    { name: 'held', pid: held.pid, server: held, fn: 'held', expect: ACCEPTED },
    { name: 'running', pid: running.pid, server: running, fn: 'quick', expect: ACCEPTED },
  ].map((contender) => ({
    ...contender,
    load: scope.use(startPart('http-load.ts')),
    results: [] as LoadResult[],
    cpuMicros: [] as number[],
  }));
  for (const { load, server, fn } of contenders) await aimAtFunction(load, server, fn, settings);

  let accepted = 0;
  for (const { load, expect, name } of contenders) {
    const { ok } = await runLoad(load, { durationMs: WARM_UP_MS, expect });
    if (name === 'running') accepted += ok;
  }
  await running.drained(accepted);
  for (let round = 0; round < settings.rounds; round++) {
    for (const { load, results, cpuMicros, expect, name, pid } of contenders) {
      const cpuBefore = cpuMs(pid);
      const result = await runLoad(load, { durationMs: settings.roundMs, expect });
      results.push(result);
      if (name === 'running') {
        // What is left of its work must not be paid for by the others.
        accepted += result.ok;
        await running.drained(accepted);
      }
      cpuMicros.push(((cpuMs(pid) - cpuBefore) * 1_000) / result.ok);
    }
  }
  return report(settings, contenders);
};

function report(settings: Settings, contenders: readonly Contender[]): Row[] {
  const find = (name: string) => contenders.find((one) => one.name === name) as Contender;
  const rates = (name: string) => find(name).results.map(rate);
  const latency = (name: string, pick: 'p50Ms' | 'p99Ms') =>
    median(find(name).results.map((result) => result[pick]));
  const cpu = (name: string) => median(find(name).cpuMicros);
  const echo = median(rates('echo'));
  const row = (what: string, name: string): Row => ({
    what,
    value: perSecond(median(rates(name))),
    against: `${perSecond(echo)} bare node:http echo`,
    ratio: ratio(median(rates(name)) / echo),
    rounds: spread(rates(name)),
  });
  const at = `${settings.connections} connections`;
  return [
    row(`Invoke(Event) accepted, ${at}, backlog builds up`, 'held'),
    row(`Invoke(Event) accepted, ${at}, functions run meanwhile`, 'running'),
    {
      what: 'latency of those calls, backlog builds up: p50, p99',
      value: `${ms(latency('held', 'p50Ms'))}, ${ms(latency('held', 'p99Ms'))}`,
      against: `${ms(latency('echo', 'p50Ms'))}, ${ms(latency('echo', 'p99Ms'))} bare node:http echo`,
    },
    {
      what: 'processor time of the server per call: accepted only; accepted, run and recorded',
      value: `${micros(cpu('held'))}, ${micros(cpu('running'))}`,
      against: `${micros(cpu('echo'))} bare node:http echo`,
    },
  ];
}

/**
 * A backlog far larger than memory should hold: how long the server takes to start on it, whether it accepts as
 * fast as an empty one, and how much memory it needs while the backlog drains.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Scope, startPart } from '../lib/child.ts';
import { count, median, perSecond, type Row, ratio, spread } from '../lib/figures.ts';
import { createFunction, GATED_FUNCTION, type Redrive, startRedrive } from '../lib/redrive.ts';
import { aimAtFunction, profileArgs, rate, runLoad, type Section, type Settings } from './section.ts';

const ACCEPTED = 202;
const WARM_UP_MS = 1_000;
const LOOK_EVERY_MS = 250;

export const backlog: Section = async (settings) => {
  await using scope = new Scope();
  const root = await mkdtemp(join(tmpdir(), 'redrive-bench-backlog-'));
  scope.defer(() => rm(root, { recursive: true, force: true }));
  const gate = join(root, 'gate');
  const data = join(root, 'data');
  await prepare(data, gate, settings);

  const full = scope.use(await startRedrive({ data, nodeArgs: profileArgs(settings, 'backlog') }));
  const idleMb = full.residentMb();
  const empty = scope.use(await startRedrive({ data: join(root, 'empty') }));
  await createHeld(empty, gate);

  const rates = await compareAccepting(scope, settings, { full, empty });
  const drain = await drainBacklog(full, gate);
  const ratioOfRates = median(rates.full) / median(rates.empty);
  const pending = count(settings.pending);
  return [
    {
      what: `start on ${pending} pending events`,
      value: `${count(full.startedInMs)} ms`,
      against: `${count(empty.startedInMs)} ms on none`,
      ratio: ratio(full.startedInMs / empty.startedInMs),
    },
    {
      what: `Invoke(Event) accepted behind ${pending} pending events`,
      value: perSecond(median(rates.full)),
      against: `${perSecond(median(rates.empty))} behind none`,
      ratio: ratio(ratioOfRates),
      rounds: spread(rates.full),
    },
    {
      what: `memory of the server: started, most while ${count(drain.events)} events drain`,
      value: `${count(idleMb)} MB, ${count(drain.maxMb)} MB`,
      against: `${count(drain.firstMb)} MB at the start of it, ${count(drain.lastMb)} MB at its end`,
    },
    { what: 'drained', value: perSecond(drain.rate) },
  ] satisfies Row[];
};

function createHeld(server: Redrive, gate: string): Promise<void> {
  return createFunction(server, 'held', {
    source: GATED_FUNCTION,
    environment: { GATE: gate },
    timeoutSeconds: 900,
  });
}

async function prepare(data: string, gate: string, settings: Settings): Promise<void> {
  await using scope = new Scope();
  const server = await startRedrive({ data });
  await createHeld(server, gate);
  await server.end();
  const filler = scope.use(startPart('fill-backlog.ts'));
  const { pending: events, payloadBytes } = settings;
  await filler.ask({ kind: 'fill', data, functionName: 'held', events, payloadBytes });
}

async function compareAccepting(
  scope: Scope,
  settings: Settings,
  servers: { full: Redrive; empty: Redrive },
): Promise<{ full: number[]; empty: number[] }> {
  const contenders = [
    { server: servers.full, rates: [] as number[], load: scope.use(startPart('http-load.ts')) },
    { server: servers.empty, rates: [] as number[], load: scope.use(startPart('http-load.ts')) },
  ] as const;
  for (const { load, server } of contenders) {
    await aimAtFunction(load, server, 'held', settings);
    await runLoad(load, { durationMs: WARM_UP_MS, expect: ACCEPTED });
  }
  for (let round = 0; round < settings.rounds; round++) {
    for (const { load, rates } of contenders) {
      rates.push(rate(await runLoad(load, { durationMs: settings.roundMs, expect: ACCEPTED })));
    }
  }
  return { full: contenders[0].rates, empty: contenders[1].rates };
}

async function drainBacklog(server: Redrive, gate: string) {
  const { pending: events } = await server.ledger();
  const firstMb = server.residentMb();
  let maxMb = firstMb;
  const startedAt = performance.now();
  await writeFile(gate, '');
  for (let pending = events; pending > 0; { pending } = await server.ledger()) {
    maxMb = Math.max(maxMb, server.residentMb());
    await pause(LOOK_EVERY_MS);
  }
  const rateOfDrain = (events / (performance.now() - startedAt)) * 1_000;
  return { events, firstMb, maxMb, lastMb: server.residentMb(), rate: rateOfDrain };
}

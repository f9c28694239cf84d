/** What a section of the bench is given, and what it answers. */

import type { Part } from '../lib/child.ts';
import type { Row } from '../lib/figures.ts';
import type { LoadPlan, LoadResult, LoadRun } from '../lib/http-load.ts';
import type { Redrive } from '../lib/redrive.ts';

export interface Settings {
  /** Interleaved rounds; medians are reported. */
  readonly rounds: number;
  /** Length of a timed round, ms. */
  readonly roundMs: number;
  /** Events of a counted round. */
  readonly events: number;
  readonly payloadBytes: number;
  readonly connections: number;
  /** Size of the backlog. */
  readonly pending: number;
  /** Folder for CPU profiles of the server; absent: none. */
  readonly profileDir?: string;
}

export type Section = (settings: Settings) => Promise<Row[]>;

/** Distinct signed requests of a load generator. */
const DISTINCT = 20_000;

/** Makes a load generator ready for a function. */
export async function aimAtFunction(
  load: Part,
  server: Pick<Redrive, 'host' | 'port' | 'credentials'>,
  name: string,
  { connections, payloadBytes }: Settings,
): Promise<void> {
  await load.ask({
    kind: 'prepare',
    host: server.host,
    port: server.port,
    path: `/2015-03-31/functions/${name}/invocations`,
    headers: { 'x-amz-invocation-type': 'Event' },
    credentials: server.credentials,
    connections,
    payloadBytes,
    distinct: DISTINCT,
  } satisfies LoadPlan);
}

/** Runs a load; anything but the expected answers is an error, for a failing server must not look fast. */
export async function runLoad(load: Part, run: Omit<LoadRun, 'kind'>): Promise<LoadResult> {
  const result = await load.ask<LoadResult>({ kind: 'run', ...run });
  if (Object.keys(result.others).length > 0) {
    throw new Error(`unexpected answers: ${JSON.stringify(result.others)}`);
  }
  return result;
}

export const rate = (result: LoadResult) => (result.ok / result.elapsedMs) * 1000;

/** Options of node that write a CPU profile of the server, when one is wanted. */
export function profileArgs({ profileDir }: Settings, name: string): string[] {
  if (profileDir === undefined) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${profileDir}/${name}`];
}

/** One revision of one version of a function: its environments and the runs that wait for them. */
import type { FunctionSpec } from '../domain/invocation.ts';
import type { Environment } from './environment.ts';
import type { Job } from './job.ts';
import type { Runtime } from './runtimes.ts';

/** Assumed until a cold start of the function has been seen. */
const ASSUMED_COLD_MS = 60;

export interface Group {
  readonly key: string;
  readonly spec: FunctionSpec;
  readonly environments: Set<Environment>;
  /** Runs that have not begun; urgent ones first, else in order of arrival. */
  waiting: Job[];
  runtime: Runtime | 'unknown' | 'missing';
  averageMs: number | undefined;
  coldMs: number;
  crashes: number;
  /** performance.now() before which no process is started. */
  notBefore: number;
  pause: NodeJS.Timeout | undefined;
}

export function createGroup(spec: FunctionSpec): Group {
  return {
    key: keyOf(spec),
    spec,
    environments: new Set(),
    waiting: [],
    runtime: 'unknown',
    averageMs: undefined,
    coldMs: ASSUMED_COLD_MS,
    crashes: 0,
    notBefore: 0,
    pause: undefined,
  };
}

export function keyOf(spec: FunctionSpec): string {
  return `${spec.arn}|${spec.version}|${spec.revisionId}`;
}

/** Urgent runs go before others, behind urgent ones that came before them. */
export function enqueue(group: Group, job: Job): void {
  if (!job.urgent) {
    group.waiting.push(job);
    return;
  }
  const index = group.waiting.findIndex((other) => !other.urgent);
  if (index === -1) group.waiting.push(job);
  else group.waiting.splice(index, 0, job);
}

/** The next runs in order. */
export function take(group: Group, count: number): Job[] {
  return group.waiting.splice(0, count);
}

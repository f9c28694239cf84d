/** How many environments a function should have. Pure. */

export interface Demand {
  /** Runs that wait and that are under way. */
  readonly waiting: number;
  readonly running: number;
  /** Environments it has, those being started included. */
  readonly environments: number;
  /** Those of them that can run something without being started first. */
  readonly ready: number;
  /** Handler time, ms; undefined while unknown. */
  readonly averageMs: number | undefined;
  /** The longest run under way has lasted so long, ms. */
  readonly elapsedMs: number;
  /** What a cold start takes, ms. */
  readonly coldMs: number;
  /** Cold starts that make sense at the same time. */
  readonly parallelStarts: number;
}

/**
 * Another environment pays when the runs that wait would wait longer than it takes to start. Nothing is known of a
 * function that has not run yet, so it gets as many as can be started side by side, and more once it has shown
 * that it is slow.
 */
export function decideEnvironments(demand: Demand): number {
  const { waiting, running, environments, coldMs } = demand;
  if (waiting === 0) return environments;
  // A run that lasts says more than an average of others.
  const known = demand.averageMs ?? (demand.elapsedMs > 0 ? demand.elapsedMs : undefined);
  const runMs = known === undefined ? undefined : Math.max(known, demand.elapsedMs);
  const atMost = waiting + running;
  if (runMs === undefined) return Math.max(environments, Math.min(atMost, demand.parallelStarts));
  const wanted = Math.ceil(((waiting + running) * runMs) / coldMs);
  return Math.max(environments, demand.ready === 0 ? 1 : 0, Math.min(atMost, wanted));
}

/** Starts within which a function may crash without being slowed down. */
const FREE_CRASHES = 4;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** How long to wait before the next process of a function whose last `crashes` processes died young, ms. */
export function decideRestartPauseMs(crashes: number): number {
  if (crashes < FREE_CRASHES) return 0;
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (crashes - FREE_CRASHES));
}

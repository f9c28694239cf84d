/** How many environments a function should have. Pure. */

export interface Demand {
  /** Runs that wait and that are under way. */
  readonly waiting: number;
  readonly running: number;
  /** Environments it has, those being started included. */
  readonly environments: number;
  /** Those of them whose present run has lasted longer than a cold start takes. */
  readonly stuck: number;
  /** Handler time, ms; undefined before the first answer. */
  readonly averageMs: number | undefined;
  /** What a cold start takes, ms. */
  readonly coldMs: number;
  /** Cold starts that make sense at the same time. */
  readonly parallelStarts: number;
}

/**
 * Another environment pays when the runs that wait would wait longer than it takes to start. One whose run lasts is
 * not counted on. Of a function that has not answered yet nothing is known: it gets as many as can be started side
 * by side, and more when those have shown that they last.
 */
export function decideEnvironments(demand: Demand): number {
  const { waiting, running, environments, stuck, averageMs, coldMs, parallelStarts } = demand;
  if (waiting === 0) return environments;
  const atMost = waiting + running;
  const others =
    averageMs === undefined
      ? parallelStarts
      : Math.max(1, Math.ceil(((waiting + running - stuck) * averageMs) / coldMs));
  return Math.max(environments, Math.min(atMost, stuck + others));
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

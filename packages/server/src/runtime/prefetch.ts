/**
 * How many runs may be handed to a process at once. A fast function gets its next runs before the present one is
 * answered, so that it never waits for a busy server; a slow one gets one at a time, so that a run never waits
 * behind another that might last.
 */

/** Work that may lie ahead in a process, ms. */
const AHEAD_MS = 32;
const MAX_WINDOW = 64;
/** Runs longer than this are answered one by one. */
const SLOW_MS = 10;
/** Weight of the newest run in the average. */
const WEIGHT = 0.2;

export interface Pace {
  /** Moving average of the handler's time, ms; undefined before the first run. */
  readonly averageMs: number | undefined;
  /** Runs that may be with the process, the present one included. */
  readonly window: number;
}

export const FIRST_PACE: Pace = { averageMs: undefined, window: 1 };

/** The window doubles with every fast run up to what `AHEAD_MS` allows and falls to 1 at the first slow one. */
export function nextPace(pace: Pace, durationMs: number): Pace {
  const averageMs =
    pace.averageMs === undefined ? durationMs : pace.averageMs + WEIGHT * (durationMs - pace.averageMs);
  if (durationMs > SLOW_MS) return { averageMs, window: 1 };
  const allowed = Math.max(1, Math.min(MAX_WINDOW, Math.floor(AHEAD_MS / Math.max(averageMs, 0.01))));
  return { averageMs, window: Math.min(allowed, pace.window * 2) };
}

/** Waiting for a condition: tests poll, they never sleep for a guessed time. */
import { setTimeout as pause } from 'node:timers/promises';

export interface EventuallyOptions {
  /** Real time after which it fails. */
  readonly timeoutMs?: number;
  readonly everyMs?: number;
  /** What was waited for, for the failure's message. */
  readonly what?: string;
}

/** The first value of `condition` that is neither `undefined` nor false. What it throws counts as "not yet". */
export async function eventually<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs = 10_000, everyMs = 10, what = condition.toString() }: EventuallyOptions = {},
): Promise<T> {
  const until = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > until) {
      throw new Error(`did not happen within ${timeoutMs} ms: ${what}`, { cause: last });
    }
    await pause(everyMs);
  }
}

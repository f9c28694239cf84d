/** Delays between tries. Pure: chance comes in as a number. */

export type BackoffKind = 'fixed' | 'random' | 'exponential' | 'truncatedExponential';
export type Jitter = 'none' | 'full' | 'equal' | 'decorrelated';

export interface Backoff {
  readonly kind: BackoffKind;
  readonly baseMs: number;
  /** Upper bound of `random` and `truncatedExponential`; ignored by the others. */
  readonly maxMs: number;
  readonly jitter: Jitter;
}

/**
 * Delay before the next try, ms.
 * @param n tries that have failed so far, 1 or more
 * @param random uniform in [0, 1)
 * @param previousMs the delay before this one; only `decorrelated` looks at it
 *
 * Jitter kinds: "Exponential Backoff And Jitter", AWS Architecture Blog.
 */
export function delayAfter(backoff: Backoff, n: number, random: number, previousMs = backoff.baseMs): number {
  return Math.round(applyJitter(backoff, plainDelay(backoff, n, random), random, previousMs));
}

function plainDelay(backoff: Backoff, n: number, random: number): number {
  switch (backoff.kind) {
    case 'fixed':
      return backoff.baseMs;
    case 'random':
      return backoff.baseMs + random * Math.max(0, backoff.maxMs - backoff.baseMs);
    case 'exponential':
      return Math.min(backoff.baseMs * 2 ** (n - 1), Number.MAX_SAFE_INTEGER);
    case 'truncatedExponential':
      return Math.min(backoff.baseMs * 2 ** (n - 1), backoff.maxMs);
  }
}

function applyJitter(backoff: Backoff, delayMs: number, random: number, previousMs: number): number {
  switch (backoff.jitter) {
    case 'none':
      return delayMs;
    case 'full':
      return random * delayMs;
    case 'equal':
      return delayMs / 2 + (random * delayMs) / 2;
    case 'decorrelated':
      return Math.min(backoff.maxMs, backoff.baseMs + random * Math.max(0, previousMs * 3 - backoff.baseMs));
  }
}

/**
 * What becomes of an asynchronous event after an outcome: complete, run again at an instant, or give up
 * with a condition. Pure; the source of every number is named beside it.
 */
import { type Backoff, delayAfter } from './backoff.ts';
import type { Outcome } from './invocation.ts';

/** AWS: "How Lambda handles errors and retries with asynchronous invocation". */
export const DEFAULT_MAXIMUM_RETRY_ATTEMPTS = 2;
export const DEFAULT_MAXIMUM_EVENT_AGE_SECONDS = 21_600;
/** Waits before the second and third run, ms; longer policies repeat the last. */
const FUNCTION_ERROR_DELAYS_MS = [60_000, 120_000];
/** AWS: retries of throttles and system errors back off "from 1 second to a maximum of 5 minutes". */
const THROTTLE_BACKOFF: Backoff = {
  kind: 'truncatedExponential',
  baseMs: 1_000,
  maxMs: 300_000,
  jitter: 'none',
};

export interface AsyncRetryPolicy {
  readonly maximumRetryAttempts: number;
  readonly maximumEventAgeMs: number;
  /** Our own extension; absent: AWS's 1 and 2 minutes. */
  readonly backoff?: Backoff;
  /** Our own extension: error types that are not worth another run. */
  readonly nonRetryableErrors?: readonly string[];
}

export const DEFAULT_RETRY_POLICY: AsyncRetryPolicy = {
  maximumRetryAttempts: DEFAULT_MAXIMUM_RETRY_ATTEMPTS,
  maximumEventAgeMs: DEFAULT_MAXIMUM_EVENT_AGE_SECONDS * 1000,
};

/** What the event's message remembers between runs. */
export interface RetryState {
  /** Runs that ended in a function error (or found the function gone). */
  readonly attempts: number;
  /** Throttles and system errors since the last run. */
  readonly throttles: number;
  /** Delay before this run, ms; 0 for the first. */
  readonly lastDelayMs: number;
}

export const INITIAL_RETRY_STATE: RetryState = { attempts: 0, throttles: 0, lastDelayMs: 0 };

/** Why an event was given up; AWS's `requestContext.condition`. */
export type Condition =
  | 'RetriesExhausted'
  | 'EventAgeExceeded'
  | 'ZeroReservedConcurrency'
  | 'RecursiveInvocation';

export type Decision =
  | { readonly kind: 'complete'; readonly state: RetryState }
  | {
      readonly kind: 'retry';
      readonly at: number;
      readonly delayMs: number;
      readonly why: 'functionError' | 'throttled' | 'systemError';
      readonly state: RetryState;
    }
  | { readonly kind: 'giveUp'; readonly condition: Condition; readonly state: RetryState };

/**
 * The next step of an event accepted at `acceptedAt`, after `outcome` at `now` (epoch ms).
 *
 * The age is tested when the next run is scheduled: an event whose next run would come too late ends now
 * (observed, Nov 2025: age 60 s, failing function → given up right after the first run).
 */
export function decideNext(
  policy: AsyncRetryPolicy,
  state: RetryState,
  outcome: Outcome,
  acceptedAt: number,
  now: number,
  random: number,
): Decision {
  switch (outcome.kind) {
    case 'succeeded':
      return { kind: 'complete', state };
    case 'functionError':
    case 'gone': {
      const attempts = state.attempts + 1;
      const counted = { ...state, attempts, throttles: 0 };
      const hopeless =
        outcome.kind === 'functionError' && policy.nonRetryableErrors?.includes(outcome.errorType);
      if (hopeless || attempts > policy.maximumRetryAttempts) {
        return { kind: 'giveUp', condition: 'RetriesExhausted', state: counted };
      }
      const delayMs = policy.backoff
        ? delayAfter(policy.backoff, attempts, random, state.lastDelayMs || policy.backoff.baseMs)
        : (FUNCTION_ERROR_DELAYS_MS[Math.min(attempts, FUNCTION_ERROR_DELAYS_MS.length) - 1] as number);
      return retryUnlessTooOld(policy, counted, acceptedAt, now, delayMs, 'functionError');
    }
    case 'throttled':
    case 'systemError': {
      const throttles = state.throttles + 1;
      const delayMs = delayAfter(THROTTLE_BACKOFF, throttles, 0);
      return retryUnlessTooOld(policy, { ...state, throttles }, acceptedAt, now, delayMs, outcome.kind);
    }
  }
}

/** True once an event may not start any more. */
export function isTooOld(policy: AsyncRetryPolicy, acceptedAt: number, now: number): boolean {
  return now - acceptedAt >= policy.maximumEventAgeMs;
}

function retryUnlessTooOld(
  policy: AsyncRetryPolicy,
  state: RetryState,
  acceptedAt: number,
  now: number,
  delayMs: number,
  why: 'functionError' | 'throttled' | 'systemError',
): Decision {
  const at = now + delayMs;
  if (isTooOld(policy, acceptedAt, at)) return { kind: 'giveUp', condition: 'EventAgeExceeded', state };
  return { kind: 'retry', at, delayMs, why, state: { ...state, lastDelayMs: delayMs } };
}

/**
 * How a delivery that failed is tried again: four phases (at once, at the shortest delay, growing, at the longest
 * delay), and what to do with an answer. Pure: the caller brings the chance for the jitter.
 *
 * Sources: SNS "Message delivery retries" for phases, ranges, defaults and which answers are permanent. AWS does not
 * publish the formulas of the four growth functions; those here are chosen: all go from the shortest to the longest
 * delay and differ in how early they grow.
 */
import { type Refusal, refuse } from './refusal.ts';

export type BackoffFunction = 'linear' | 'arithmetic' | 'geometric' | 'exponential';

/** Names and units (seconds) are AWS's: the policy is JSON that users write. */
export interface RetryPolicy {
  readonly minDelayTarget: number;
  readonly maxDelayTarget: number;
  /** All retries together; the four phases share them. */
  readonly numRetries: number;
  readonly numNoDelayRetries: number;
  readonly numMinDelayRetries: number;
  readonly numMaxDelayRetries: number;
  readonly backoffFunction: BackoffFunction;
}

export const HTTP_RETRIES: RetryPolicy = {
  minDelayTarget: 20,
  maxDelayTarget: 20,
  numRetries: 3,
  numMaxDelayRetries: 0,
  numNoDelayRetries: 0,
  numMinDelayRetries: 0,
  backoffFunction: 'linear',
};

/** Mail and text messages: 50 attempts over about six hours. */
export const CUSTOMER_MANAGED_RETRIES: RetryPolicy = {
  minDelayTarget: 10,
  maxDelayTarget: 600,
  numRetries: 50,
  numMaxDelayRetries: 38,
  numNoDelayRetries: 0,
  numMinDelayRetries: 2,
  backoffFunction: 'exponential',
};

/**
 * Delay before retry `retry` (from 1), ms; `undefined` when there is none left.
 * `jitter` in [0, 1) spreads the delay by a tenth to either side.
 */
export function retryDelayMs(policy: RetryPolicy, retry: number, jitter: number): number | undefined {
  if (retry > policy.numRetries) return undefined;
  return Math.round(baseDelaySeconds(policy, retry) * 1000 * (0.9 + 0.2 * jitter));
}

function baseDelaySeconds(policy: RetryPolicy, retry: number): number {
  const { minDelayTarget: min, maxDelayTarget: max } = policy;
  let left = retry - 1;
  if (left < policy.numNoDelayRetries) return 0;
  left -= policy.numNoDelayRetries;
  if (left < policy.numMinDelayRetries) return min;
  left -= policy.numMinDelayRetries;
  const growing =
    policy.numRetries - policy.numNoDelayRetries - policy.numMinDelayRetries - policy.numMaxDelayRetries;
  if (left >= growing) return max;
  return min + (max - min) * growth(policy, left, growing);
}

/** From 0 (first of the growing phase) to 1 (last). */
function growth(
  { backoffFunction, minDelayTarget, maxDelayTarget }: RetryPolicy,
  step: number,
  steps: number,
): number {
  if (steps <= 1) return 0;
  const last = steps - 1;
  switch (backoffFunction) {
    case 'linear':
      return step / last;
    case 'arithmetic':
      // Each increment is longer than the one before by the same amount.
      return (step * (step + 1)) / (last * (last + 1));
    case 'geometric': {
      // Each delay is longer than the one before by the same factor.
      const ratio = maxDelayTarget / minDelayTarget;
      return ratio === 1 ? 0 : (ratio ** (step / last) - 1) / (ratio - 1);
    }
    case 'exponential':
      // Increments double.
      return (2 ** step - 1) / (2 ** last - 1);
  }
}

/** What an HTTP answer means. Source: the same page: 5xx, 429 and no answer are tried again, other 4xx are not. */
export function judgeStatus(status: number): 'delivered' | 'retry' | 'refused' {
  if (status >= 200 && status < 300) return 'delivered';
  return status === 429 || status >= 500 ? 'retry' : status >= 400 ? 'refused' : 'retry';
}

const FUNCTIONS: readonly BackoffFunction[] = ['linear', 'arithmetic', 'geometric', 'exponential'];
/** AWS: at most 100 retries and 3,600 seconds. */
const MAX_RETRIES = 100;
const MAX_DELAY_SECONDS = 3600;

/**
 * Checks a retry policy as written by a user; what is left out has AWS's default. `path` names it in the refusal.
 */
export function readRetryPolicy(
  input: unknown,
  path: string,
  defaults: RetryPolicy = HTTP_RETRIES,
): RetryPolicy | Refusal {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return invalid(`${path} must be an object`);
  }
  const given = input as Partial<Record<keyof RetryPolicy, unknown>>;
  const policy = { ...defaults } as { -readonly [K in keyof RetryPolicy]: RetryPolicy[K] };
  for (const [name, value] of Object.entries(given)) {
    if (!(name in defaults)) return invalid(`${path}.${name} is not a known attribute`);
    if (name === 'backoffFunction') {
      if (!FUNCTIONS.includes(value as BackoffFunction)) {
        return invalid(`${path}.backoffFunction must be one of ${FUNCTIONS.join(', ')}`);
      }
      policy.backoffFunction = value as BackoffFunction;
    } else {
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
        return invalid(`${path}.${name} must be a non-negative integer`);
      }
      policy[name as Exclude<keyof RetryPolicy, 'backoffFunction'>] = value;
    }
  }
  if (policy.numRetries > MAX_RETRIES)
    return invalid(`${path}.numRetries must be less than or equal to ${MAX_RETRIES}`);
  if (policy.minDelayTarget < 1) return invalid(`${path}.minDelayTarget must be greater than or equal to 1`);
  if (policy.maxDelayTarget > MAX_DELAY_SECONDS) {
    return invalid(`${path}.maxDelayTarget must be less than or equal to ${MAX_DELAY_SECONDS}`);
  }
  if (policy.minDelayTarget > policy.maxDelayTarget) {
    return invalid(`${path}.minDelayTarget must be less than or equal to maxDelayTarget`);
  }
  const phases = policy.numNoDelayRetries + policy.numMinDelayRetries + policy.numMaxDelayRetries;
  if (phases > policy.numRetries) {
    return invalid(
      `${path}.numRetries must be greater than or equal to total of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries`,
    );
  }
  return policy;
}

function invalid(message: string): Refusal {
  return refuse('InvalidParameterException', `Invalid parameter: DeliveryPolicy: ${message}`);
}

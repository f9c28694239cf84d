/**
 * What must become of an event, worked out from AWS's words alone and without any of the server's code: when its
 * attempts are, how it ends, and what arrives where.
 * Sources: "How Lambda handles errors and retries with asynchronous invocation", "Capturing records of Lambda
 * asynchronous invocations", "Adding a dead-letter queue"; the age is tested when a retry is planned (observed).
 */

export interface FunctionPlan {
  readonly name: string;
  readonly maximumRetryAttempts: number;
  readonly maximumEventAgeSeconds: number;
  readonly deadLetterQueue: boolean;
  readonly onFailure: boolean;
  readonly onSuccess: boolean;
  /** Reserved concurrency 0: nothing of it may run. */
  readonly closed: boolean;
}

export interface EventPlan {
  readonly function: FunctionPlan;
  readonly acceptedAt: number;
  /** Runs that fail before one succeeds. */
  readonly failures: number;
}

export interface Expectation {
  /** Start of each run, epoch ms. */
  readonly attemptsAt: readonly number[];
  readonly endsAt: number;
  readonly condition: 'Success' | 'RetriesExhausted' | 'EventAgeExceeded' | 'ZeroReservedConcurrency';
  readonly fate: 'Succeeded' | 'DeadLettered' | 'SentToDestination' | 'Discarded';
}

const DELAYS_SECONDS = [60, 120];

export function expectationOf(event: EventPlan): Expectation {
  const { function: fn, acceptedAt, failures } = event;
  const giveUp = (
    condition: Expectation['condition'],
    attemptsAt: number[],
    endsAt: number,
  ): Expectation => ({
    attemptsAt,
    endsAt,
    condition,
    fate: fn.deadLetterQueue ? 'DeadLettered' : fn.onFailure ? 'SentToDestination' : 'Discarded',
  });
  if (fn.closed) return giveUp('ZeroReservedConcurrency', [], acceptedAt);
  const attemptsAt: number[] = [];
  let now = acceptedAt;
  for (let attempt = 1; ; attempt++) {
    attemptsAt.push(now);
    if (attempt > failures) return { attemptsAt, endsAt: now, condition: 'Success', fate: 'Succeeded' };
    if (attempt > fn.maximumRetryAttempts) return giveUp('RetriesExhausted', attemptsAt, now);
    const next = now + (DELAYS_SECONDS[attempt - 1] as number) * 1_000;
    if (next - acceptedAt >= fn.maximumEventAgeSeconds * 1_000) {
      return giveUp('EventAgeExceeded', attemptsAt, now);
    }
    now = next;
  }
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type AsyncRetryPolicy,
  DEFAULT_RETRY_POLICY,
  decideNext,
  INITIAL_RETRY_STATE,
  type RetryState,
} from './async-retry.ts';
import type { Outcome, RunReport } from './invocation.ts';

const report: RunReport = {
  durationMs: 1,
  billedMs: 1,
  maxMemoryMb: 40,
  environmentId: 'e',
  logGroup: 'g',
  logStream: 's',
  startedAt: 0,
  endedAt: 1,
};
const succeeded: Outcome = { kind: 'succeeded', payload: 'null', executedVersion: '1', report };
const failed: Outcome = {
  kind: 'functionError',
  errorType: 'Error',
  errorMessage: 'no',
  payload: '{}',
  executedVersion: '1',
  report,
};
const throttled: Outcome = {
  kind: 'throttled',
  reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
};
const systemError: Outcome = { kind: 'systemError', message: 'no process' };
const gone: Outcome = { kind: 'gone', message: 'Function not found' };

/** Runs one outcome again and again, without time between due and run. */
function replay(
  policy: AsyncRetryPolicy,
  outcome: Outcome,
): { delays: number[]; condition?: string; attempts: number } {
  const delays: number[] = [];
  let state: RetryState = INITIAL_RETRY_STATE;
  for (let now = 0; ; ) {
    const decision = decideNext(policy, state, outcome, 0, now, 0);
    state = decision.state;
    if (decision.kind !== 'retry') {
      return {
        delays,
        condition: decision.kind === 'giveUp' ? decision.condition : undefined,
        attempts: state.attempts,
      };
    }
    delays.push(decision.delayMs / 1000);
    now = decision.at;
  }
}

const table: readonly [string, Partial<AsyncRetryPolicy>, Outcome, number[], string | undefined, number][] = [
  ['success', {}, succeeded, [], undefined, 0],
  ['two retries after 1 and 2 minutes', {}, failed, [60, 120], 'RetriesExhausted', 3],
  ['one retry', { maximumRetryAttempts: 1 }, failed, [60], 'RetriesExhausted', 2],
  ['no retries', { maximumRetryAttempts: 0 }, failed, [], 'RetriesExhausted', 1],
  [
    'age 60 s leaves no room for a retry (observed)',
    { maximumEventAgeMs: 60_000 },
    failed,
    [],
    'EventAgeExceeded',
    1,
  ],
  [
    'age 90 s leaves room for one (observed)',
    { maximumEventAgeMs: 90_000 },
    failed,
    [60],
    'EventAgeExceeded',
    2,
  ],
  [
    'throttles double and use up no retry',
    { maximumEventAgeMs: 60_000 },
    throttled,
    [1, 2, 4, 8, 16],
    'EventAgeExceeded',
    0,
  ],
  [
    'system errors as throttles',
    { maximumEventAgeMs: 60_000 },
    systemError,
    [1, 2, 4, 8, 16],
    'EventAgeExceeded',
    0,
  ],
  [
    'a deleted function counts as an attempt (observed)',
    { maximumRetryAttempts: 1 },
    gone,
    [60],
    'RetriesExhausted',
    2,
  ],
  ['errors not worth a retry', { nonRetryableErrors: ['Error'] }, failed, [], 'RetriesExhausted', 1],
  [
    'own back-off',
    {
      maximumRetryAttempts: 4,
      backoff: { kind: 'truncatedExponential', baseMs: 1_000, maxMs: 5_000, jitter: 'none' },
    },
    failed,
    [1, 2, 4, 5],
    'RetriesExhausted',
    5,
  ],
];

for (const [name, policy, outcome, delays, condition, attempts] of table) {
  test(name, () => {
    assert.deepEqual(replay({ ...DEFAULT_RETRY_POLICY, ...policy }, outcome), {
      delays,
      condition,
      attempts,
    });
  });
}

test('throttle delays stop growing at 5 minutes and end within 6 hours', () => {
  const { delays, condition } = replay(DEFAULT_RETRY_POLICY, throttled);
  assert.deepEqual(delays.slice(0, 11), [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  assert.ok(delays.reduce((sum, delay) => sum + delay, 0) < 21_600);
  assert.equal(condition, 'EventAgeExceeded');
});

const outcomes = fc.constantFrom(failed, throttled, systemError, gone);
const policies = fc.record({
  maximumRetryAttempts: fc.integer({ min: 0, max: 2 }),
  maximumEventAgeMs: fc.integer({ min: 60_000, max: 21_600_000 }),
});

test('property: every sequence of failures ends, never runs after its age, never more than retries + 1 times', () => {
  fc.assert(
    fc.property(policies, fc.array(outcomes, { minLength: 1, maxLength: 200 }), (policy, sequence) => {
      let state = INITIAL_RETRY_STATE;
      let now = 0;
      for (let step = 0; ; step++) {
        assert.ok(now < policy.maximumEventAgeMs, 'an attempt after its age');
        const outcome = sequence[step % sequence.length] as Outcome;
        const decision = decideNext(policy, state, outcome, 0, now, 0);
        assert.ok(decision.state.attempts <= policy.maximumRetryAttempts + 1);
        if (decision.kind !== 'retry') return assert.equal(decision.kind, 'giveUp');
        assert.ok(decision.at > now);
        assert.equal(decision.at, now + decision.delayMs);
        state = decision.state;
        now = decision.at;
      }
    }),
  );
});

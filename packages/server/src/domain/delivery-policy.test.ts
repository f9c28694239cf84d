import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type BackoffFunction,
  CUSTOMER_MANAGED_RETRIES,
  HTTP_RETRIES,
  judgeStatus,
  type RetryPolicy,
  readRetryPolicy,
  retryDelayMs,
} from './delivery-policy.ts';
import { isRefusal } from './refusal.ts';

/** Without jitter, in seconds. */
function schedule(policy: RetryPolicy): number[] {
  const delays: number[] = [];
  for (let retry = 1; ; retry++) {
    const delay = retryDelayMs(policy, retry, 0.5);
    if (delay === undefined) return delays;
    delays.push(Math.round(delay / 1000));
  }
}

test('the default of HTTP: three times 20 seconds', () => {
  assert.deepEqual(schedule(HTTP_RETRIES), [20, 20, 20]);
});

test('mail and text messages: 50 retries over six hours', () => {
  const delays = schedule(CUSTOMER_MANAGED_RETRIES);
  assert.equal(delays.length, 50);
  assert.deepEqual(delays.slice(0, 3), [10, 10, 10]);
  assert.deepEqual(delays.slice(12), Array(38).fill(600));
  const hours = delays.reduce((sum, delay) => sum + delay, 0) / 3600;
  assert.ok(hours > 6 && hours < 7, `${hours}`);
});

test('four phases', () => {
  const policy: RetryPolicy = {
    ...HTTP_RETRIES,
    minDelayTarget: 5,
    maxDelayTarget: 260,
    numRetries: 10,
    numNoDelayRetries: 2,
    numMinDelayRetries: 1,
    numMaxDelayRetries: 2,
  };
  const of = (backoffFunction: BackoffFunction) => schedule({ ...policy, backoffFunction });
  assert.deepEqual(of('linear'), [0, 0, 5, 5, 69, 133, 196, 260, 260, 260]);
  assert.deepEqual(of('arithmetic'), [0, 0, 5, 5, 31, 82, 158, 260, 260, 260]);
  assert.deepEqual(of('geometric'), [0, 0, 5, 5, 13, 36, 97, 260, 260, 260]);
  assert.deepEqual(of('exponential'), [0, 0, 5, 5, 22, 56, 124, 260, 260, 260]);
});

const policies = fc
  .record({
    min: fc.integer({ min: 1, max: 3600 }),
    more: fc.nat(3599),
    none: fc.nat(20),
    few: fc.nat(20),
    growing: fc.nat(40),
    many: fc.nat(20),
    backoffFunction: fc.constantFrom<BackoffFunction>('linear', 'arithmetic', 'geometric', 'exponential'),
  })
  .map(({ min, more, none, few, growing, many, backoffFunction }) => ({
    minDelayTarget: min,
    maxDelayTarget: Math.min(3600, min + more),
    numRetries: none + few + growing + many,
    numNoDelayRetries: none,
    numMinDelayRetries: few,
    numMaxDelayRetries: many,
    backoffFunction,
  }));

test('delays grow, stay within their bounds and end', () => {
  fc.assert(
    fc.property(policies, fc.double({ min: 0, max: 0.999, noNaN: true }), (policy, jitter) => {
      const delays = schedule(policy);
      assert.equal(delays.length, policy.numRetries);
      assert.ok(delays.every((delay, i) => i === 0 || delay >= (delays[i - 1] as number)));
      const waits = delays.filter((delay) => delay > 0);
      assert.ok(waits.every((delay) => delay >= policy.minDelayTarget && delay <= policy.maxDelayTarget));
      for (let retry = 1; retry <= policy.numRetries; retry++) {
        const delay = retryDelayMs(policy, retry, jitter) as number;
        const base = retryDelayMs(policy, retry, 0.5) as number;
        assert.ok(Math.abs(delay - base) <= 0.1 * base + 1);
      }
      const read = readRetryPolicy(policy, 'p');
      assert.equal(isRefusal(read), policy.numRetries > 100);
    }),
  );
});

test('what a policy may say', () => {
  assert.deepEqual(readRetryPolicy({ numRetries: 5 }, 'p'), { ...HTTP_RETRIES, numRetries: 5 });
  for (const bad of [
    null,
    [],
    { numRetries: 101 },
    { numRetries: -1 },
    { numRetries: '3' },
    { minDelayTarget: 0 },
    { maxDelayTarget: 3601 },
    { minDelayTarget: 30 },
    { numMinDelayRetries: 4 },
    { backoffFunction: 'odd' },
    { unknown: 1 },
  ]) {
    assert.ok(isRefusal(readRetryPolicy(bad, 'p')), JSON.stringify(bad));
  }
});

test('answers', () => {
  for (const status of [200, 201, 204]) assert.equal(judgeStatus(status), 'delivered');
  for (const status of [429, 500, 503, 301]) assert.equal(judgeStatus(status), 'retry');
  for (const status of [400, 403, 404, 410]) assert.equal(judgeStatus(status), 'refused');
});

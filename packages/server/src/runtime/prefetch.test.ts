import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FIRST_PACE, nextPace } from './prefetch.ts';

const after = (...durations: number[]) => durations.reduce(nextPace, FIRST_PACE).window;

test('the window doubles with fast runs up to 64', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 7].map((count) => after(...Array<number>(count).fill(0.1))),
    [1, 2, 4, 8, 16, 32, 64, 64],
  );
});

test('it never holds more than some 32 ms of work', () => {
  assert.equal(after(...Array<number>(50).fill(4)), 8);
  assert.equal(after(...Array<number>(50).fill(9)), 3);
});

test('one slow run closes it', () => {
  assert.equal(after(...Array<number>(10).fill(0.1), 11), 1);
});

test('it stays between 1 and 64 whatever happens', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e5, noNaN: true })), (durations) => {
      const window = after(...durations);
      assert.ok(Number.isInteger(window) && window >= 1 && window <= 64);
    }),
  );
});

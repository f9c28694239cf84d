import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Demand, decideEnvironments, decideRestartPauseMs } from './scaling.ts';

const demand = (overrides: Partial<Demand>): Demand => ({
  waiting: 0,
  running: 0,
  environments: 0,
  stuck: 0,
  averageMs: undefined,
  coldMs: 60,
  parallelStarts: 2,
  ...overrides,
});

const cases: readonly [string, Partial<Demand>, number][] = [
  ['nothing waits', { environments: 3, running: 3 }, 3],
  ['the first run', { waiting: 1 }, 1],
  ['a crowd for an unknown function', { waiting: 100 }, 2],
  ['the unknown function turns out slow', { waiting: 98, running: 2, environments: 2, stuck: 2 }, 4],
  ['a fast function with much to do', { waiting: 500, running: 64, environments: 1, averageMs: 0.1 }, 1],
  ['a slow function gets one for each run', { waiting: 9, running: 1, environments: 1, averageMs: 500 }, 10],
  [
    'a middling one gets what keeps the wait at a cold start',
    { waiting: 60, environments: 1, averageMs: 5 },
    5,
  ],
  [
    'one run of a fast function lasts',
    { waiting: 5, running: 1, environments: 1, stuck: 1, averageMs: 0.1 },
    2,
  ],
];
for (const [what, overrides, wanted] of cases) {
  test(what, () => assert.equal(decideEnvironments(demand(overrides)), wanted));
}

test('never fewer than there are, never more than there are runs', () => {
  fc.assert(
    fc.property(
      fc.record({
        waiting: fc.nat(1_000),
        running: fc.nat(100),
        environments: fc.nat(50),
        stuck: fc.nat(50),
        averageMs: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
        coldMs: fc.integer({ min: 1, max: 10_000 }),
        parallelStarts: fc.integer({ min: 1, max: 16 }),
      }),
      (made) => {
        const wanted = decideEnvironments(made);
        assert.ok(wanted >= made.environments);
        assert.ok(wanted <= Math.max(made.environments, made.waiting + made.running));
        if (made.waiting > 0) assert.ok(wanted >= 1);
      },
    ),
  );
});

test('crash loops are slowed down, and not for ever', () => {
  assert.deepEqual([0, 1, 3, 4, 5, 6, 20].map(decideRestartPauseMs), [0, 0, 0, 50, 100, 200, 1_000]);
});

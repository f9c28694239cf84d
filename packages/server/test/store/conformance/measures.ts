/** Measurements: samples become points, points fold to longer periods, old ones roll up or go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Measure, PointQuery, Store } from '../../../src/store/store.ts';
import { commit, type OpenStore, openIn, refuse } from './harness.ts';

const MINUTE = 60_000;

function sample(series: string, at: number, value: number, periodMs = MINUTE): Measure {
  const folded = { count: 1, sum: value, min: value, max: value, spread: [[value, 1]] as const };
  return { kind: 'measure', series, at, periodMs, ...folded };
}

async function read(store: Store, query: Partial<PointQuery> = {}) {
  return store.readPoints({ series: ['s'], periodMs: MINUTE, from: 0, to: 1e15, ...query });
}

export function measures(open: OpenStore): void {
  test('samples of one period are one point, also across commits and after opening again', async (t) => {
    const under = await openIn(t, open);
    await commit(under.store, sample('s', 60_001, 5), sample('s', 119_999, 1), sample('other', 60_001, 9));
    await commit(under.store, sample('s', 61_000, 5), sample('s', 120_000, 7));
    const store = await under.reopen();
    const spread = [
      [1, 1],
      [5, 2],
    ];
    assert.deepEqual(await read(store, { spread: true }), [
      { at: 60_000, count: 3, sum: 11, min: 1, max: 5, spread },
      { at: 120_000, count: 1, sum: 7, min: 7, max: 7, spread: [[7, 1]] },
    ]);
    assert.deepEqual(await read(store, { from: 60_001 }), [
      { at: 120_000, count: 1, sum: 7, min: 7, max: 7, spread: [] },
    ]);
    const folded = await read(store, { series: ['s', 'other', 'none'], periodMs: 5 * MINUTE });
    assert.deepEqual(folded, [{ at: 0, count: 5, sum: 27, min: 1, max: 9, spread: [] }]);
    assert.deepEqual(await read(store, { series: [] }), []);
    assert.deepEqual(await store.listSeries('s'), [{ series: 's', lastAt: 120_000 }]);
    assert.equal((await store.listSeries('')).length, 2);
  });

  test('a unit that meets a conflict measures nothing', async (t) => {
    const { store } = await openIn(t, open);
    const put = { kind: 'put', collection: 'c', key: 'k', value: {}, ifVersion: 7 } as const;
    const conflicting = refuse(store, 'VersionMismatch', 1, sample('s', 0, 1), put);
    const fine = commit(store, sample('s', 0, 2));
    await Promise.all([conflicting, fine]);
    assert.deepEqual(
      (await read(store)).map(({ sum }) => sum),
      [2],
    );
  });

  test('old points roll up into longer ones, then go', async (t) => {
    const { store } = await openIn(t, open);
    for (let minute = 0; minute < 10; minute++) await commit(store, sample('s', minute * MINUTE, minute));
    const rules = [
      { periodMs: MINUTE, keepMs: 5 * MINUTE, intoMs: 5 * MINUTE },
      { periodMs: 5 * MINUTE, keepMs: 60 * MINUTE },
    ];
    assert.equal(await store.rollUp(rules, 10 * MINUTE), 5);
    assert.equal(await store.rollUp(rules, 10 * MINUTE), 0);
    assert.equal((await read(store)).length, 5);
    const [first, second] = await read(store, { periodMs: 5 * MINUTE, spread: true });
    assert.deepEqual(
      { ...first, spread: first?.spread.length },
      { at: 0, count: 5, sum: 10, min: 0, max: 4, spread: 5 },
    );
    assert.equal(second?.sum, 35);
    await store.rollUp(rules, 120 * MINUTE);
    assert.deepEqual(await read(store, { periodMs: 60 * MINUTE }), []);
    assert.deepEqual(await store.listSeries(''), []);
  });

  test('what is read is what was measured', async (t) => {
    const { store } = await openIn(t, open);
    const samples = fc.array(
      fc.record({ at: fc.integer({ min: 0, max: 20 * MINUTE }), value: fc.integer({ min: -50, max: 50 }) }),
      { maxLength: 40 },
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(samples, async (drawn) => {
        const series = `random-${run++}`;
        await Promise.all(drawn.map(({ at, value }) => commit(store, sample(series, at, value))));
        const points = await read(store, { series: [series], periodMs: 5 * MINUTE, spread: true });
        const total = (pick: (point: (typeof points)[number]) => number) =>
          points.reduce((sum, point) => sum + pick(point), 0);
        assert.equal(
          total(({ count }) => count),
          drawn.length,
        );
        assert.equal(
          total(({ sum }) => sum),
          drawn.reduce((sum, { value }) => sum + value, 0),
        );
        assert.equal(
          total(({ spread }) => spread.reduce((sum, [, count]) => sum + count, 0)),
          drawn.length,
        );
      }),
      { numRuns: 20 },
    );
  });
}

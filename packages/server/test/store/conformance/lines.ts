/** Lines of streams: found by time, stream and label, in order, page by page. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Line, LineQuery, Store, StoredLine, Write } from '../../../src/store/store.ts';
import { commit, type OpenStore, openIn } from './harness.ts';

const write = (stream: string, at: number, lines: readonly Line[], label?: string, group = 'g'): Write => ({
  kind: 'write',
  group,
  stream,
  at,
  lines,
  label,
});
const line = (at: number, text = `line at ${at}`): Line => ({ at, text });
const texts = (found: readonly StoredLine[]) => found.map((one) => one.text);

/** Every page of a query, one after the other. */
async function pages(store: Store, query: Omit<LineQuery, 'limit'>, limit: number): Promise<StoredLine[]> {
  const all: StoredLine[] = [];
  for (;;) {
    const last = all.at(-1);
    const page = await store.readLines({ ...query, limit, after: last && { at: last.at, id: last.id } });
    all.push(...page);
    if (page.length < limit) return all;
  }
}

export function lines(open: OpenStore): void {
  test('lines come back in order of time, then of arrival', async (t) => {
    const under = await openIn(t, open);
    await commit(under.store, write('x', 100, [line(5, 'a'), line(5, 'b'), line(7, 'd')], 'r1'));
    await commit(under.store, write('y', 101, [line(5, 'c\u{1f600}\u0000'), line(9, 'e')]));
    const store = await under.reopen();
    const all = await store.readLines({ group: 'g', order: 'ascending', limit: 10 });
    assert.deepEqual(texts(all), ['a', 'b', 'c\u{1f600}\u0000', 'd', 'e']);
    assert.deepEqual(
      { ...all[2], id: undefined },
      { at: 5, text: 'c\u{1f600}\u0000', stream: 'y', ingestedAt: 101, id: undefined },
    );
    const reversed = await store.readLines({ group: 'g', order: 'descending', limit: 10 });
    assert.deepEqual(reversed, all.toReversed());
    assert.equal(new Set(all.map((one) => one.id)).size, 5);
    const find = async (query: Partial<LineQuery>) =>
      texts(await store.readLines({ group: 'g', order: 'ascending', limit: 10, ...query }));
    assert.deepEqual(await find({ label: 'r1' }), ['a', 'b', 'd']);
    assert.deepEqual(await find({ label: 'r1', streams: ['y'] }), []);
    assert.deepEqual(await find({ streams: ['y'] }), ['c\u{1f600}\u0000', 'e']);
    assert.deepEqual(await find({ streams: ['y', 'x', 'z'], from: 7 }), ['d', 'e']);
    assert.deepEqual(await find({ streams: [] }), []);
    assert.deepEqual(await find({ from: 5, to: 7 }), ['a', 'b', 'c\u{1f600}\u0000']);
    assert.deepEqual(await find({ group: 'other' }), []);
    assert.deepEqual(await find({ group: 'other', label: 'r1' }), []);
  });

  test('a long write is one sequence', async (t) => {
    const { store } = await openIn(t, open);
    const many = Array.from({ length: 2500 }, (_, i) => line(i * 20));
    await commit(store, write('x', 0, many));
    assert.deepEqual(
      texts(await pages(store, { group: 'g', order: 'ascending' }, 700)),
      many.map((one) => one.text),
    );
  });

  test('streams are summed up', async (t) => {
    const { store } = await openIn(t, open);
    await commit(store, write('b', 100, [line(50, 'ü'), line(60, 'xyz')]), write('a', 90, []));
    await commit(store, write('b', 120, [line(40, 'x')]));
    assert.deepEqual(await store.listStreams('g'), [
      {
        stream: 'a',
        createdAt: 90,
        firstAt: undefined,
        lastAt: undefined,
        lastIngestedAt: undefined,
        bytes: 0,
      },
      { stream: 'b', createdAt: 100, firstAt: 40, lastAt: 60, lastIngestedAt: 120, bytes: 6 },
    ]);
    assert.deepEqual(
      (await store.listStreams('g', 'b')).map(({ stream }) => stream),
      ['b'],
    );
    assert.deepEqual(await store.listStreams('other'), []);
  });

  test('erasing takes a group, a stream, or what is old', async (t) => {
    const under = await openIn(t, open);
    const { store } = under;
    const all = async (group: string) =>
      texts(await store.readLines({ group, order: 'ascending', limit: 100 }));
    for (const group of ['g', 'h']) {
      await commit(
        store,
        write('x', 0, [line(1), line(2)], 'r', group),
        write('y', 0, [line(100_000)], 'r', group),
      );
    }
    await commit(store, { kind: 'erase', group: 'g', before: 50_000 });
    assert.deepEqual(await all('g'), ['line at 100000']);
    assert.deepEqual(
      (await store.listStreams('g')).map(({ stream }) => stream),
      ['y'],
    );
    await commit(store, { kind: 'erase', group: 'h', stream: 'y' });
    assert.deepEqual(await all('h'), ['line at 1', 'line at 2']);
    await commit(store, { kind: 'erase', group: 'h' }, write('x', 1, [line(3)], 'r', 'h'), {
      kind: 'erase',
      group: 'none',
    });
    assert.deepEqual(await all('h'), ['line at 3']);
    assert.equal((await store.listStreams('h'))[0]?.bytes, 9);
    const reopened = await under.reopen();
    const labelled = await reopened.readLines({ group: 'h', label: 'r', order: 'ascending', limit: 10 });
    assert.deepEqual(texts(labelled), ['line at 3']);
  });

  test('any writes, any query, any page size: as if all lines were sorted at once', async (t) => {
    const { store } = await openIn(t, open);
    let run = 0;
    const at = fc.integer({ min: 0, max: 40_000 });
    const writes = fc.array(
      fc.record({
        stream: fc.constantFrom('x', 'y', 'z'),
        label: fc.option(fc.constantFrom('r1', 'r2'), { nil: undefined }),
        start: at,
        steps: fc.array(fc.integer({ min: -50, max: 6000 }), { maxLength: 12 }),
      }),
      { maxLength: 25 },
    );
    const query = fc.record({
      streams: fc.option(fc.subarray(['x', 'y', 'z']), { nil: undefined }),
      label: fc.option(fc.constantFrom('r1', 'r2'), { nil: undefined }),
      from: fc.option(at, { nil: undefined }),
      to: fc.option(at, { nil: undefined }),
      order: fc.constantFrom<LineQuery['order']>('ascending', 'descending'),
    });
    await fc.assert(
      fc.asyncProperty(writes, query, fc.integer({ min: 1, max: 20 }), async (made, asked, limit) => {
        const group = `run ${run++}`;
        const expected: {
          at: number;
          text: string;
          order: number;
          stream: string;
          label: string | undefined;
        }[] = [];
        for (const { stream, label, start, steps } of made) {
          let time = start;
          const written = steps.map((step) => {
            time = Math.max(0, time + step);
            const text = `${expected.length}`;
            expected.push({ at: time, text, order: expected.length, stream, label });
            return line(time, text);
          });
          await commit(store, write(stream, 0, written, label, group));
        }
        const wanted = expected
          .filter((one) => !asked.streams || asked.streams.includes(one.stream))
          .filter((one) => asked.label === undefined || one.label === asked.label)
          .filter((one) => one.at >= (asked.from ?? 0) && one.at < (asked.to ?? Infinity))
          .sort((a, b) => a.at - b.at || a.order - b.order);
        if (asked.order === 'descending') wanted.reverse();
        assert.deepEqual(
          texts(await pages(store, { group, ...asked }, limit)),
          wanted.map((one) => one.text),
        );
      }),
      { numRuns: 60 },
    );
  });
}

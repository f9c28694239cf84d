import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Message } from '../store/store.ts';
import {
  compileBodyFilter,
  decideBatch,
  type HeldMessage,
  offerAgainDelayMs,
  planBatches,
  readBatchItemFailures,
  scaleDown,
  scaleUp,
} from './event-source-batch.ts';
import type { Outcome } from './invocation.ts';

const report = {
  durationMs: 1,
  billedMs: 1,
  maxMemoryMb: 1,
  environmentId: 'e',
  logGroup: 'g',
  logStream: 's',
  startedAt: 0,
  endedAt: 0,
};
const answered = (payload: string): Outcome => ({ kind: 'succeeded', payload, executedVersion: '1', report });
const held = (id: string, receiveCount = 1, group?: string): HeldMessage => ({
  message: {
    receipt: { queue: 'q', seq: 1, id, lease: 1 },
    id,
    queue: 'q',
    body: id,
    attributes: {},
    state: {},
    group,
    sentAt: 0,
    dueAt: 0,
    receiveCount,
  } as Message,
  receivedAt: 0,
  heldUntil: 30_000,
});
const ids = (list: readonly HeldMessage[]) => list.map(({ message }) => message.id);

/** The table of AWS, "Implementing partial batch responses": the response → what failed, or everything. */
const RESPONSES: [string, string[] | 'everything'][] = [
  ['{"batchItemFailures":[]}', []],
  ['{"batchItemFailures":null}', []],
  ['{}', []],
  ['null', []],
  ['{"batchItemFailures":[{"itemIdentifier":"b"}]}', ['b']],
  ['{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"b"}]}', ['b']],
  ['{"batchItemFailures":[{"itemIdentifier":""}]}', 'everything'],
  ['{"batchItemFailures":[{"itemIdentifier":null}]}', 'everything'],
  ['{"batchItemFailures":[{"wrongKey":"b"}]}', 'everything'],
  ['{"batchItemFailures":[{"itemIdentifier":"stranger"}]}', 'everything'],
  ['{"batchItemFailures":[null]}', 'everything'],
  ['{"batchItemFailures":"b"}', 'everything'],
  ['"text"', 'everything'],
  ['[]', 'everything'],
  ['not json', 'everything'],
];

test('partial responses, case by case', () => {
  const batch = [held('a'), held('b'), held('c')];
  for (const [payload, expected] of RESPONSES) {
    const decision = decideBatch(answered(payload), batch, true);
    assert.ok(decision.kind === 'settle');
    const failed = expected === 'everything' ? ['a', 'b', 'c'] : expected;
    assert.deepEqual(ids(decision.failed), failed, payload);
    assert.deepEqual(
      ids(decision.done),
      ['a', 'b', 'c'].filter((id) => !failed.includes(id)),
      payload,
    );
  }
});

test('without response types the result does not matter', () => {
  const decision = decideBatch(
    answered('{"batchItemFailures":[{"itemIdentifier":"a"}]}'),
    [held('a')],
    false,
  );
  assert.deepEqual(decision.kind === 'settle' && ids(decision.done), ['a']);
});

test('errors keep the batch, refusals offer it again', () => {
  const batch = [held('a')];
  const error: Outcome = {
    kind: 'functionError',
    errorType: 'E',
    errorMessage: '',
    payload: '{}',
    executedVersion: '1',
    report,
  };
  const decision = decideBatch(error, batch, true);
  assert.deepEqual(decision.kind === 'settle' && ids(decision.failed), ['a']);
  for (const outcome of [
    { kind: 'throttled', reason: 'x' },
    { kind: 'systemError', message: 'x' },
    { kind: 'gone', message: 'x' },
  ] as Outcome[]) {
    assert.deepEqual(decideBatch(outcome, batch, true), { kind: 'offerAgain' });
  }
});

test('whatever a function answers, each message is either done or failed', () => {
  fc.assert(
    fc.property(fc.json(), (payload) => {
      const failed = readBatchItemFailures(payload, new Set(['a', 'b']));
      if (failed) for (const id of failed) assert.ok(id === 'a' || id === 'b');
    }),
  );
});

const messages = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('g', 'h')), {
  maxLength: 30,
});

test('batches: nothing is lost or doubled, none is too large, messages that came back are alone', () => {
  fc.assert(
    fc.property(
      messages,
      fc.integer({ min: 1, max: 10 }),
      fc.boolean(),
      fc.boolean(),
      (list, batchSize, fifo, reportsFailures) => {
        const all = list.map(([count, group], i) => held(`m${i}`, count, fifo ? group : undefined));
        const lists = planBatches(all, { batchSize, fifo, reportsFailures });
        const batches = lists.flat();
        assert.deepEqual(ids(batches.flat()).sort(), ids(all).sort());
        for (const batch of batches) {
          assert.ok(batch.length > 0 && batch.length <= batchSize);
          const back = batch.some(({ message }) => message.receiveCount > 1);
          if (back && !reportsFailures) assert.equal(batch.length, 1);
        }
        if (fifo) {
          assert.ok(lists.length <= 1, 'one list: the order must hold');
          assert.deepEqual(ids(batches.flat()), ids(all));
        }
      },
    ),
  );
});

test('filters on the body', () => {
  const cases: [string[] | undefined, string, boolean][] = [
    [undefined, 'anything', true],
    [['{"body":{"a":["b"]}}'], '{"a":"b"}', true],
    [['{"body":{"a":["b"]}}'], '{"a":"c"}', false],
    // A plain string and an object pattern: dropped; and the other way round.
    [['{"body":{"a":["b"]}}'], 'text', false],
    [['{"body":["text"]}'], 'text', true],
    [['{"body":["text"]}'], 'other', false],
    [['{"body":["{}"]}'], '{}', false],
    [['{"other":["x"]}'], 'text', true],
    [['{}'], 'text', true],
    // Filters are alternatives.
    [['{"body":{"a":["x"]}}', '{"body":{"a":["b"]}}'], '{"a":"b"}', true],
    [['{"body":{"a":[{"prefix":"b"}]}}'], '{"a":"bc"}', true],
  ];
  for (const [patterns, body, wanted] of cases) {
    assert.equal(compileBodyFilter(patterns)(body), wanted, `${patterns} ${body}`);
  }
});

test('refused batches are offered again after 2 s, 4 s … 30 s', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 100].map(offerAgainDelayMs),
    [2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000],
  );
});

test('concurrency grows by 300 a minute under load, to 1,250 or the cap, and halves on trouble', () => {
  const start = { limit: 5, changedAt: 0 };
  assert.equal(scaleUp(start, undefined, true, 60_000).limit, 305);
  assert.equal(scaleUp(start, undefined, false, 60_000).limit, 5);
  assert.equal(scaleUp({ limit: 1_200, changedAt: 0 }, undefined, true, 600_000).limit, 1_250);
  assert.equal(scaleUp(start, 3, true, 60_000).limit, 3);
  assert.equal(scaleDown({ limit: 100, changedAt: 0 }, 1).limit, 50);
  assert.equal(scaleDown({ limit: 2, changedAt: 0 }, 1).limit, 2);
});

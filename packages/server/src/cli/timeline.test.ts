/** The story of an event as text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventDetail } from './client.ts';
import { formatTable, printable } from './output.ts';
import { formatFate, formatHeader, formatTimeline } from './timeline.ts';

const START = Date.UTC(2026, 0, 2, 3, 4, 5);
const EVENT: EventDetail = {
  requestId: 'id-1',
  functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:f:live',
  acceptedAt: START,
  fate: { kind: 'DeadLettered', reason: 'RetriesExhausted', at: START + 60_500 },
  attempts: [],
  timeline: [
    { at: START, kind: 'accepted' },
    {
      at: START + 1_000,
      kind: 'throttled',
      data: { reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' },
    },
    {
      at: START + 60_000,
      kind: 'attempt',
      data: {
        number: 1,
        outcome: 'functionError',
        startedAt: START + 59_000,
        durationMs: 12.5,
        errorType: 'E',
        errorMessage: 'a\u001b[2Jb\nc',
      },
    },
    { at: START + 60_000, kind: 'retryScheduled', data: { delayMs: 60_000, why: 'functionError' } },
    {
      at: START + 60_500,
      kind: 'delivered',
      data: { role: 'DeadLetterQueue', target: 'arn:aws:sqs:us-east-1:000000000000:dead' },
    },
    { at: START + 60_500, kind: 'somethingNew', data: { a: 1, b: null } },
    { at: START + 60_500, kind: 'fate' },
  ],
};

test('every entry is one line, in order, without control characters', () => {
  assert.deepEqual(formatHeader(EVENT), ['id-1  f:live', '  accepted 2026-01-02 03:04:05.000Z']);
  assert.deepEqual(formatTimeline(EVENT), [
    '  +1s  throttled: ReservedFunctionConcurrentInvocationLimitExceeded',
    '  +59s  attempt 1 failed in 13ms: E: a\\x1b[2Jb',
    '  +1m  due again in 1m',
    '  +1m1s  sent to dead (DeadLetterQueue)',
    '  +1m1s  somethingNew a=1',
    '  +1m1s  DeadLettered (RetriesExhausted)',
  ]);
  assert.equal(formatFate({ ...EVENT, fate: undefined }), 'pending');
});

test('tables are padded; the last column is left alone', () => {
  assert.equal(
    formatTable(
      ['A', 'B'],
      [
        ['long', 'x'],
        ['s', ''],
      ],
    ),
    'A     B\nlong  x\ns',
  );
  assert.equal(printable('a\tb\r\nc'), 'a\tb\nc');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPayload, editDeadLetter, fingerprintIdOf, readDeadLetter } from './dead-letter.ts';
import { formatInvocationRecord } from './destination.ts';
import { summarizeFailure } from './failure-summary.ts';
import type { Outcome } from './invocation.ts';

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:orders:live';
const failed: Outcome = {
  kind: 'functionError',
  errorType: 'TypeError',
  errorMessage: 'order 5 is empty',
  payload: JSON.stringify({
    errorType: 'TypeError',
    errorMessage: 'order 5 is empty',
    trace: ['TypeError: order 5 is empty', '    at handler (file:///var/task/index.mjs:3:9)'],
  }),
  executedVersion: '7',
  report: {
    durationMs: 1,
    billedMs: 1,
    maxMemoryMb: 1,
    environmentId: 'e',
    logGroup: 'g',
    logStream: 's',
    startedAt: 1,
    endedAt: 2,
  },
};
const record = (requestPayload: string) =>
  formatInvocationRecord({
    requestId: 'r-1',
    functionArn: ARN,
    condition: 'RetriesExhausted',
    approximateInvokeCount: 3,
    requestPayload,
    outcome: failed,
    timestamp: 0,
  });
const message = (body: string, attributes = {}, state = {}) => ({ body, attributes, state, sentAt: 1_000 });
const text = (value: string) => ({ DataType: 'String', StringValue: value });

test("a function's dead letter says what its attributes say", () => {
  const letter = readDeadLetter(
    message('{"id":1}', {
      messageAttributes: {
        RequestID: text('r-1'),
        ErrorCode: { DataType: 'Number', StringValue: '200' },
        ErrorMessage: text('boom 17'),
      },
    }),
  );
  assert.equal(letter.kind, 'function');
  assert.equal(letter.requestId, 'r-1');
  assert.equal(letter.statusCode, 200);
  assert.equal(letter.payload, '{"id":1}');
  assert.equal(letter.fingerprint.message, 'boom #');
  assert.equal(letter.origin, undefined);
});

test('one made here also knows the function, the version and the stack', () => {
  const failure = summarizeFailure({
    condition: 'RetriesExhausted',
    outcome: failed,
    functionName: 'orders',
    functionArn: ARN,
    attempts: 3,
  });
  const attributes = {
    messageAttributes: { RequestID: text('r-1'), ErrorMessage: text('order 5 is empty') },
  };
  const letter = readDeadLetter(message('{}', attributes, { failure }));
  assert.deepEqual(letter.origin, { kind: 'function', functionName: 'orders', qualifier: 'live' });
  assert.equal(letter.version, '7');
  assert.deepEqual(letter.fingerprint.frames, ['handler (index.mjs)']);
  // A record of the same failure belongs to the same group, wherever it was made.
  assert.equal(fingerprintIdOf(message(record('{}'))), letter.fingerprint.id);
});

test('the event of a record is cut out and replaced as text', () => {
  const letter = readDeadLetter(message(record('{"n": 9007199254740993}')));
  assert.equal(letter.kind, 'record');
  assert.equal(letter.payload, '{"n": 9007199254740993}');
  assert.equal(letter.attempts, 3);
  assert.deepEqual(letter.origin, { kind: 'function', functionName: 'orders', qualifier: 'live' });
  const once = editDeadLetter(message(record('{"n":1}')), '{"n":2}', { at: 5, by: 'ann' });
  const twice = editDeadLetter({ ...once, sentAt: 1_000 }, '{"n":3}', { at: 6, by: 'bob' });
  assert.equal(twice.body, record('{"n":3}'));
  assert.deepEqual(twice.state.edited, {
    original: record('{"n":1}'),
    edits: [
      { at: 5, by: 'ann' },
      { at: 6, by: 'bob' },
    ],
  });
});

test('messages of redrive policies and of subscriptions go back where they came from', () => {
  const moved = readDeadLetter(
    message('x', { deadLetterSourceArn: 'arn:aws:sqs:us-east-1:000000000000:work', deadLetteredAt: 9 }),
  );
  assert.equal(moved.kind, 'queue');
  assert.deepEqual(moved.origin, { kind: 'queue', arn: 'arn:aws:sqs:us-east-1:000000000000:work' });
  assert.equal(moved.deadLetteredAt, 9);
  const topic = 'arn:aws:sns:us-east-1:000000000000:news';
  const notice = readDeadLetter(
    message(JSON.stringify({ Type: 'Notification', TopicArn: topic, Message: 'hi' }), {
      messageAttributes: { ErrorCode: text('404'), ErrorMessage: text('Queue does not exist') },
    }),
  );
  assert.equal(notice.kind, 'notification');
  assert.deepEqual(notice.origin, { kind: 'topic', arn: topic });
  assert.equal(notice.fingerprint.type, 'Status404');
});

test('anything else is shown as it is', () => {
  for (const body of ['', 'plain', '{"requestContext":1,"requestPayload":2}', '<script>', '[', 'null']) {
    const letter = readDeadLetter(message(body));
    assert.equal(letter.kind, 'other');
    assert.equal(letter.payload, body);
  }
  assert.match(checkPayload({ kind: 'function' }, '{') ?? '', /must be JSON/);
  assert.equal(checkPayload({ kind: 'queue' }, '{'), undefined);
});

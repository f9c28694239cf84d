import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Effect } from '../store/store.ts';
import { DEFAULT_RETRY_POLICY, decideNext } from './async-retry.ts';
import type { Outcome, RunReport } from './invocation.ts';
import {
  type Delivery,
  type HeldEvent,
  type PlannedDelivery,
  planAccept,
  planTransition,
  retryStateOf,
  type Targets,
} from './lifecycle.ts';

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST';
const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:dlq';
const DESTINATION = 'arn:aws:sqs:us-east-1:000000000000:failed';

const report: RunReport = {
  durationMs: 1.5,
  billedMs: 2,
  maxMemoryMb: 40,
  environmentId: 'e',
  logGroup: '/aws/lambda/f',
  logStream: 's',
  startedAt: 10,
  endedAt: 12,
};
const failed: Outcome = {
  kind: 'functionError',
  errorType: 'Error',
  errorMessage: 'é'.repeat(600),
  payload: '{"errorType":"Error","errorMessage":"no"}',
  executedVersion: '$LATEST',
  report,
};
const succeeded: Outcome = { kind: 'succeeded', payload: '{"ok":1.0}', executedVersion: '7', report };

function held(state: HeldEvent['state'] = { arn: ARN }): HeldEvent {
  return {
    receipt: { queue: 'fn:f', seq: 1, id: 'r', lease: 1 },
    requestId: 'r',
    payload: '{"a":1.0}',
    acceptedAt: 0,
    state,
    heldUntil: 1_000_000,
    redelivered: false,
  };
}

/** Plans what follows an outcome and keeps what was handed to targets. */
function follow(
  outcome: Outcome,
  targets: Targets,
  options: { state?: HeldEvent['state']; refuse?: string[] } = {},
) {
  const event = held(options.state);
  const deliveries: Delivery[] = [];
  const now = 1_000;
  const transition = planTransition({
    event,
    decision: decideNext(DEFAULT_RETRY_POLICY, retryStateOf(event.state), outcome, event.acceptedAt, now, 0),
    outcome,
    targets,
    now,
    deliver(delivery): PlannedDelivery {
      deliveries.push(delivery);
      return options.refuse?.includes(delivery.arn)
        ? { kind: 'refused', code: 'QueueDoesNotExist', message: 'gone' }
        : { kind: 'deliverable', effects: [], messageId: `to ${delivery.arn}` };
    },
  });
  return { ...transition, deliveries };
}

/** What the unit does; what it measures beside has tests of its own. */
const kinds = (unit: readonly Effect[]) =>
  unit.map((effect) => effect.kind).filter((kind) => kind !== 'measure');

test('accepting opens the subject and sends its message in one unit', () => {
  const unit = planAccept(
    { requestId: 'r', functionName: 'f', functionArn: ARN, payload: '{}', source: 'Invoke' },
    5,
  );
  assert.deepEqual(kinds(unit), ['open', 'send']);
});

test('a first failure goes back to the queue for a minute and counts as an attempt', () => {
  const { unit, fate } = follow(failed, { deadLetter: QUEUE });
  assert.equal(fate, undefined);
  assert.deepEqual(kinds(unit), ['reschedule', 'append']);
  const [reschedule] = unit;
  assert.ok(reschedule?.kind === 'reschedule');
  assert.equal(reschedule.dueAt, 61_000);
  assert.deepEqual(retryStateOf(reschedule.state as HeldEvent['state']), {
    attempts: 1,
    throttles: 0,
    lastDelayMs: 60_000,
  });
});

test('the last failure is settled with its deliveries in one unit', () => {
  const { fate, unit, deliveries } = follow(
    failed,
    { deadLetter: QUEUE, onFailure: DESTINATION },
    { state: { arn: ARN, n: 2 } },
  );
  assert.deepEqual(kinds(unit), ['ack', 'append']);
  assert.deepEqual(fate, { kind: 'DeadLettered', reason: 'RetriesExhausted' });
  const [record, letter] = deliveries;
  assert.deepEqual(JSON.parse(record?.body ?? ''), {
    version: '1.0',
    timestamp: '1970-01-01T00:00:01.000Z',
    requestContext: {
      requestId: 'r',
      functionArn: ARN,
      condition: 'RetriesExhausted',
      approximateInvokeCount: 3,
    },
    requestPayload: { a: 1 },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: { errorType: 'Error', errorMessage: 'no' },
  });
  assert.ok(letter?.role === 'DeadLetterQueue');
  assert.equal(letter.body, '{"a":1.0}', 'byte for byte');
  assert.deepEqual(letter.attributes.RequestID, { DataType: 'String', StringValue: 'r' });
  assert.deepEqual(letter.attributes.ErrorCode, { DataType: 'Number', StringValue: '200' });
  assert.equal(
    letter.attributes.ErrorMessage?.StringValue,
    'é'.repeat(512),
    'the first 1 KB, whole characters',
  );
});

test('success says one invocation, whatever came before, and splices the payloads in as they are', () => {
  const { fate, deliveries } = follow(succeeded, { onSuccess: DESTINATION }, { state: { arn: ARN, n: 1 } });
  assert.deepEqual(fate, { kind: 'Succeeded' });
  assert.match(deliveries[0]?.body ?? '', /"approximateInvokeCount":1\},"requestPayload":\{"a":1\.0\}/);
  assert.match(deliveries[0]?.body ?? '', /"responsePayload":\{"ok":1\.0\}\}$/);
});

for (const [refuse, kind] of [
  [[], 'DeadLettered'],
  [[QUEUE], 'SentToDestination'],
  [[QUEUE, DESTINATION], 'Discarded'],
] as const) {
  test(`with ${refuse.length} targets refusing, the fate is ${kind}`, () => {
    const { fate, refused } = follow(
      failed,
      { deadLetter: QUEUE, onFailure: DESTINATION },
      { state: { arn: ARN, n: 2 }, refuse: [...refuse] },
    );
    assert.deepEqual(fate, { kind, reason: 'RetriesExhausted' });
    assert.equal(refused.length, refuse.length);
  });
}

test('zero reserved concurrency leaves no response in the record and AWS’s words in the attributes', () => {
  const deliveries: Delivery[] = [];
  planTransition({
    event: held(),
    decision: { kind: 'giveUp', condition: 'ZeroReservedConcurrency', state: retryStateOf({ arn: ARN }) },
    targets: { deadLetter: QUEUE, onFailure: DESTINATION },
    now: 0,
    deliver(delivery) {
      deliveries.push(delivery);
      return { kind: 'deliverable', effects: [], messageId: 'm' };
    },
  });
  const record = JSON.parse(deliveries[0]?.body ?? '') as Record<string, unknown>;
  assert.deepEqual(Object.keys(record), ['version', 'timestamp', 'requestContext', 'requestPayload']);
  assert.ok(deliveries[1]?.role === 'DeadLetterQueue');
  assert.deepEqual(Object.keys(deliveries[1].attributes), ['RequestID', 'ErrorMessage']);
});

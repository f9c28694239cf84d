/** Messages of standard queues through the SDK: sending, receiving, deleting, hiding, waiting, dead letters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  type SQSServiceException,
} from '@aws-sdk/client-sqs';
import { eventually } from '../support/eventually.ts';
import { type Messaging, START_AT, startMessaging } from '../support/messaging.ts';

async function createQueue(
  m: Messaging,
  name: string,
  attributes: Record<string, string> = {},
): Promise<string> {
  const { QueueUrl } = await m.sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
  return QueueUrl as string;
}
const send = (m: Messaging, QueueUrl: string, MessageBody: string, more = {}) =>
  m.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }));
async function receive(
  m: Messaging,
  QueueUrl: string,
  more: Partial<ReceiveMessageCommandInput> = {},
): Promise<Message[]> {
  const { Messages } = await m.sqs.send(new ReceiveMessageCommand({ QueueUrl, ...more }));
  return Messages ?? [];
}
const remove = (m: Messaging, QueueUrl: string, message: Message | undefined) =>
  m.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
const hide = (m: Messaging, QueueUrl: string, message: Message | undefined, VisibilityTimeout: number) =>
  m.sqs.send(
    new ChangeMessageVisibilityCommand({
      QueueUrl,
      ReceiptHandle: message?.ReceiptHandle,
      VisibilityTimeout,
    }),
  );
async function depth(m: Messaging, QueueUrl: string): Promise<number[]> {
  const { Attributes } = await m.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  );
  return ['', 'NotVisible', 'Delayed'].map((kind) =>
    Number(Attributes?.[`ApproximateNumberOfMessages${kind}` as never]),
  );
}
async function refusal(work: Promise<unknown>): Promise<SQSServiceException> {
  try {
    await work;
  } catch (error) {
    return error as SQSServiceException;
  }
  throw new assert.AssertionError({ message: 'expected a refusal' });
}

test('a message comes out as it went in, and is gone once deleted', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q');
  const sent = await send(m, url, 'hällo 🎉\r\n', {
    MessageAttributes: {
      text: { DataType: 'String', StringValue: 'Bar' },
      number: { DataType: 'Number.int', StringValue: '42' },
      bytes: { DataType: 'Binary', BinaryValue: Buffer.from([0, 1, 255]) },
    },
    MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1-2-3' } },
  });
  assert.match(sent.MessageId ?? '', /^[0-9a-f-]{36}$/);
  assert.equal(sent.SequenceNumber, undefined);

  const [message] = await receive(m, url, {
    MessageSystemAttributeNames: ['All'],
    MessageAttributeNames: ['All'],
  });
  assert.equal(message?.Body, 'hällo 🎉\r\n');
  assert.equal(message?.MessageId, sent.MessageId);
  assert.equal(message?.MD5OfBody, sent.MD5OfMessageBody);
  assert.equal(message?.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  assert.deepEqual(message?.MessageAttributes?.text, { DataType: 'String', StringValue: 'Bar' });
  assert.deepEqual(
    Buffer.from(message?.MessageAttributes?.bytes?.BinaryValue ?? []),
    Buffer.from([0, 1, 255]),
  );
  assert.deepEqual(message?.Attributes, {
    SenderId: 'test',
    SentTimestamp: String(START_AT),
    ApproximateReceiveCount: '1',
    ApproximateFirstReceiveTimestamp: String(START_AT),
    AWSTraceHeader: 'Root=1-2-3',
  });
  assert.deepEqual(await depth(m, url), [0, 1, 0]);
  await remove(m, url, message);
  assert.deepEqual(await depth(m, url), [0, 0, 0]);
  await remove(m, url, message);
  await m.advance(60_000);
  assert.deepEqual(await receive(m, url), []);
});

test('no messages: no member Messages on the wire', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q');
  const response = await fetch(m.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.ReceiveMessage' },
    body: JSON.stringify({ QueueUrl: url }),
  });
  assert.deepEqual(await response.json(), {});
});

test('visibility: hidden while held, back afterwards with a new handle and a higher count', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q');
  await send(m, url, 'a');
  const [first] = await receive(m, url, { VisibilityTimeout: 10 });
  assert.deepEqual(await receive(m, url), []);
  await m.advance(9_999);
  assert.deepEqual(await receive(m, url), []);
  await m.advance(1);
  const [second] = await receive(m, url, { MessageSystemAttributeNames: ['All'] });
  assert.equal(second?.MessageId, first?.MessageId);
  assert.notEqual(second?.ReceiptHandle, first?.ReceiptHandle);
  assert.equal(second?.Attributes?.ApproximateReceiveCount, '2');
  assert.equal(second?.Attributes?.ApproximateFirstReceiveTimestamp, String(START_AT));

  await remove(m, url, first);
  assert.deepEqual(await depth(m, url), [0, 1, 0], 'an old handle succeeds and deletes nothing');
  await remove(m, url, second);
  assert.deepEqual(await depth(m, url), [0, 0, 0]);
});

test('an old handle still deletes while nobody else has received the message', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q');
  await send(m, url, 'a');
  const [message] = await receive(m, url, { VisibilityTimeout: 1 });
  await m.advance(5_000);
  await remove(m, url, message);
  assert.deepEqual(await depth(m, url), [0, 0, 0]);
});

test('changing visibility: longer, shorter, at once, and its limits', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q');
  await send(m, url, 'a');
  const [message] = await receive(m, url, { VisibilityTimeout: 10 });
  await hide(m, url, message, 60);
  await m.advance(59_000);
  assert.deepEqual(await receive(m, url), []);
  await hide(m, url, message, 0);
  const [again] = await receive(m, url, { VisibilityTimeout: 2 });
  assert.equal(again?.MessageId, message?.MessageId);
  await m.advance(3_000);
  // Observed: as long as nobody else has it, its last receiver may hide it anew.
  await hide(m, url, again, 100);
  assert.deepEqual(await receive(m, url), []);

  await m.advance(50_000);
  const tooLong = await refusal(hide(m, url, again, 43_200));
  assert.equal(tooLong.name, 'InvalidParameterValue');
  assert.match(
    tooLong.message,
    /Total VisibilityTimeout for the message is beyond the limit \[43200 seconds\]/,
  );
  for (const seconds of [-1, 43_201]) {
    assert.equal((await refusal(hide(m, url, again, seconds))).name, 'InvalidParameterValue');
  }
  await remove(m, url, again);
  const gone = await refusal(hide(m, url, again, 5));
  assert.equal(
    gone.message,
    `Value ${again?.ReceiptHandle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
  );
  const stale = await refusal(hide(m, url, message, 5));
  assert.equal(stale.name, 'InvalidParameterValue');
});

test('garbage is no receipt handle', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q');
  const other = await createQueue(m, 'other');
  await send(m, url, 'a');
  const [message] = await receive(m, url);
  const bad = await refusal(remove(m, url, { ReceiptHandle: 'garbage' }));
  assert.equal(bad.name, 'ReceiptHandleIsInvalid');
  assert.equal(bad.message, 'The input receipt handle "garbage" is not a valid receipt handle.');
  assert.equal(bad.$metadata.httpStatusCode, 404);
  assert.equal(
    (await refusal(hide(m, url, { ReceiptHandle: 'INVALID' }, 60))).name,
    'ReceiptHandleIsInvalid',
  );
  assert.equal((await refusal(remove(m, other, message))).name, 'ReceiptHandleIsInvalid');
});

test('delays: of a message, of a queue', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q', { DelaySeconds: '5' });
  await send(m, url, 'as the queue says');
  await send(m, url, 'at once', { DelaySeconds: 0 });
  await send(m, url, 'later', { DelaySeconds: 900 });
  assert.deepEqual(await depth(m, url), [1, 0, 2]);
  assert.deepEqual(
    (await receive(m, url, { MaxNumberOfMessages: 10 })).map((each) => each.Body),
    ['at once'],
  );
  await m.advance(5_000);
  assert.deepEqual(
    (await receive(m, url, { MaxNumberOfMessages: 10 })).map((each) => each.Body),
    ['as the queue says'],
  );
  const bad = await refusal(send(m, url, 'x', { DelaySeconds: 901 }));
  assert.equal(
    bad.message,
    'Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.',
  );
});

test('a long poll ends when a message comes, when one comes back, when time is up', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q', { ReceiveMessageWaitTimeSeconds: '20' });
  const waiting = (count: number) =>
    eventually(() => m.service.describe().waitingReceivers === count, { what: `${count} waiting receivers` });

  const sent = receive(m, url);
  await waiting(1);
  await send(m, url, 'a');
  const [message] = await sent;
  assert.equal(message?.Body, 'a');

  const back = receive(m, url, { WaitTimeSeconds: 20 });
  await waiting(1);
  await hide(m, url, message, 7);
  await m.advance(6_999);
  assert.equal(m.service.describe().waitingReceivers, 1);
  await m.advance(1);
  assert.equal((await back)[0]?.MessageId, message?.MessageId);

  const nothing = receive(m, url, { WaitTimeSeconds: 3 });
  await waiting(1);
  await m.advance(3_000);
  assert.deepEqual(await nothing, []);

  const delayed = receive(m, url);
  await waiting(1);
  await send(m, url, 'b', { DelaySeconds: 4 });
  await m.advance(4_000);
  assert.equal((await delayed)[0]?.Body, 'b');

  const deleted = refusal(receive(m, url));
  await waiting(1);
  await m.sqs.send(new DeleteQueueCommand({ QueueUrl: url }));
  assert.equal((await deleted).name, 'QueueDoesNotExist');
});

test('a client that leaves its long poll takes no message with it', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q');
  const abort = new AbortController();
  const left = m.sqs.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }), {
    abortSignal: abort.signal,
  });
  await eventually(() => m.service.describe().waitingReceivers === 1);
  abort.abort();
  await assert.rejects(left);
  await eventually(() => m.service.describe().waitingReceivers === 0);
  await send(m, url, 'a');
  const [message] = await receive(m, url, { MessageSystemAttributeNames: ['All'] });
  assert.equal(message?.Attributes?.ApproximateReceiveCount, '1');
});

test('many receivers wait; each message wakes one', async (t) => {
  const m = await startMessaging(t, { clock: 'real' });
  const url = await createQueue(m, 'q');
  const polls = Array.from({ length: 300 }, () =>
    m.call<{ Messages?: Message[] }>('ReceiveMessage', { QueueUrl: url, WaitTimeSeconds: 20 }),
  );
  await eventually(() => m.service.describe().waitingReceivers === 300);
  for (let i = 0; i < 30; i++) {
    const Entries = Array.from({ length: 10 }, (_, j) => ({ Id: `${j}`, MessageBody: `${i * 10 + j}` }));
    await m.sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
  }
  const bodies = (await Promise.all(polls)).map(({ Messages }) => Messages?.[0]?.Body);
  assert.equal(new Set(bodies).size, 300);
  assert.ok(!bodies.includes(undefined));
});

test('batches: partial results, and refusals of the whole', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q', { MaximumMessageSize: '1024' });
  const batch = (Entries: { Id: string; MessageBody: string }[]) =>
    m.sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
  const result = await batch([
    { Id: 'good', MessageBody: 'a' },
    { Id: 'odd', MessageBody: '\u0001' },
    { Id: 'big', MessageBody: 'x'.repeat(1025) },
  ]);
  assert.deepEqual(
    result.Successful?.map(({ Id }) => Id),
    ['good'],
  );
  assert.deepEqual(
    result.Failed?.map(({ Id, Code, SenderFault }) => [Id, Code, SenderFault]),
    [
      ['odd', 'InvalidMessageContents', true],
      ['big', 'InvalidParameterValue', true],
    ],
  );
  assert.equal(
    result.Failed?.[1]?.Message,
    'One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes.',
  );

  const many = Array.from({ length: 20 }, (_, i) => ({ Id: `${i}`, MessageBody: 'a' }));
  const tooMany = await refusal(batch(many));
  assert.equal(tooMany.name, 'TooManyEntriesInBatchRequest');
  assert.equal(tooMany.message, 'Maximum number of entries per request are 10. You have sent 20.');
  assert.equal((await refusal(batch([]))).name, 'EmptyBatchRequest');
  assert.equal((await refusal(batch([{ Id: 'a:b', MessageBody: 'a' }]))).name, 'InvalidBatchEntryId');
  const twice = [
    { Id: 'a', MessageBody: 'a' },
    { Id: 'a', MessageBody: 'b' },
  ];
  const same = await refusal(batch(twice));
  assert.equal(same.name, 'BatchEntryIdsNotDistinct');
  assert.equal(same.message, 'Id a repeated.');
  const heavy = await refusal(
    batch([
      { Id: 'a', MessageBody: 'a'.repeat(1_048_576) },
      { Id: 'b', MessageBody: 'b' },
    ]),
  );
  assert.equal(heavy.name, 'BatchRequestTooLong');
  assert.equal(
    heavy.message,
    'Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.',
  );
});

test('batches of deletes and of visibility changes', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q');
  for (const body of ['a', 'b', 'c']) await send(m, url, body);
  const messages = await receive(m, url, { MaxNumberOfMessages: 10 });
  assert.deepEqual(
    messages.map((each) => each.Body),
    ['a', 'b', 'c'],
  );
  const [a, b, c] = messages.map((each) => each.ReceiptHandle as string);
  const changed = await m.sqs.send(
    new ChangeMessageVisibilityBatchCommand({
      QueueUrl: url,
      Entries: [
        { Id: 'one', ReceiptHandle: a, VisibilityTimeout: 0 },
        { Id: 'two', ReceiptHandle: 'dummy', VisibilityTimeout: 20 },
        { Id: 'three', ReceiptHandle: c, VisibilityTimeout: -20 },
      ],
    }),
  );
  assert.deepEqual(changed.Successful, [{ Id: 'one' }]);
  assert.deepEqual(
    changed.Failed?.map(({ Id, Code }) => [Id, Code]),
    [
      ['two', 'ReceiptHandleIsInvalid'],
      ['three', 'InvalidParameterValue'],
    ],
  );
  assert.deepEqual(
    (await receive(m, url)).map((each) => each.Body),
    ['a'],
  );
  const deleted = await m.sqs.send(
    new DeleteMessageBatchCommand({
      QueueUrl: url,
      Entries: [
        { Id: 'one', ReceiptHandle: b },
        { Id: 'two', ReceiptHandle: 'dummy' },
      ],
    }),
  );
  assert.deepEqual(deleted.Successful, [{ Id: 'one' }]);
  assert.equal(deleted.Failed?.[0]?.Code, 'ReceiptHandleIsInvalid');
  assert.deepEqual(await depth(m, url), [0, 2, 0]);
});

test('sizes count body and attributes', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q');
  await send(m, url, 'a'.repeat(1_048_576));
  const attributes = { MessageAttributes: { k: { DataType: 'String', StringValue: 'x' } } };
  const tooBig = await refusal(send(m, url, 'a'.repeat(1_048_576 - 8 + 1), attributes));
  assert.equal(tooBig.name, 'InvalidParameterValue');
  assert.equal(
    tooBig.message,
    'One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.',
  );
  await send(m, url, 'a'.repeat(1_048_576 - 8), attributes);
  assert.equal((await refusal(send(m, url, 'é'.repeat(524_289)))).name, 'InvalidParameterValue');
});

test('what is refused of a send and of a receive', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q');
  const empty = await refusal(send(m, url, ''));
  assert.equal(empty.name, 'MissingParameter');
  assert.equal(empty.message, 'The request must contain the parameter MessageBody.');
  assert.equal((await refusal(send(m, url, 'a\u0000'))).name, 'InvalidMessageContents');
  assert.equal(
    (await refusal(send(m, url, 'a', { MessageDeduplicationId: 'x' }))).name,
    'InvalidParameterValue',
  );
  await send(m, url, 'a', { MessageGroupId: 'tenant' });
  const eleven = await refusal(receive(m, url, { MaxNumberOfMessages: 11 }));
  assert.equal(
    eleven.message,
    'Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.',
  );
  const wait = await refusal(receive(m, url, { WaitTimeSeconds: 21 }));
  assert.equal(
    wait.message,
    'Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.',
  );
  assert.equal((await refusal(receive(m, url, { VisibilityTimeout: 43_201 }))).name, 'InvalidParameterValue');
  const missing = await refusal(receive(m, `${m.endpoint}/000000000000/none`));
  assert.equal(missing.name, 'QueueDoesNotExist');
  assert.equal(missing.message, 'The specified queue does not exist.');
  assert.equal((await refusal(receive(m, `${m.endpoint}/111111111111/q`))).name, 'QueueDoesNotExist');
});

test('poison goes to the dead-letter queue with its past, and the rest is delivered', async (t) => {
  const m = await startMessaging(t);
  const dead = await createQueue(m, 'dead');
  const url = await createQueue(m, 'q', {
    RedrivePolicy: JSON.stringify({
      deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:dead',
      maxReceiveCount: 2,
    }),
    VisibilityTimeout: '10',
  });
  const sent = await send(m, url, 'poison', {
    MessageAttributes: { k: { DataType: 'String', StringValue: 'v' } },
  });
  for (let i = 0; i < 2; i++) {
    assert.equal((await receive(m, url)).length, 1);
    await m.advance(10_000);
  }
  await send(m, url, 'good');
  const got = await receive(m, url, { MaxNumberOfMessages: 1 });
  assert.deepEqual(
    got.map((each) => each.Body),
    ['good'],
    'the receiver gets the next message at once',
  );
  const [letter] = await receive(m, dead, {
    MessageSystemAttributeNames: ['All'],
    MessageAttributeNames: ['All'],
  });
  assert.equal(letter?.MessageId, sent.MessageId);
  assert.equal(letter?.Body, 'poison');
  assert.equal(letter?.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  assert.equal(letter?.Attributes?.ApproximateReceiveCount, '3');
  assert.equal(letter?.Attributes?.SentTimestamp, String(START_AT));
  assert.equal(letter?.Attributes?.DeadLetterQueueSourceArn, 'arn:aws:sqs:us-east-1:000000000000:q');
  assert.deepEqual(await depth(m, url), [0, 1, 0]);
});

test('a dead-letter queue that is gone: messages stay where they are', async (t) => {
  const m = await startMessaging(t);
  const dead = await createQueue(m, 'dead');
  const url = await createQueue(m, 'q', {
    RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}',
    VisibilityTimeout: '0',
  });
  await send(m, url, 'a');
  await m.sqs.send(new DeleteQueueCommand({ QueueUrl: dead }));
  for (let i = 0; i < 5; i++) assert.equal((await receive(m, url)).length, 1);
});

test('a chain of dead-letter queues, and a long poll that finds a letter', async (t) => {
  const m = await startMessaging(t);
  const policy = (name: string) => ({
    VisibilityTimeout: '0',
    RedrivePolicy: `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:${name}","maxReceiveCount":1}`,
  });
  const third = await createQueue(m, 'third');
  const second = await createQueue(m, 'second', policy('third'));
  const first = await createQueue(m, 'first', policy('second'));
  const poll = receive(m, third, { WaitTimeSeconds: 20, MessageSystemAttributeNames: ['All'] });
  await eventually(() => m.service.describe().waitingReceivers === 1);
  await send(m, first, 'a');
  assert.equal((await receive(m, first)).length, 1);
  assert.equal((await receive(m, first)).length, 0);
  assert.equal((await receive(m, second)).length, 1, 'each queue counts for itself');
  assert.equal((await receive(m, second)).length, 0);
  const [letter] = await poll;
  assert.equal(letter?.Attributes?.DeadLetterQueueSourceArn, 'arn:aws:sqs:us-east-1:000000000000:second');
});

test('too many in flight: a short poll is refused, a long poll waits', async (t) => {
  const m = await startMessaging(t, { limits: { inFlight: 5 } });
  const url = await createQueue(m, 'q');
  for (let i = 0; i < 8; i++) await send(m, url, `${i}`);
  const held = await receive(m, url, { MaxNumberOfMessages: 10 });
  assert.equal(held.length, 5);
  const over = await refusal(receive(m, url));
  assert.equal(over.name, 'OverLimit');
  assert.equal(over.$metadata.httpStatusCode, 403);
  const poll = receive(m, url, { WaitTimeSeconds: 20 });
  await eventually(() => m.service.describe().waitingReceivers === 1);
  await remove(m, url, held[0]);
  await m.advance(1_000);
  assert.equal((await poll).length, 1);
});

test('messages end with their retention period', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q', { MessageRetentionPeriod: '60' });
  await send(m, url, 'old');
  await receive(m, url, { VisibilityTimeout: 1000 });
  await m.advance(30_000);
  await send(m, url, 'young');
  await m.advance(31_000);
  assert.deepEqual(await depth(m, url), [1, 0, 0]);
  await m.advance(3_700_000);
  assert.deepEqual(await depth(m, url), [0, 0, 0]);

  await send(m, url, 'kept longer');
  await m.sqs.send(
    new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { MessageRetentionPeriod: '3600' } }),
  );
  await m.advance(120_000);
  assert.deepEqual(await depth(m, url), [1, 0, 0]);
  await m.sqs.send(
    new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { MessageRetentionPeriod: '60' } }),
  );
  await m.advance(2_000);
  assert.deepEqual(await depth(m, url), [0, 0, 0]);
});

test('a purge takes everything, once a minute', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q');
  await send(m, url, 'held');
  const [held] = await receive(m, url);
  await send(m, url, 'visible');
  await send(m, url, 'delayed', { DelaySeconds: 60 });
  await m.sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
  assert.deepEqual(await depth(m, url), [0, 0, 0]);
  await remove(m, url, held);
  const again = await refusal(m.sqs.send(new PurgeQueueCommand({ QueueUrl: url })));
  assert.equal(again.name, 'PurgeQueueInProgress');
  assert.equal(again.message, 'Only one PurgeQueue operation on q is allowed every 60 seconds.');
  assert.equal(again.$metadata.httpStatusCode, 403);
  await m.advance(60_000);
  await m.sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
  await send(m, url, 'new');
  assert.equal((await receive(m, url)).length, 1);
});

test('everything is there again after a restart, receipts included', async (t) => {
  const m = await startMessaging(t);
  const url = await createQueue(m, 'q');
  await send(m, url, 'a');
  await send(m, url, 'b');
  const [held] = await receive(m, url);
  await m.close();
  const again = await startMessaging(t, { dataDir: m.dataDir });
  await remove(again, url, held);
  const left = await receive(again, url, { MaxNumberOfMessages: 10 });
  assert.deepEqual(
    left.map((each) => each.Body),
    ['b'],
  );
});

/**
 * First-in-first-out queues: groups in order and one consumer at a time, deduplication, sequence numbers, repeated
 * receives. The scenarios of groups follow what the recordings of AWS show.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SQSServiceException,
} from '@aws-sdk/client-sqs';
import { type Messaging, startMessaging } from '../support/messaging.ts';

async function create(
  m: Messaging,
  Attributes: Record<string, string> = {},
  QueueName = 'q.fifo',
): Promise<string> {
  const all = { FifoQueue: 'true', ContentBasedDeduplication: 'true', ...Attributes };
  return (await m.sqs.send(new CreateQueueCommand({ QueueName, Attributes: all }))).QueueUrl as string;
}
/** Sends `g1-m1` into group `g1`, one after the other. */
async function sendAll(m: Messaging, QueueUrl: string, ...bodies: string[]): Promise<void> {
  for (const MessageBody of bodies) {
    const MessageGroupId = MessageBody.split('-')[0];
    await m.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId }));
  }
}
async function receive(
  m: Messaging,
  QueueUrl: string,
  MaxNumberOfMessages = 10,
  more: Partial<ReceiveMessageCommandInput> = {},
): Promise<Message[]> {
  return (
    (await m.sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages, ...more }))).Messages ?? []
  );
}
const bodies = (messages: Message[]) => messages.map(({ Body }) => Body);
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
async function refusal(work: Promise<unknown>): Promise<SQSServiceException> {
  return work.then(
    () => assert.fail('expected a refusal'),
    (error: SQSServiceException) => error,
  );
}

test('as many of one group as fit, then the next group', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m);
  await sendAll(m, url, 'g1-m1', 'g2-m1', 'g1-m2', 'g1-m3');
  assert.deepEqual(bodies(await receive(m, url)), ['g1-m1', 'g1-m2', 'g1-m3', 'g2-m1']);
});

test('a group in flight is left alone, and comes back in order', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m, { VisibilityTimeout: '1' });
  await sendAll(m, url, 'g1-m1', 'g1-m2', 'g1-m3', 'g1-m4', 'g2-m1', 'g3-m1');
  assert.deepEqual(bodies(await receive(m, url, 2)), ['g1-m1', 'g1-m2']);
  assert.deepEqual(bodies(await receive(m, url, 1)), ['g2-m1']);
  await m.advance(1_000);
  const again = bodies(await receive(m, url));
  assert.equal(again.length, 6);
  assert.deepEqual(
    again.filter((body) => body?.startsWith('g1')),
    ['g1-m1', 'g1-m2', 'g1-m3', 'g1-m4'],
  );
});

test('a visibility of 0 ends the group’s wait at once', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m);
  await sendAll(m, url, 'g1-m1', 'g2-m1', 'g2-m2', 'g3-m1', 'g1-m2');
  assert.deepEqual(bodies(await receive(m, url, 3, { VisibilityTimeout: 0 })), ['g1-m1', 'g1-m2', 'g2-m1']);
  const all = bodies(await receive(m, url, 10, { VisibilityTimeout: 0 }));
  assert.equal(all.length, 5);
});

test('a message made visible is received though later ones of its group are in flight', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m);
  await sendAll(m, url, 'g1-m1', 'g1-m2', 'g2-m1');
  const [first] = await receive(m, url, 2);
  await hide(m, url, first, 0);
  assert.deepEqual(bodies(await receive(m, url, 3)).sort(), ['g1-m1', 'g2-m1']);
});

test('a group goes on when all of it that was in flight is deleted, not before', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m);
  await sendAll(m, url, 'g1-m1', 'g2-m1', 'g1-m2', 'g2-m2', 'g1-m3', 'g1-m4', 'g3-m1');
  const [one, two] = await receive(m, url, 2);
  assert.deepEqual([one?.Body, two?.Body], ['g1-m1', 'g1-m2']);
  await remove(m, url, one);
  assert.deepEqual(bodies(await receive(m, url)), ['g2-m1', 'g2-m2', 'g3-m1']);
  await remove(m, url, two);
  assert.deepEqual(bodies(await receive(m, url)), ['g1-m3', 'g1-m4']);
});

test('a waiting receiver gets the next of a group when the one before is deleted', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m);
  await sendAll(m, url, 'g1-m1', 'g1-m2');
  const [one] = await receive(m, url, 1);
  const next = receive(m, url, 1, { WaitTimeSeconds: 20 });
  while (m.service.describe().waitingReceivers === 0) await new Promise((resolve) => setImmediate(resolve));
  await remove(m, url, one);
  assert.deepEqual(bodies(await next), ['g1-m2']);
});

test('duplicates answer like the first and are delivered once, deleted or not', async (t) => {
  const m = await startMessaging(t);
  for (const contentBased of [true, false]) {
    const url = await create(
      m,
      { ContentBasedDeduplication: String(contentBased) },
      `dup-${contentBased}.fifo`,
    );
    const send = (MessageGroupId = 'g1', MessageBody = 'same') =>
      m.sqs.send(
        new SendMessageCommand({
          QueueUrl: url,
          MessageBody,
          MessageGroupId,
          MessageDeduplicationId: contentBased ? undefined : 'id',
        }),
      );
    const first = await send();
    assert.match(first.SequenceNumber ?? '', /^\d{20}$/);
    const second = await send();
    assert.deepEqual([second.MessageId, second.SequenceNumber], [first.MessageId, first.SequenceNumber]);
    await send('g2');
    const got = await receive(m, url, 10, { MessageSystemAttributeNames: ['All'] });
    assert.equal(got.length, 1);
    assert.equal(got[0]?.Attributes?.SequenceNumber, first.SequenceNumber);
    assert.equal(got[0]?.Attributes?.MessageGroupId, 'g1');
    await remove(m, url, got[0]);
    await send();
    assert.deepEqual(await receive(m, url), []);
    await m.advance(299_000);
    await send();
    assert.deepEqual(await receive(m, url), []);
    await m.advance(1_001);
    assert.notEqual((await send()).MessageId, first.MessageId);
    assert.equal((await receive(m, url)).length, 1);
  }
});

test('deduplication by group, within one batch, and forgotten by a purge', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m, {
    DeduplicationScope: 'messageGroup',
    FifoThroughputLimit: 'perMessageGroupId',
  });
  const entry = (Id: string, MessageGroupId: string) => ({ Id, MessageGroupId, MessageBody: 'same' });
  const { Successful } = await m.sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: url,
      Entries: [entry('a', 'g1'), entry('b', 'g1'), entry('c', 'g2')],
    }),
  );
  const [a, b, c] = Successful ?? [];
  assert.equal(a?.MessageId, b?.MessageId);
  assert.notEqual(a?.MessageId, c?.MessageId);
  assert.equal((await receive(m, url)).length, 2);
  await m.sqs.send(new PurgeQueueCommand({ QueueUrl: url }));
  await m.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'same', MessageGroupId: 'g1' }));
  assert.equal((await receive(m, url)).length, 1);
});

test('sequence numbers grow, also over a restart on an empty queue', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m);
  const numbers: bigint[] = [];
  const sendOne = async (fixture: Messaging, MessageBody: string) => {
    const { SequenceNumber } = await fixture.sqs.send(
      new SendMessageCommand({ QueueUrl: url, MessageBody, MessageGroupId: 'g' }),
    );
    numbers.push(BigInt(SequenceNumber ?? 0));
  };
  for (let i = 0; i < 5; i++) await sendOne(m, `m${i}`);
  for (const message of await receive(m, url)) await remove(m, url, message);
  await m.close();
  const again = await startMessaging(t, { dataDir: m.dataDir });
  await sendOne(again, 'after');
  assert.deepEqual(
    numbers,
    [...numbers].sort((x, y) => (x < y ? -1 : 1)),
  );
  assert.equal(new Set(numbers).size, 6);
});

test('a handle whose visibility has ended deletes nothing and says so', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m, { VisibilityTimeout: '1' });
  await sendAll(m, url, 'g1-m1');
  const [message] = await receive(m, url);
  await m.advance(2_000);
  const expired = await refusal(remove(m, url, message));
  assert.equal(expired.name, 'InvalidParameterValue');
  assert.equal(
    expired.message,
    `Value ${message?.ReceiptHandle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.`,
  );
  assert.equal((await refusal(hide(m, url, message, 10))).name, 'InvalidParameterValue');
  const [again] = await receive(m, url);
  await remove(m, url, again);
  await remove(m, url, again);
});

test('what is refused of a send to a FIFO queue', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m, { ContentBasedDeduplication: 'false' });
  const send = (more: object) =>
    refusal(m.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'a', ...more })));
  const noGroup = await send({ MessageDeduplicationId: 'd' });
  assert.equal(noGroup.name, 'MissingParameter');
  assert.equal(noGroup.message, 'The request must contain the parameter MessageGroupId.');
  const noId = await send({ MessageGroupId: 'g' });
  assert.equal(noId.name, 'InvalidParameterValue');
  assert.equal(
    noId.message,
    'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
  );
  const delayed = await send({ MessageGroupId: 'g', MessageDeduplicationId: 'd', DelaySeconds: 2 });
  assert.equal(
    delayed.message,
    'Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type.',
  );
  const spaced = await send({ MessageGroupId: 'a b', MessageDeduplicationId: 'd' });
  assert.equal(
    spaced.message,
    'Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.',
  );
  assert.equal(
    (await send({ MessageGroupId: 'g', MessageDeduplicationId: 'x'.repeat(129) })).name,
    'InvalidParameterValue',
  );
  await m.sqs.send(
    new SendMessageCommand({
      QueueUrl: url,
      MessageBody: 'a',
      MessageGroupId: 'g',
      MessageDeduplicationId: 'd',
      DelaySeconds: 0,
    }),
  );
  // Observed: such an entry takes the whole batch with it.
  for (const missing of [{ MessageGroupId: 'g' }, { MessageDeduplicationId: 'e' }]) {
    const whole = await refusal(
      m.sqs.send(
        new SendMessageBatchCommand({
          QueueUrl: url,
          Entries: [
            { Id: '1', MessageBody: 'a', MessageGroupId: 'g', MessageDeduplicationId: 'c' },
            { Id: '2', MessageBody: 'a', ...missing },
          ],
        }),
      ),
    );
    assert.equal(whole.name, 'InvalidParameterValue');
  }
});

test('a delay of the queue holds its groups in order', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m, { DelaySeconds: '2' });
  await sendAll(m, url, 'g1-m1', 'g1-m2');
  await m.advance(1_000);
  await sendAll(m, url, 'g1-m3');
  assert.deepEqual(await receive(m, url), []);
  await m.advance(1_000);
  assert.deepEqual(bodies(await receive(m, url)), ['g1-m1', 'g1-m2']);
});

test('a repeated receive gets the same messages and handles', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m, { VisibilityTimeout: '30' });
  await sendAll(m, url, 'g1-m1', 'g1-m2', 'g2-m1');
  const attempt = (ReceiveRequestAttemptId: string) => receive(m, url, 2, { ReceiveRequestAttemptId });
  const first = await attempt('one');
  assert.deepEqual(bodies(first), ['g1-m1', 'g1-m2']);
  await m.advance(20_000);
  assert.deepEqual(await attempt('one'), first);
  await m.advance(20_000);
  assert.deepEqual(bodies(await attempt('two')), ['g2-m1'], 'the repetition hid them anew');
  assert.deepEqual(await attempt('one'), first);
  await hide(m, url, first[0], 60);
  assert.deepEqual(await attempt('one'), [], 'touched messages end it');
  const standard = (await m.sqs.send(new CreateQueueCommand({ QueueName: 'plain' }))).QueueUrl as string;
  assert.equal(
    (await refusal(receive(m, standard, 1, { ReceiveRequestAttemptId: 'x' }))).name,
    'InvalidParameterValue',
  );
});

test('poison leaves its group and the group goes on in the same receive', async (t) => {
  const m = await startMessaging(t);
  const dead = await create(m, {}, 'dead.fifo');
  const url = await create(m, {
    VisibilityTimeout: '0',
    RedrivePolicy:
      '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead.fifo","maxReceiveCount":2}',
  });
  await sendAll(m, url, 'g1-poison', 'g1-next');
  for (let i = 0; i < 2; i++) assert.deepEqual(bodies(await receive(m, url, 1)), ['g1-poison']);
  await m.advance(5_000);
  assert.deepEqual(bodies(await receive(m, url, 1)), ['g1-next']);
  const [letter] = await receive(m, dead, 10, { MessageSystemAttributeNames: ['All'] });
  assert.equal(letter?.Body, 'g1-poison');
  assert.equal(letter?.Attributes?.MessageGroupId, 'g1');
  assert.equal(letter?.Attributes?.MessageDeduplicationId, letter?.MessageId);
  // The clock of retention starts anew in a FIFO dead-letter queue.
  assert.equal(letter?.Attributes?.SentTimestamp, String(m.clock.now()));
});

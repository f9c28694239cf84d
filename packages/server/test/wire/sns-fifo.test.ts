/** FIFO topics: order, duplicates, sequence numbers; envelopes and refusals as the recordings of AWS show them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PublishBatchCommand, PublishCommand, type PublishCommandInput } from '@aws-sdk/client-sns';
import { DeleteQueueCommand } from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { type Messaging, startMessaging } from '../support/messaging.ts';
import {
  createQueue,
  createTopic,
  drain,
  envelopeOf,
  queueArnOf,
  refusal,
  subscribe,
} from '../support/topics.ts';

const RAW = { RawMessageDelivery: 'true' };

async function fifo(
  m: Messaging,
  attributes: Record<string, string> = {},
  subscription: Record<string, string> = RAW,
): Promise<string> {
  const topic = await createTopic(m, 't.fifo', { FifoTopic: 'true', ...attributes });
  await createQueue(m, 'q.fifo', { FifoQueue: 'true' });
  await subscribe(m, topic, 'sqs', queueArnOf('q.fifo'), subscription);
  return topic;
}
async function publish(m: Messaging, input: PublishCommandInput) {
  const { MessageId, SequenceNumber } = await m.sns.send(new PublishCommand(input));
  return { id: MessageId as string, number: SequenceNumber as string };
}
/** Bodies that a queue holds, once what was published has been handed out. */
async function bodies(m: Messaging, queue = 'q.fifo'): Promise<(string | undefined)[]> {
  await m.advance(0);
  return (await drain(m, queue)).map(({ Body }) => Body);
}

test('the envelope has a sequence number and no signature', async (t) => {
  const m = await startMessaging(t);
  const topic = await fifo(m, { ContentBasedDeduplication: 'true' }, {});
  await createQueue(m, 'standard');
  await subscribe(m, topic, 'sqs', queueArnOf('standard'));
  const { id, number } = await publish(m, { TopicArn: topic, Message: 'Test', MessageGroupId: 'g' });
  assert.match(number, /^\d{20}$/);
  await m.advance(0);
  const [message] = await drain(m, 'q.fifo');
  const envelope = envelopeOf(message);
  assert.deepEqual(Object.keys(envelope), [
    'Type',
    'MessageId',
    'SequenceNumber',
    'TopicArn',
    'Message',
    'Timestamp',
    'UnsubscribeURL',
  ]);
  assert.deepEqual([envelope.MessageId, envelope.SequenceNumber], [id, number]);
  assert.equal(message?.Attributes?.MessageGroupId, 'g');
  // Recorded: SHA-256 of the text.
  assert.equal(
    message?.Attributes?.MessageDeduplicationId,
    '532eaabd9574880dbf76b9b8cc00832c20a6ec113d682299550d7a6e0f345e25',
  );
  // A standard queue gets it without either.
  const [standard] = await drain(m, 'standard');
  assert.equal(envelopeOf(standard).SequenceNumber, number);
  assert.equal(standard?.Attributes?.MessageGroupId, undefined);
  assert.equal(standard?.Attributes?.MessageDeduplicationId, undefined);
});

test('what is published twice arrives once, for five minutes', async (t) => {
  const m = await startMessaging(t);
  const topic = await fifo(m);
  const send = (Message: string, MessageGroupId = 'g') =>
    publish(m, { TopicArn: topic, Message, MessageGroupId, MessageDeduplicationId: 'd' });
  const first = await send('1');
  assert.deepEqual(await send('2'), first);
  // In the whole topic, whatever the group.
  assert.deepEqual(await send('3', 'other'), first);
  assert.deepEqual(await bodies(m), ['1']);
  await m.advance(5 * 60_000);
  assert.notDeepEqual(await send('4'), first);
  assert.deepEqual(await bodies(m), ['4']);
});

test('with FifoThroughputScope ids are compared within a group', async (t) => {
  const m = await startMessaging(t);
  const topic = await fifo(m, { FifoThroughputScope: 'MessageGroup' });
  const send = (Message: string, MessageGroupId: string) =>
    publish(m, { TopicArn: topic, Message, MessageGroupId, MessageDeduplicationId: 'd' });
  await createQueue(m, 'standard');
  await subscribe(m, topic, 'sqs', queueArnOf('standard'), RAW);
  await send('1', 'a');
  await send('2', 'a');
  await send('3', 'b');
  assert.deepEqual((await bodies(m, 'standard')).sort(), ['1', '3']);
});

test('a batch, twice', async (t) => {
  const m = await startMessaging(t);
  const topic = await fifo(m, { ContentBasedDeduplication: 'true' });
  const batch = () =>
    m.sns.send(
      new PublishBatchCommand({
        TopicArn: topic,
        PublishBatchRequestEntries: ['1', '2', '3'].map((Id) => ({
          Id,
          Message: `m${Id}`,
          MessageGroupId: 'g',
        })),
      }),
    );
  const first = (await batch()).Successful;
  assert.deepEqual((await batch()).Successful, first);
  const numbers = first?.map(({ SequenceNumber }) => SequenceNumber as string) ?? [];
  assert.deepEqual(numbers, [...numbers].sort());
  assert.deepEqual(await bodies(m), ['m1', 'm2', 'm3']);
});

test('refusals', async (t) => {
  const m = await startMessaging(t);
  const topic = await fifo(m);
  const standard = await createTopic(m, 'plain');
  const message = async (work: Promise<unknown>) => (await refusal(work)).message;
  assert.equal(
    await message(publish(m, { TopicArn: topic, Message: 'x' })),
    'Invalid parameter: The MessageGroupId parameter is required for FIFO topics',
  );
  assert.equal(
    await message(publish(m, { TopicArn: topic, Message: 'x', MessageGroupId: 'g' })),
    'Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
  );
  assert.match(
    await message(publish(m, { TopicArn: topic, Message: 'x', MessageGroupId: 'a b' })),
    /^Invalid parameter: MessageGroupId Reason: /,
  );
  assert.equal(
    await message(subscribe(m, standard, 'sqs', queueArnOf('q.fifo'))),
    'Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics',
  );
  assert.equal(
    await message(
      subscribe(m, topic, 'sqs', queueArnOf('other.fifo'), {
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn: queueArnOf('dead') }),
      }),
    ),
    'Invalid parameter: Attributes Reason: RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.',
  );
});

test('dead letters keep their order and their ids', async (t) => {
  const m = await startMessaging(t);
  const topic = await fifo(
    m,
    {},
    { ...RAW, RedrivePolicy: JSON.stringify({ deadLetterTargetArn: queueArnOf('dead.fifo') }) },
  );
  await createQueue(m, 'dead.fifo', { FifoQueue: 'true' });
  await m.sqs.send(new DeleteQueueCommand({ QueueUrl: `${m.endpoint}/000000000000/q.fifo` }));
  for (const n of [1, 2, 3]) {
    await publish(m, {
      TopicArn: topic,
      Message: `m${n}`,
      MessageGroupId: 'g',
      MessageDeduplicationId: `d${n}`,
    });
  }
  await m.advance(0);
  const letters = await drain(m, 'dead.fifo');
  assert.deepEqual(
    letters.map(({ Body, Attributes }) => [
      Body,
      Attributes?.MessageGroupId,
      Attributes?.MessageDeduplicationId,
    ]),
    [1, 2, 3].map((n) => [`m${n}`, 'g', `d${n}`]),
  );
});

test('order within groups, to several queues, whatever comes at once', async (t) => {
  const m = await startMessaging(t);
  let round = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ group: fc.constantFrom('a', 'b', 'c'), dedup: fc.nat(30) }), {
        minLength: 1,
        maxLength: 40,
      }),
      async (steps) => {
        const name = `r${round++}`;
        const topic = await createTopic(m, `${name}.fifo`, { FifoTopic: 'true' });
        for (const queue of ['x', 'y']) {
          await createQueue(m, `${name}${queue}.fifo`, { FifoQueue: 'true' });
          await subscribe(m, topic, 'sqs', queueArnOf(`${name}${queue}.fifo`), RAW);
        }
        const answers = await Promise.all(
          steps.map(({ group, dedup }, index) =>
            publish(m, {
              TopicArn: topic,
              Message: String(index),
              MessageGroupId: group,
              MessageDeduplicationId: String(dedup),
            }),
          ),
        );
        // Those who got the same id were found to be duplicates of each other.
        const byId = new Map<string, number[]>();
        for (const [index, { id }] of answers.entries()) byId.set(id, [...(byId.get(id) ?? []), index]);
        assert.equal(byId.size, new Set(steps.map(({ dedup }) => dedup)).size);
        await m.advance(0);
        for (const queue of ['x', 'y']) {
          const got = await drain(m, `${name}${queue}.fifo`);
          assert.equal(got.length, byId.size);
          const numberOf = (body: string | undefined) => answers[Number(body)]?.number ?? '';
          for (const group of ['a', 'b', 'c']) {
            const numbers = got
              .filter(({ Attributes }) => Attributes?.MessageGroupId === group)
              .map(({ Body }) => numberOf(Body));
            assert.deepEqual(numbers, [...numbers].sort());
          }
        }
      },
    ),
    { numRuns: 15 },
  );
});

test('what was accepted is handed out by the next process', async (t) => {
  const first = await startMessaging(t);
  const topic = await fifo(first);
  await first.topicEngine.stop();
  const { id } = await publish(first, {
    TopicArn: topic,
    Message: 'x',
    MessageGroupId: 'g',
    MessageDeduplicationId: 'd',
  });
  await first.close();
  const second = await startMessaging(t, { dataDir: first.dataDir });
  assert.deepEqual(await bodies(second), ['x']);
  // Still known.
  const again = await publish(second, {
    TopicArn: topic,
    Message: 'y',
    MessageGroupId: 'g',
    MessageDeduplicationId: 'd',
  });
  assert.equal(again.id, id);
  assert.deepEqual(await bodies(second), []);
});

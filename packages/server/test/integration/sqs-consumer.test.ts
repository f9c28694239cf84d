/**
 * Consumers that people run, against queues in trouble. Each test is one kind of consumer and says what becomes of
 * its messages: the npm package `sqs-consumer` with its defaults, one that fails, one that crashes, one that never
 * deletes, one that is slow and asks for more time.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { Consumer, type ConsumerOptions } from 'sqs-consumer';
import { atEnd, type Cleanup } from '../support/cleanup.ts';
import { eventually } from '../support/eventually.ts';
import { type Messaging, startMessaging } from '../support/messaging.ts';

async function create(
  m: Messaging,
  QueueName: string,
  Attributes: Record<string, string> = {},
): Promise<string> {
  return (await m.sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl as string;
}
/** A queue whose messages are dead letters after the second receive. */
async function createPair(m: Messaging): Promise<{ url: string; dead: string }> {
  const dead = await create(m, 'dead');
  const RedrivePolicy =
    '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}';
  return { dead, url: await create(m, 'q', { RedrivePolicy, VisibilityTimeout: '1' }) };
}
async function sendMany(m: Messaging, QueueUrl: string, count: number): Promise<void> {
  for (let i = 0; i < count; i += 10) {
    const Entries = Array.from({ length: 10 }, (_, j) => ({ Id: `${j}`, MessageBody: `${i + j}` }));
    await m.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  }
}
async function depth(m: Messaging, QueueUrl: string): Promise<{ visible: number; held: number }> {
  const { Attributes } = await m.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  );
  return {
    visible: Number(Attributes?.ApproximateNumberOfMessages),
    held: Number(Attributes?.ApproximateNumberOfMessagesNotVisible),
  };
}
const isEmpty = async (m: Messaging, url: string) => {
  const { visible, held } = await depth(m, url);
  return visible + held === 0;
};

function consume(t: Cleanup, m: Messaging, options: Omit<ConsumerOptions, 'sqs'>): Consumer {
  const consumer = Consumer.create({ sqs: m.sqs, waitTimeSeconds: 1, ...options } as ConsumerOptions);
  // Errors that a consumer only reports are part of what is tested.
  for (const event of ['error', 'processing_error', 'timeout_error'] as const)
    consumer.on(event, () => undefined);
  consumer.start();
  atEnd(t, () => consumer.stop({ abort: true }));
  return consumer;
}

test('sqs-consumer takes every message once, one by one and in batches', async (t) => {
  const m = await startMessaging(t, { clock: 'real' });
  for (const batch of [false, true]) {
    const url = await create(m, `q-${batch}`);
    await sendMany(m, url, 100);
    const seen: string[] = [];
    consume(t, m, {
      queueUrl: url,
      batchSize: 10,
      ...(batch
        ? {
            handleMessageBatch: async (messages) => {
              seen.push(...messages.map((each) => each.Body as string));
              return messages;
            },
          }
        : {
            handleMessage: async (message) => {
              seen.push(message.Body as string);
              return message;
            },
          }),
    });
    await eventually(() => seen.length >= 100);
    await eventually(() => isEmpty(m, url));
    assert.equal(seen.length, 100);
    assert.equal(new Set(seen).size, 100);
  }
});

test('a message that always fails becomes a dead letter; the others are done', async (t) => {
  const m = await startMessaging(t, { clock: 'real' });
  const { url, dead } = await createPair(m);
  const done: string[] = [];
  let failures = 0;
  consume(t, m, {
    queueUrl: url,
    batchSize: 10,
    terminateVisibilityTimeout: true,
    handleMessage: async (message) => {
      if (message.Body === '{malformed') failures++;
      done.push(String(JSON.parse(message.Body as string)));
      return message;
    },
  });
  await m.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: '{malformed' }));
  await sendMany(m, url, 10);
  await eventually(async () => (await depth(m, dead)).visible === 1);
  await eventually(() => isEmpty(m, url));
  assert.equal(failures, 2);
  assert.deepEqual(
    done.sort(),
    Array.from({ length: 10 }, (_, i) => `${i}`),
  );
});

test('a consumer that crashes, and one that never deletes: messages come back, then become dead letters', async (t) => {
  const m = await startMessaging(t);
  const { url, dead } = await createPair(m);
  await sendMany(m, url, 10);
  for (let time = 1; time <= 2; time++) {
    const { Messages } = await m.call<{ Messages?: unknown[] }>('ReceiveMessage', {
      QueueUrl: url,
      MaxNumberOfMessages: 10,
    });
    assert.equal(Messages?.length, 10, `receive ${time}`);
    await m.advance(1_000);
  }
  assert.deepEqual(await m.call('ReceiveMessage', { QueueUrl: url, MaxNumberOfMessages: 10 }), {});
  assert.equal((await depth(m, dead)).visible, 10);
});

test('a slow consumer that beats its heart keeps its message to itself', async (t) => {
  const m = await startMessaging(t, { clock: 'real' });
  const url = await create(m, 'q', { VisibilityTimeout: '2' });
  let runs = 0;
  const work = Promise.withResolvers<void>();
  const slow = consume(t, m, {
    queueUrl: url,
    visibilityTimeout: 2,
    heartbeatInterval: 1,
    handleMessage: async (message) => {
      runs++;
      await work.promise;
      return message;
    },
  });
  await m.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'long' }));
  await eventually(() => runs === 1);
  const other = async () => {
    runs++;
    return undefined;
  };
  consume(t, m, { queueUrl: url, handleMessage: other });
  const startedAt = m.clock.now();
  await eventually(() => m.clock.now() - startedAt > 3_500, { timeoutMs: 10_000 });
  assert.equal(runs, 1);
  work.resolve();
  await eventually(() => isEmpty(m, url));
  assert.equal(runs, 1);
  slow.stop();
});

test('two slow consumers of a FIFO queue never work on one group at a time', async (t) => {
  const m = await startMessaging(t, { clock: 'real' });
  const url = await create(m, 'q.fifo', { FifoQueue: 'true', ContentBasedDeduplication: 'true' });
  for (let i = 0; i < 30; i++) {
    await m.sqs.send(
      new SendMessageCommand({ QueueUrl: url, MessageBody: `${i}`, MessageGroupId: `g${i % 3}` }),
    );
  }
  const working = new Set<string>();
  const order = new Map<string, number[]>();
  let overlaps = 0;
  for (let i = 0; i < 4; i++) {
    consume(t, m, {
      queueUrl: url,
      messageSystemAttributeNames: ['MessageGroupId'],
      suppressFifoWarning: true,
      handleMessage: async (message) => {
        const group = message.Attributes?.MessageGroupId as string;
        if (working.has(group)) overlaps++;
        working.add(group);
        order.set(group, [...(order.get(group) ?? []), Number(message.Body)]);
        await new Promise((resolve) => setImmediate(resolve));
        working.delete(group);
        return message;
      },
    });
  }
  await eventually(() => isEmpty(m, url), { timeoutMs: 20_000 });
  assert.equal(overlaps, 0);
  for (const [group, numbers] of order) {
    assert.deepEqual(
      numbers,
      Array.from({ length: 10 }, (_, i) => 3 * i + Number(group.slice(1))),
    );
  }
});

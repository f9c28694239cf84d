/**
 * A real server, killed at random moments while messages are published: what was answered reaches every subscriber.
 * A queue of the house gets it exactly once, an HTTP endpoint at least once; FIFO topics keep their order.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  ConfirmSubscriptionCommand,
  CreateTopicCommand,
  PublishCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { eventually } from '../support/eventually.ts';
import { startEndpoint } from '../support/http-endpoint.ts';
import { type ServerProcess, startProcess } from '../support/server-process.ts';
import { tempFolder } from '../support/temp-folder.ts';

const KILLS = 5;
const PUBLISHERS = 4;
const GROUPS = 3;
const TOPIC = 'arn:aws:sns:us-east-1:000000000000:t';
const FIFO_TOPIC = `${TOPIC}.fifo`;
const RAW = { RawMessageDelivery: 'true' };

function clientsOf(endpoint: string): { sns: SNSClient; sqs: SQSClient } {
  const config = {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
  return { sns: new SNSClient(config), sqs: new SQSClient(config) };
}

test('SIGKILL while publishing', { timeout: 240_000 }, async (t) => {
  const data = await tempFolder(t);
  const hook = await startEndpoint(t);
  let server: ServerProcess = await startProcess(t, { data });
  let clients = clientsOf(server.endpoint);

  await clients.sqs.send(new CreateQueueCommand({ QueueName: 'q' }));
  await clients.sqs.send(new CreateQueueCommand({ QueueName: 'q.fifo', Attributes: { FifoQueue: 'true' } }));
  await clients.sns.send(new CreateTopicCommand({ Name: 't' }));
  await clients.sns.send(new CreateTopicCommand({ Name: 't.fifo', Attributes: { FifoTopic: 'true' } }));
  const subscriptions = [
    { TopicArn: TOPIC, Protocol: 'sqs', Endpoint: 'arn:aws:sqs:us-east-1:000000000000:q' },
    { TopicArn: TOPIC, Protocol: 'http', Endpoint: hook.url },
    { TopicArn: FIFO_TOPIC, Protocol: 'sqs', Endpoint: 'arn:aws:sqs:us-east-1:000000000000:q.fifo' },
  ];
  for (const input of subscriptions) {
    await clients.sns.send(new SubscribeCommand({ ...input, Attributes: RAW }));
  }
  const { Token } = JSON.parse((await eventually(() => hook.received[0])).body);
  await clients.sns.send(new ConfirmSubscriptionCommand({ TopicArn: TOPIC, Token }));

  const answered = new Set<string>();
  const answeredInOrder: string[] = [];
  let publishing = true;
  let counter = 0;
  const publish = async () => {
    while (publishing) {
      const Message = String(counter++);
      try {
        await clients.sns.send(new PublishCommand({ TopicArn: TOPIC, Message }));
        answered.add(Message);
      } catch {
        await pause(20);
      }
    }
  };
  /** One publisher of a group: it repeats until it has an answer, as SDKs do. */
  const publishInOrder = async (group: number) => {
    for (let number = 0; publishing; number++) {
      const Message = `${group}:${number}`;
      const input = {
        TopicArn: FIFO_TOPIC,
        Message,
        MessageGroupId: String(group),
        MessageDeduplicationId: Message,
      };
      for (;;) {
        try {
          await clients.sns.send(new PublishCommand(input));
          answeredInOrder.push(Message);
          break;
        } catch {
          if (!publishing) return;
          await pause(20);
        }
      }
    }
  };
  const workers = [
    ...Array.from({ length: PUBLISHERS }, publish),
    ...Array.from({ length: GROUPS }, (_, group) => publishInOrder(group)),
  ];
  for (let kill = 0; kill < KILLS; kill++) {
    const before = answered.size;
    await eventually(() => answered.size > before + 10 + Math.random() * 60, { timeoutMs: 40_000 });
    await server.kill9();
    clients.sns.destroy();
    clients.sqs.destroy();
    server = await startProcess(t, { data });
    clients = clientsOf(server.endpoint);
  }
  publishing = false;
  await Promise.all(workers);

  const drain = async (name: string) => {
    const QueueUrl = `/000000000000/${name}`;
    const bodies: string[] = [];
    for (let empty = 0; empty < 3; ) {
      const { Messages = [] } = await clients.sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
      );
      empty = Messages.length === 0 ? empty + 1 : 0;
      if (Messages.length === 0) continue;
      bodies.push(...Messages.map(({ Body }) => Body as string));
      await clients.sqs.send(
        new DeleteMessageBatchCommand({
          QueueUrl,
          Entries: Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle })),
        }),
      );
    }
    return bodies;
  };
  const inQueue = await drain('q');
  assert.equal(new Set(inQueue).size, inQueue.length, 'something came twice');
  const missing = (got: Iterable<string>, wanted: Iterable<string>) => {
    const all = new Set(got);
    return [...wanted].filter((each) => !all.has(each));
  };
  assert.deepEqual(missing(inQueue, answered), [], 'answered and never delivered to the queue');

  const inOrder = await drain('q.fifo');
  assert.equal(new Set(inOrder).size, inOrder.length, 'something came twice in the FIFO queue');
  assert.deepEqual(missing(inOrder, answeredInOrder), [], 'answered and never delivered in order');
  for (let group = 0; group < GROUPS; group++) {
    const numbers = inOrder
      .map((body) => body.split(':').map(Number))
      .filter(([of]) => of === group)
      .map(([, number]) => number as number);
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
    );
  }

  // What a dead process had under way is repeated when its hold ends, after a minute.
  await eventually(
    () =>
      missing(
        hook.notifications().map(({ body }) => body),
        answered,
      ).length === 0,
    { timeoutMs: 90_000, everyMs: 100, what: 'every notification' },
  );
  assert.ok(answered.size > 50);
  clients.sns.destroy();
  clients.sqs.destroy();
  assert.equal(await server.stop(), 0);
});

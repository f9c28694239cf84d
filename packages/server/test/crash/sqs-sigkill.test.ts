/**
 * A real server, killed at random moments while producers and consumers work, started again on the same data:
 * every message whose send was answered is received, no message whose delete was answered comes again, and every
 * FIFO group comes out in order.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { eventually } from '../support/eventually.ts';
import { type ServerProcess, startProcess } from '../support/server-process.ts';
import { tempFolder } from '../support/temp-folder.ts';

const KILLS = 6;
const PRODUCERS = 4;
const CONSUMERS = 3;
const GROUPS = 5;

function clientOf(endpoint: string): SQSClient {
  return new SQSClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
}

interface Books {
  /** Bodies whose send was answered with a 200. */
  readonly sent: Set<string>;
  /** Bodies whose delete was answered with a 200. */
  readonly deleted: Set<string>;
  readonly received: Set<string>;
  /** Bodies received after their delete had been answered. */
  readonly risen: string[];
}

for (const fifo of [false, true]) {
  test(`SIGKILL under load, ${fifo ? 'FIFO' : 'standard'} queue`, { timeout: 240_000 }, async (t) => {
    const data = await tempFolder(t);
    const books: Books = { sent: new Set(), deleted: new Set(), received: new Set(), risen: [] };
    let server: ServerProcess = await startProcess(t, { data });
    let client = clientOf(server.endpoint);
    const name = fifo ? 'q.fifo' : 'q';
    const Attributes = { VisibilityTimeout: '2', ...(fifo ? { FifoQueue: 'true' } : {}) };
    const QueueUrl = `/000000000000/${name}`;
    await client.send(new CreateQueueCommand({ QueueName: name, Attributes }));

    let producing = true;
    let consuming = true;
    let counter = 0;
    /** Last number of each group that was deleted: what comes after must be later. */
    const lastDeleted = new Map<string, number>();
    /** Groups whose next number is being sent, so that numbers grow within a group. */
    const busyGroups = new Set<string>();

    const produce = async () => {
      while (producing) {
        const number = counter++;
        const group = `g${number % GROUPS}`;
        if (fifo && busyGroups.has(group)) {
          await new Promise((resolve) => setImmediate(resolve));
          continue;
        }
        busyGroups.add(group);
        const body = `${group}:${number}`;
        const ids = fifo ? { MessageGroupId: group, MessageDeduplicationId: body } : {};
        // A sender repeats until it has an answer, as SDKs do; in a FIFO queue the repetition is a duplicate.
        for (;;) {
          try {
            await client.send(new SendMessageCommand({ QueueUrl, MessageBody: body, ...ids }));
            books.sent.add(body);
            break;
          } catch {
            if (!fifo || !producing) break;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }
        busyGroups.delete(group);
      }
    };
    const consume = async () => {
      while (consuming) {
        try {
          const { Messages = [] } = await client.send(
            new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 5, WaitTimeSeconds: 1 }),
          );
          for (const message of Messages) {
            const body = message.Body as string;
            if (books.deleted.has(body)) books.risen.push(body);
            books.received.add(body);
            const [group = '', number] = body.split(':');
            if (fifo) {
              const last = lastDeleted.get(group) ?? -1;
              assert.ok(Number(number) > last, `${body} came after ${group}:${last} was deleted`);
            }
            await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
            books.deleted.add(body);
            lastDeleted.set(group, Number(number));
          }
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    };
    const workers = [
      ...Array.from({ length: PRODUCERS }, produce),
      ...Array.from({ length: CONSUMERS }, consume),
    ];

    for (let kill = 0; kill < KILLS; kill++) {
      const before = books.sent.size;
      await eventually(() => books.sent.size > before + 20 + Math.random() * 200, { timeoutMs: 30_000 });
      await server.kill9();
      client.destroy();
      server = await startProcess(t, { data });
      client = clientOf(server.endpoint);
    }
    producing = false;
    await eventually(
      async () => {
        const { Attributes: depth } = await client.send(
          new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
        );
        return (
          depth?.ApproximateNumberOfMessages === '0' && depth.ApproximateNumberOfMessagesNotVisible === '0'
        );
      },
      { timeoutMs: 60_000, everyMs: 200, what: 'an empty queue' },
    );
    consuming = false;
    await Promise.all(workers);
    client.destroy();
    assert.equal(await server.stop(), 0);

    assert.ok(books.sent.size > 100);
    assert.deepEqual(
      [...books.sent].filter((body) => !books.received.has(body)),
      [],
      'sent and never received',
    );
    assert.deepEqual(books.risen, [], 'received after its delete was answered');
  });
}

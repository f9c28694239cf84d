/**
 * The laws of queues under random producers, careless consumers, passing time and restarts:
 * nothing accepted is lost; nothing deleted comes back; a FIFO group is handed out in order and never past a
 * message that is still with someone; within the deduplication window a message exists once.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Message, SendMessageResult } from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { type Messaging, startMessaging } from '../support/messaging.ts';
import { tempFolder } from '../support/temp-folder.ts';

type Step =
  | { readonly kind: 'send'; readonly group: number; readonly dedup: number }
  | { readonly kind: 'receive'; readonly max: number; readonly visibility: number; readonly keep: number }
  /** A consumer deletes what it got some time ago. */
  | { readonly kind: 'deleteLate' }
  | { readonly kind: 'hide'; readonly seconds: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'restart' };

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('send' as const), group: fc.nat(3), dedup: fc.nat(15) }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('receive' as const),
        max: fc.integer({ min: 1, max: 10 }),
        visibility: fc.constantFrom(0, 1, 10),
        keep: fc.nat(10),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('deleteLate' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('hide' as const), seconds: fc.constantFrom(0, 5) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('advance' as const),
        ms: fc.constantFrom(500, 1_000, 9_000, 200_000),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  ),
  { minLength: 5, maxLength: 60 },
);

const DEDUP_MS = 300_000;

/** What must be true, kept beside the real queue. */
class Book {
  /** Messages by group in order of sending, deleted ones taken out. */
  readonly groups = new Map<string, string[]>();
  readonly live = new Map<string, string>();
  readonly deleted = new Set<string>();
  readonly remembered = new Map<string, { readonly id: string; readonly at: number }>();

  sent(id: string, group: string, dedup: string | undefined, now: number): void {
    if (dedup !== undefined) {
      const first = this.remembered.get(dedup);
      if (first && now - first.at < DEDUP_MS) {
        assert.equal(id, first.id, 'a duplicate is answered like the first');
        return;
      }
      this.remembered.set(dedup, { id, at: now });
    }
    assert.ok(!this.live.has(id) && !this.deleted.has(id), 'a new message has a new id');
    this.live.set(id, group);
    this.groups.set(group, [...(this.groups.get(group) ?? []), id]);
  }

  received(messages: readonly Message[], fifo: boolean): void {
    const batch = new Set<string>();
    for (const { MessageId } of messages) {
      const id = MessageId as string;
      const group = this.live.get(id);
      assert.ok(group !== undefined, 'what was deleted, or never sent, does not come');
      assert.ok(!batch.has(id), 'no message comes twice in one receive');
      if (fifo) {
        const members = this.groups.get(group) ?? [];
        for (const earlier of members.slice(0, members.indexOf(id))) {
          assert.ok(batch.has(earlier), 'nothing is handed out past an earlier message of its group');
        }
      }
      batch.add(id);
    }
  }

  gone(id: string): void {
    const group = this.live.get(id);
    if (group === undefined) return;
    this.live.delete(id);
    this.deleted.add(id);
    this.groups.set(
      group,
      (this.groups.get(group) ?? []).filter((each) => each !== id),
    );
  }
}

interface Received {
  readonly messages: Message[];
}

async function run(t: TestContext, plan: readonly Step[], fifo: boolean): Promise<void> {
  const dataDir = await tempFolder(t);
  let m: Messaging = await startMessaging(t, { dataDir });
  const book = new Book();
  const kept: Message[] = [];
  const name = fifo ? 'q.fifo' : 'q';
  const QueueUrl = `/000000000000/${name}`;
  await m.call('CreateQueue', { QueueName: name, Attributes: fifo ? { FifoQueue: 'true' } : {} });

  const remove = async (message: Message): Promise<void> => {
    const id = message.MessageId as string;
    try {
      await m.call('DeleteMessage', { QueueUrl, ReceiptHandle: message.ReceiptHandle });
    } catch (error) {
      assert.ok(fifo && /expired/.test((error as Error).message), String(error));
      return;
    }
    // A standard queue says nothing of a stale handle: look whether the message is still there.
    const there = (await m.store.browse(`sqs:${name}`, { limit: 1000 })).some((each) => each.id === id);
    if (!there) book.gone(id);
    else assert.ok(!fifo, 'a FIFO queue does not accept a delete and keep the message');
  };
  const receive = async (max: number, visibility: number): Promise<Received> => {
    const answer = await m.call<{ Messages?: Message[] }>('ReceiveMessage', {
      QueueUrl,
      MaxNumberOfMessages: max,
      VisibilityTimeout: visibility,
    });
    const messages = answer.Messages ?? [];
    book.received(messages, fifo);
    return { messages };
  };

  for (const step of plan) {
    switch (step.kind) {
      case 'send': {
        const group = `g${step.group}`;
        const dedup = fifo ? `d${step.dedup}` : undefined;
        const now = m.clock.now();
        const input = { QueueUrl, MessageBody: 'b', MessageGroupId: group, MessageDeduplicationId: dedup };
        const { MessageId } = await m.call<SendMessageResult>('SendMessage', input);
        book.sent(MessageId as string, group, dedup, now);
        break;
      }
      case 'receive': {
        const { messages } = await receive(step.max, step.visibility);
        for (const [index, message] of messages.entries()) {
          if (index < step.keep) kept.push(message);
          else await remove(message);
        }
        break;
      }
      case 'deleteLate': {
        const message = kept.shift();
        if (message) await remove(message);
        break;
      }
      case 'hide': {
        const message = kept[0];
        const input = { QueueUrl, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout: step.seconds };
        if (message) {
          await m.call('ChangeMessageVisibility', input).catch((error: Error) => {
            assert.match(error.message, /not available for visibility timeout change/);
          });
        }
        break;
      }
      case 'advance':
        await m.advance(step.ms);
        break;
      case 'restart': {
        const startAt = m.clock.now();
        await m.close();
        m = await startMessaging(t, { dataDir, startAt });
        break;
      }
    }
  }

  for (;;) {
    await m.advance(60_000);
    const { messages } = await receive(10, 30);
    if (messages.length === 0) break;
    for (const message of messages) await remove(message);
  }
  assert.deepEqual([...book.live.keys()], [], 'everything accepted has been handed out and deleted');
  await m.close();
}

for (const fifo of [true, false]) {
  test(`laws of a ${fifo ? 'FIFO' : 'standard'} queue`, async (t) => {
    await fc.assert(
      fc.asyncProperty(steps, (plan) => run(t, plan as Step[], fifo)),
      { numRuns: 25, endOnFailure: true },
    );
  });
}

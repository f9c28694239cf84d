/** Message move tasks through the SDK, as the recordings of AWS show them, and over a crash. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CancelMessageMoveTaskCommand,
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  type ListMessageMoveTasksResultEntry,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSServiceException,
  StartMessageMoveTaskCommand,
  type StartMessageMoveTaskCommandInput,
} from '@aws-sdk/client-sqs';
import { type Messaging, START_AT, startMessaging } from '../support/messaging.ts';

const arn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;

async function create(
  m: Messaging,
  QueueName: string,
  Attributes: Record<string, string> = {},
): Promise<string> {
  return (await m.sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl as string;
}
/** A source queue that sends its messages to `dead` at the second receive. */
const createSource = (m: Messaging, name: string, dead = 'dead') =>
  create(m, name, {
    VisibilityTimeout: '0',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn(dead), maxReceiveCount: 1 }),
  });
/** Sends messages and receives them until they are in the dead-letter queue. */
async function poison(m: Messaging, url: string, bodies: string[]): Promise<void> {
  for (const MessageBody of bodies) await m.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody }));
  for (let i = 0; i < 2 * bodies.length; i++) {
    await m.sqs.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }));
  }
}
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `m${i}`);
const start = (m: Messaging, input: StartMessageMoveTaskCommandInput) =>
  m.sqs.send(new StartMessageMoveTaskCommand(input));
async function tasks(
  m: Messaging,
  name = 'dead',
  MaxResults = 10,
): Promise<ListMessageMoveTasksResultEntry[]> {
  return (
    (await m.sqs.send(new ListMessageMoveTasksCommand({ SourceArn: arn(name), MaxResults }))).Results ?? []
  );
}
async function depth(m: Messaging, QueueUrl: string): Promise<number> {
  const { Attributes } = await m.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  return Number(Attributes?.ApproximateNumberOfMessages);
}
async function refusal(work: Promise<unknown>): Promise<SQSServiceException> {
  return work.then(
    () => assert.fail('expected a refusal'),
    (error: SQSServiceException) => error,
  );
}

test('letters go back to where each came from, as new messages', async (t) => {
  const m = await startMessaging(t);
  const dead = await create(m, 'dead');
  const one = await createSource(m, 'one');
  const two = await createSource(m, 'two');
  await poison(m, one, ['a', 'b']);
  await poison(m, two, ['c', 'd']);
  assert.equal(await depth(m, dead), 4);
  const { Messages: before } = await m.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: dead, VisibilityTimeout: 0 }),
  );
  await m.advance(5_000);
  const startedAt = m.clock.now();
  const { TaskHandle } = await start(m, { SourceArn: arn('dead') });
  assert.equal(JSON.parse(Buffer.from(TaskHandle ?? '', 'base64').toString()).sourceArn, arn('dead'));
  await m.advance(1_000);
  assert.deepEqual(await tasks(m), [
    {
      Status: 'COMPLETED',
      SourceArn: arn('dead'),
      ApproximateNumberOfMessagesMoved: 4,
      ApproximateNumberOfMessagesToMove: 4,
      StartedTimestamp: startedAt,
    },
  ]);
  assert.deepEqual([await depth(m, dead), await depth(m, one), await depth(m, two)], [0, 2, 2]);
  const { Messages } = await m.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: one, MessageSystemAttributeNames: ['All'] }),
  );
  const [message] = Messages ?? [];
  assert.equal(message?.Body, 'a');
  assert.notEqual(message?.MessageId, before?.[0]?.MessageId);
  assert.equal(message?.Attributes?.ApproximateReceiveCount, '1');
  assert.equal(message?.Attributes?.SentTimestamp, String(startedAt));
  assert.equal(message?.Attributes?.DeadLetterQueueSourceArn, undefined);
});

test('a task with a rate: progress, its handle while it runs, cancelling', async (t) => {
  const m = await startMessaging(t);
  await create(m, 'dead');
  const source = await createSource(m, 'source');
  const target = await create(m, 'target');
  await poison(m, source, numbered(10));
  const { TaskHandle } = await start(m, {
    SourceArn: arn('dead'),
    DestinationArn: arn('target'),
    MaxNumberOfMessagesPerSecond: 1,
  });
  await m.advance(2_500);
  const [running] = await tasks(m);
  assert.deepEqual(running, {
    TaskHandle,
    Status: 'RUNNING',
    SourceArn: arn('dead'),
    DestinationArn: arn('target'),
    MaxNumberOfMessagesPerSecond: 1,
    ApproximateNumberOfMessagesMoved: 3,
    ApproximateNumberOfMessagesToMove: 10,
    StartedTimestamp: START_AT,
  });
  const second = await refusal(start(m, { SourceArn: arn('dead') }));
  assert.equal(
    second.message,
    'There is already a task running. Only one active task is allowed for a source queue arn at a given time.',
  );
  const cancelled = await m.sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle }));
  assert.equal(cancelled.ApproximateNumberOfMessagesMoved, 3);
  await m.advance(10_000);
  const [after] = await tasks(m);
  assert.equal(after?.Status, 'CANCELLED');
  assert.equal(after?.TaskHandle, undefined);
  assert.equal(await depth(m, target), 3);
  const again = await refusal(m.sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle })));
  assert.equal(again.message, 'Task does not exist.');
  assert.equal(again.$metadata.httpStatusCode, 404);
});

test('a destination deleted under way fails the task, and nothing is lost', async (t) => {
  const m = await startMessaging(t);
  const dead = await create(m, 'dead');
  const source = await createSource(m, 'source');
  const target = await create(m, 'target');
  await poison(m, source, numbered(10));
  await start(m, { SourceArn: arn('dead'), DestinationArn: arn('target'), MaxNumberOfMessagesPerSecond: 1 });
  await m.advance(2_500);
  await m.sqs.send(new DeleteQueueCommand({ QueueUrl: target }));
  await m.advance(5_000);
  const [failed] = await tasks(m);
  assert.equal(failed?.Status, 'FAILED');
  assert.equal(failed?.FailureReason, 'AWS.SimpleQueueService.NonExistentQueue');
  assert.equal(failed?.ApproximateNumberOfMessagesMoved, 3);
  assert.equal(await depth(m, dead), 7);
});

test('a message that was sent straight into the dead-letter queue has nowhere to go back to', async (t) => {
  const m = await startMessaging(t);
  const dead = await create(m, 'dead');
  await createSource(m, 'source');
  const target = await create(m, 'target');
  await m.sqs.send(new SendMessageCommand({ QueueUrl: dead, MessageBody: 'direct' }));
  await start(m, { SourceArn: arn('dead') });
  await m.advance(1_000);
  const [failed] = await tasks(m);
  assert.equal(failed?.FailureReason, 'CouldNotDetermineMessageSource');
  assert.equal(await depth(m, dead), 1);
  await start(m, { SourceArn: arn('dead'), DestinationArn: arn('target') });
  await m.advance(1_000);
  assert.equal(await depth(m, target), 1);
  assert.deepEqual(
    (await tasks(m)).map(({ Status }) => Status),
    ['COMPLETED', 'FAILED'],
  );
  assert.equal((await tasks(m, 'dead', 1)).length, 1);
});

test('a task goes on after a crash with exact counts', async (t) => {
  const m = await startMessaging(t);
  await create(m, 'dead');
  const source = await createSource(m, 'source');
  await create(m, 'target');
  await poison(m, source, numbered(20));
  await start(m, { SourceArn: arn('dead'), DestinationArn: arn('target'), MaxNumberOfMessagesPerSecond: 10 });
  await m.advance(700);
  const now = m.clock.now();
  await m.close();
  const again = await startMessaging(t, { dataDir: m.dataDir, startAt: now });
  await again.advance(60_000);
  const [done] = await tasks(again);
  assert.equal(done?.Status, 'COMPLETED');
  assert.equal(done?.ApproximateNumberOfMessagesMoved, 20);
  const bodies = new Set<string | undefined>();
  for (;;) {
    const { Messages } = await again.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: `${again.endpoint}/000000000000/target`,
        MaxNumberOfMessages: 10,
      }),
    );
    if (!Messages) break;
    for (const { Body } of Messages) {
      assert.ok(!bodies.has(Body));
      bodies.add(Body);
    }
  }
  assert.equal(bodies.size, 20);
});

test('a consumer that still fails does not send letters round for ever', async (t) => {
  const m = await startMessaging(t);
  const dead = await create(m, 'dead');
  const source = await createSource(m, 'source');
  await poison(m, source, numbered(3));
  await m.advance(1_000);
  await start(m, { SourceArn: arn('dead'), MaxNumberOfMessagesPerSecond: 1 });
  for (let i = 0; i < 20; i++) {
    await m.advance(500);
    await m.sqs.send(new ReceiveMessageCommand({ QueueUrl: source, MaxNumberOfMessages: 10 }));
  }
  const [done] = await tasks(m);
  assert.equal(done?.Status, 'COMPLETED');
  assert.equal(done?.ApproximateNumberOfMessagesMoved, 3);
  assert.equal(await depth(m, dead), 3);
});

test('what AWS refuses of a task', async (t) => {
  const m = await startMessaging(t);
  await create(m, 'dead');
  await createSource(m, 'source');
  await create(m, 'plain');
  await create(m, 'target.fifo', { FifoQueue: 'true' });
  const words = async (input: StartMessageMoveTaskCommandInput) => (await refusal(start(m, input))).message;
  assert.equal(
    await words({ SourceArn: arn('plain') }),
    'Source queue must be configured as a Dead Letter Queue.',
  );
  assert.equal(
    await words({ SourceArn: arn('none') }),
    "The resource that you specified for the SourceArn parameter doesn't exist.",
  );
  const missing = await refusal(start(m, { SourceArn: arn('dead'), DestinationArn: arn('none') }));
  assert.equal(missing.name, 'ResourceNotFoundException');
  assert.equal(missing.$metadata.httpStatusCode, 404);
  assert.equal(
    missing.message,
    "The resource that you specified for the DestinationArn parameter doesn't exist.",
  );
  assert.match(await words({ SourceArn: 'invalid' }), /^You must use this format to specify the SourceArn/);
  assert.equal(
    await words({ SourceArn: arn('dead'), DestinationArn: arn('dead') }),
    'Source queue arn and destination queue arn cannot be the same.',
  );
  assert.equal(
    await words({ SourceArn: arn('dead'), DestinationArn: arn('target.fifo') }),
    'The source queue and destination queue must be of the same queue type.',
  );
  for (const MaxNumberOfMessagesPerSecond of [0, 501]) {
    assert.match(
      await words({ SourceArn: arn('dead'), MaxNumberOfMessagesPerSecond }),
      /between 1 and 500\.$/,
    );
  }
  const cancel = async (handle: string | object) => {
    const TaskHandle =
      typeof handle === 'string' ? handle : Buffer.from(JSON.stringify(handle)).toString('base64');
    return (await refusal(m.sqs.send(new CancelMessageMoveTaskCommand({ TaskHandle })))).message;
  };
  assert.equal(await cancel('foobared'), 'Value for parameter TaskHandle is invalid.');
  assert.equal(
    await cancel({ taskId: 'x', sourceArn: arn('none') }),
    "The resource that you specified for the SourceArn parameter doesn't exist.",
  );
  assert.equal(await cancel({ taskId: 'x', sourceArn: arn('dead') }), 'Task does not exist.');
});

/** Queues through the SDK: creating, finding, listing, attributes, tags, permissions, deleting. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AddPermissionCommand,
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  RemovePermissionCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  type SQSServiceException,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { type Messaging, START_AT, startMessaging } from '../support/messaging.ts';

async function create(
  m: Messaging,
  QueueName: string,
  Attributes: Record<string, string> = {},
): Promise<string> {
  return (await m.sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl as string;
}
async function attributes(
  m: Messaging,
  QueueUrl: string,
  ...names: string[]
): Promise<Record<string, string> | undefined> {
  const answer = await m.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: (names.length ? names : ['All']) as never }),
  );
  return answer.Attributes as Record<string, string> | undefined;
}
async function refusal(work: Promise<unknown>): Promise<SQSServiceException> {
  return work.then(
    () => assert.fail('expected a refusal'),
    (error: SQSServiceException) => error,
  );
}

test('a new queue has the attributes of AWS', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m, 'q');
  assert.equal(url, `${m.endpoint}/000000000000/q`);
  const created = String(START_AT / 1000);
  assert.deepEqual(await attributes(m, url), {
    QueueArn: 'arn:aws:sqs:us-east-1:000000000000:q',
    ApproximateNumberOfMessages: '0',
    ApproximateNumberOfMessagesNotVisible: '0',
    ApproximateNumberOfMessagesDelayed: '0',
    CreatedTimestamp: created,
    LastModifiedTimestamp: created,
    DelaySeconds: '0',
    MaximumMessageSize: '1048576',
    MessageRetentionPeriod: '345600',
    ReceiveMessageWaitTimeSeconds: '0',
    VisibilityTimeout: '30',
    SqsManagedSseEnabled: 'true',
  });
  const fifo = await create(m, 'q.fifo', { FifoQueue: 'true' });
  const { FifoQueue, ContentBasedDeduplication, DeduplicationScope, FifoThroughputLimit } =
    (await attributes(m, fifo)) ?? {};
  assert.deepEqual(
    { FifoQueue, ContentBasedDeduplication, DeduplicationScope, FifoThroughputLimit },
    {
      FifoQueue: 'true',
      ContentBasedDeduplication: 'false',
      DeduplicationScope: 'queue',
      FifoThroughputLimit: 'perQueue',
    },
  );
  assert.deepEqual(await attributes(m, url, 'VisibilityTimeout', 'Policy'), { VisibilityTimeout: '30' });
  assert.equal(await attributes(m, url, 'Policy'), undefined);
  const unknown = await refusal(attributes(m, url, 'Foobar'));
  assert.equal(unknown.name, 'InvalidAttributeName');
  assert.equal(unknown.message, 'Unknown Attribute Foobar.');
});

test('creating a queue again', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m, 'q', { ReceiveMessageWaitTimeSeconds: '1', DelaySeconds: '1' });
  assert.equal(await create(m, 'q'), url);
  assert.equal(await create(m, 'q', { DelaySeconds: '1' }), url);
  const different = await refusal(create(m, 'q', { ReceiveMessageWaitTimeSeconds: '1', DelaySeconds: '2' }));
  assert.equal(different.name, 'QueueNameExists');
  assert.equal(
    different.message,
    'A queue already exists with the same name and a different value for attribute DelaySeconds',
  );
  await m.sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { DelaySeconds: '2' } }));
  assert.equal(await create(m, 'q', { DelaySeconds: '2' }), url);
  await m.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'a' }));
  assert.equal(await create(m, 'q'), url);

  const results = await Promise.all(
    Array.from({ length: 10 }, () => create(m, 'race', { DelaySeconds: '3' })),
  );
  assert.equal(new Set(results).size, 1);
});

test('names and types', async (t) => {
  const m = await startMessaging(t);
  for (const name of ['a.fifo', 'in.fo', 'ééà)', 'a/b', 'x'.repeat(81)]) {
    assert.equal((await refusal(create(m, name))).name, 'InvalidParameterValue', name);
  }
  assert.equal((await refusal(create(m, 'plain', { FifoQueue: 'true' }))).name, 'InvalidParameterValue');
  assert.equal(
    (await refusal(create(m, 'plain', { FifoQueue: 'false' }))).message,
    'Unknown Attribute FifoQueue.',
  );
  assert.equal((await refusal(create(m, 'q', { VisibilityTimeout: '43201' }))).name, 'InvalidAttributeValue');
});

test('a deleted queue takes its messages along, and its name rests for a minute', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m, 'q');
  await m.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'old' }));
  await m.sqs.send(new DeleteQueueCommand({ QueueUrl: url }));
  assert.equal((await refusal(attributes(m, url))).name, 'QueueDoesNotExist');
  assert.equal(
    (await refusal(m.sqs.send(new DeleteQueueCommand({ QueueUrl: url })))).name,
    'QueueDoesNotExist',
  );
  const soon = await refusal(create(m, 'q'));
  assert.equal(soon.name, 'QueueDeletedRecently');
  assert.equal(
    soon.message,
    'You must wait 60 seconds after deleting a queue before you can create another with the same name.',
  );
  await m.advance(59_999);
  assert.equal((await refusal(create(m, 'q'))).name, 'QueueDeletedRecently');
  await m.advance(1);
  await create(m, 'q');
  assert.equal((await attributes(m, url))?.ApproximateNumberOfMessages, '0');
  assert.deepEqual(m.store.resources.list('sqs-deleted-queues'), []);
});

test('finding and listing queues, page by page', async (t) => {
  const m = await startMessaging(t);
  for (const name of ['b', 'a2', 'a1', 'a3']) await create(m, name);
  const { QueueUrl } = await m.sqs.send(new GetQueueUrlCommand({ QueueName: 'b' }));
  assert.equal(QueueUrl, `${m.endpoint}/000000000000/b`);
  const find = (input: { QueueName: string; QueueOwnerAWSAccountId?: string }) =>
    m.sqs.send(new GetQueueUrlCommand(input));
  assert.equal((await refusal(find({ QueueName: 'none' }))).name, 'QueueDoesNotExist');
  assert.equal(
    (await refusal(find({ QueueName: 'b', QueueOwnerAWSAccountId: '111111111111' }))).name,
    'QueueDoesNotExist',
  );
  const names = (urls: string[] | undefined) => (urls ?? []).map((url) => url.split('/').at(-1));
  assert.deepEqual(names((await m.sqs.send(new ListQueuesCommand({}))).QueueUrls), ['a1', 'a2', 'a3', 'b']);
  const first = await m.sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'a', MaxResults: 2 }));
  assert.deepEqual(names(first.QueueUrls), ['a1', 'a2']);
  const second = await m.sqs.send(
    new ListQueuesCommand({ QueueNamePrefix: 'a', MaxResults: 2, NextToken: first.NextToken }),
  );
  assert.deepEqual(names(second.QueueUrls), ['a3']);
  assert.equal(second.NextToken, undefined);
  assert.equal((await m.sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'z' }))).QueueUrls, undefined);
  assert.equal(
    (await refusal(m.sqs.send(new ListQueuesCommand({ NextToken: 'odd' })))).name,
    'InvalidParameterValue',
  );
  assert.equal(
    (await refusal(m.sqs.send(new ListQueuesCommand({ MaxResults: 1001 })))).name,
    'InvalidParameterValue',
  );
});

test('source queues of a dead-letter queue', async (t) => {
  const m = await startMessaging(t);
  const dead = await create(m, 'dead');
  const RedrivePolicy =
    '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":5}';
  for (const name of ['s1', 's2', 's3']) await create(m, name, { RedrivePolicy });
  await create(m, 'other');
  const one = await m.sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead, MaxResults: 2 }));
  assert.deepEqual(one.queueUrls, [`${m.endpoint}/000000000000/s1`, `${m.endpoint}/000000000000/s2`]);
  const two = await m.sqs.send(
    new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead, MaxResults: 2, NextToken: one.NextToken }),
  );
  assert.deepEqual(two.queueUrls, [`${m.endpoint}/000000000000/s3`]);
  const sourceUrl = `${m.endpoint}/000000000000/s1`;
  assert.deepEqual(await attributes(m, sourceUrl, 'RedrivePolicy'), { RedrivePolicy });
});

test('attributes change all together or not at all', async (t) => {
  const m = await startMessaging(t);
  const url = await create(m, 'q');
  await m.advance(5_000);
  const set = (input: Record<string, string>) =>
    m.sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: input }));
  await set({ MaximumMessageSize: '2048', VisibilityTimeout: '69', DelaySeconds: '420' });
  const changed = (await attributes(m, url)) ?? {};
  assert.equal(changed.VisibilityTimeout, '69');
  assert.equal(changed.LastModifiedTimestamp, String(START_AT / 1000 + 5));
  assert.equal(
    (await refusal(set({ VisibilityTimeout: '1', DelaySeconds: '901' }))).name,
    'InvalidAttributeValue',
  );
  assert.equal((await attributes(m, url))?.VisibilityTimeout, '69');
  assert.equal((await refusal(set({ FifoQueue: 'true' }))).message, 'Unknown Attribute FifoQueue.');
  assert.equal((await refusal(set({}))).name, 'MissingParameter');
  await Promise.all([
    set({ VisibilityTimeout: '7' }),
    set({ DelaySeconds: '8' }),
    set({ MaximumMessageSize: '4096' }),
  ]);
  const all = (await attributes(m, url)) ?? {};
  assert.deepEqual([all.VisibilityTimeout, all.DelaySeconds, all.MaximumMessageSize], ['7', '8', '4096']);
});

test('tags', async (t) => {
  const m = await startMessaging(t);
  const { QueueUrl } = await m.sqs.send(new CreateQueueCommand({ QueueName: 'q', tags: { a: '1', b: '' } }));
  const tags = async () => (await m.sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags;
  assert.deepEqual(await tags(), { a: '1', b: '' });
  await m.sqs.send(new TagQueueCommand({ QueueUrl, Tags: { a: '2', A: '3' } }));
  assert.deepEqual(await tags(), { a: '2', b: '', A: '3' });
  await m.sqs.send(new UntagQueueCommand({ QueueUrl, TagKeys: ['a', 'none'] }));
  assert.deepEqual(await tags(), { b: '', A: '3' });
  await m.sqs.send(new UntagQueueCommand({ QueueUrl, TagKeys: ['A', 'b'] }));
  assert.equal(await tags(), undefined);
  const tooMany = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v']));
  assert.equal(
    (await refusal(m.sqs.send(new TagQueueCommand({ QueueUrl, Tags: tooMany })))).name,
    'InvalidParameterValue',
  );
});

test('permissions are written into the policy', async (t) => {
  const m = await startMessaging(t);
  const QueueUrl = await create(m, 'q');
  const add = (Label: string, Actions = ['ReceiveMessage']) =>
    m.sqs.send(new AddPermissionCommand({ QueueUrl, Label, AWSAccountIds: ['111111111111'], Actions }));
  await add('one');
  const policy = JSON.parse((await attributes(m, QueueUrl, 'Policy'))?.Policy ?? '');
  assert.equal(policy.Statement[0].Principal.AWS, 'arn:aws:iam::111111111111:root');
  assert.equal(
    (await refusal(add('one'))).message,
    'Value one for parameter Label is invalid. Reason: Already exists.',
  );
  assert.equal((await refusal(add('two', ['CreateQueue']))).name, 'InvalidParameterValue');
  await m.sqs.send(new RemovePermissionCommand({ QueueUrl, Label: 'one' }));
  assert.equal(await attributes(m, QueueUrl, 'Policy'), undefined);
  assert.equal(
    (await refusal(m.sqs.send(new RemovePermissionCommand({ QueueUrl, Label: 'one' })))).message,
    "Value one for parameter Label is invalid. Reason: can't find label.",
  );
});

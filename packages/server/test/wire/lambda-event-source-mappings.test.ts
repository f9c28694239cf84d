/** Event source mappings of SQS queues: the API over the wire, and messages on their way through a function. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CreateEventSourceMappingCommand,
  type CreateEventSourceMappingCommandInput,
  DeleteEventSourceMappingCommand,
  GetEventSourceMappingCommand,
  InvokeCommand,
  ListEventSourceMappingsCommand,
  ListTagsCommand,
  PutFunctionConcurrencyCommand,
  UpdateEventSourceMappingCommand,
  type UpdateEventSourceMappingCommandInput,
} from '@aws-sdk/client-lambda';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
} from '@aws-sdk/client-sqs';
import { eventually } from '../support/eventually.ts';
import { createFunction, createQueue } from '../support/functions.ts';
import { ARN, invalid, missing, plain, refusal, startLambdaWire, violates } from './lambda-support.ts';

const wire = await startLambdaWire();
const { lambda, sqs } = wire;

/** Hands over what its batches were, so that a test can look; fails for bodies that say so. */
const COLLECTOR = `
  const batches = [];
  export const handler = async (event) => {
    if (event.show) return batches;
    batches.push(event.Records);
    const bad = event.Records.filter(({ body }) => body.includes('poison'));
    if (process.env.REPORT) return { batchItemFailures: bad.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    if (bad.length > 0) throw new Error('cannot digest this');
  };`;

interface SqsRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly md5OfMessageAttributes?: string | null;
}

const create = (input: Partial<CreateEventSourceMappingCommandInput>) =>
  lambda.send(new CreateEventSourceMappingCommand({ FunctionName: 'fn', ...input }));
const update = (UUID: string | undefined, input: Partial<UpdateEventSourceMappingCommandInput>) =>
  lambda.send(new UpdateEventSourceMappingCommand({ UUID, ...input }));
const get = (UUID: string | undefined) => lambda.send(new GetEventSourceMappingCommand({ UUID }));
const remove = (UUID: string | undefined) => lambda.send(new DeleteEventSourceMappingCommand({ UUID }));

/** A collector with one environment, so that its memory is all there is. */
async function collector(name: string, environment: Record<string, string> = {}): Promise<void> {
  await createFunction(wire, name, COLLECTOR, { Environment: { Variables: environment } });
  await lambda.send(
    new PutFunctionConcurrencyCommand({ FunctionName: name, ReservedConcurrentExecutions: 1 }),
  );
}
async function batches(name: string): Promise<SqsRecord[][]> {
  const { Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: name, Payload: Buffer.from('{"show":true}') }),
  );
  return JSON.parse(Buffer.from(Payload ?? []).toString());
}
async function send(url: string, bodies: readonly string[], group?: string): Promise<void> {
  const { Failed } = await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: url,
      Entries: bodies.map((MessageBody, i) => ({
        Id: String(i),
        MessageBody,
        ...(group === undefined ? {} : { MessageGroupId: group, MessageDeduplicationId: MessageBody }),
      })),
    }),
  );
  assert.deepEqual(Failed ?? [], []);
}
async function depth(url: string): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: url,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return (
    Number(Attributes?.ApproximateNumberOfMessages) +
    Number(Attributes?.ApproximateNumberOfMessagesNotVisible)
  );
}

await wire.create('fn', { Publish: true });
const api = await createQueue(wire, 'api');

test('the life of a mapping has the recorded members', async () => {
  const created = await create({ EventSourceArn: api.arn, Tags: { a: 'b' } });
  assert.equal(created.$metadata.httpStatusCode, 202);
  const { UUID, LastModified, ...rest } = plain(created);
  const common = {
    BatchSize: 10,
    EventSourceArn: api.arn,
    EventSourceMappingArn: `arn:aws:lambda:us-east-1:000000000000:event-source-mapping:${UUID}`,
    FunctionArn: `${ARN}:fn`,
    FunctionResponseTypes: [],
    MaximumBatchingWindowInSeconds: 0,
    StateTransitionReason: 'USER_INITIATED',
  };
  assert.deepEqual(rest, { ...common, State: 'Creating' });
  assert.ok(LastModified instanceof Date);
  assert.equal((await get(UUID)).State, 'Enabled');
  assert.deepEqual(
    (await lambda.send(new ListTagsCommand({ Resource: created.EventSourceMappingArn }))).Tags,
    { a: 'b' },
  );
  assert.deepEqual(await refusal(create({ EventSourceArn: api.arn })), [
    409,
    'ResourceConflictException',
    `An event source mapping with SQS arn (" ${api.arn} ") and function (" fn ") already exists. Please update or delete the existing mapping with UUID ${UUID}`,
  ]);
  const changed = await update(UUID, {
    BatchSize: 5,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: 2 },
    FilterCriteria: { Filters: [{ Pattern: '{"body":{"a":["b"]}}' }] },
  });
  assert.equal(changed.State, 'Updating');
  assert.deepEqual(
    [changed.BatchSize, changed.FunctionResponseTypes, changed.ScalingConfig, changed.FilterCriteria],
    [
      5,
      ['ReportBatchItemFailures'],
      { MaximumConcurrency: 2 },
      { Filters: [{ Pattern: '{"body":{"a":["b"]}}' }] },
    ],
  );
  const cleared = await update(UUID, {
    ScalingConfig: {},
    FilterCriteria: { Filters: [] },
    FunctionResponseTypes: [],
  });
  assert.deepEqual(
    [cleared.ScalingConfig, cleared.FilterCriteria, cleared.FunctionResponseTypes],
    [undefined, undefined, []],
  );
  assert.equal((await update(UUID, { Enabled: false })).State, 'Disabling');
  assert.equal((await get(UUID)).State, 'Disabled');
  assert.equal((await update(UUID, { Enabled: true })).State, 'Enabling');
  const list = await lambda.send(new ListEventSourceMappingsCommand({ FunctionName: 'fn' }));
  assert.deepEqual(
    list.EventSourceMappings?.map((each) => each.UUID),
    [UUID],
  );
  assert.equal((await remove(UUID)).State, 'Deleting');
  const gone = missing('The resource you requested does not exist.');
  for (const call of [get(UUID), remove(UUID), update(UUID, {})]) assert.deepEqual(await refusal(call), gone);
});

test('functions in every form; a mapping per form', async () => {
  const arns: (string | undefined)[] = [];
  for (const FunctionName of ['fn', 'function:fn:$LATEST', `${ARN}:fn:1`]) {
    const { FunctionArn, UUID } = await create({ FunctionName, EventSourceArn: api.arn, Enabled: false });
    arns.push(FunctionArn);
    assert.equal((await get(UUID)).State, 'Disabled');
    await remove(UUID);
  }
  assert.deepEqual(arns, [`${ARN}:fn`, `${ARN}:fn:$LATEST`, `${ARN}:fn:1`]);
});

test('what is refused', async () => {
  const EventSourceArn = api.arn;
  const unknownQueue = 'arn:aws:sqs:us-east-1:000000000000:nobody';
  assert.deepEqual(await refusal(create({})), invalid('Unrecognized event source.'));
  assert.deepEqual(
    await refusal(create({ FunctionName: 'nobody', EventSourceArn })),
    invalid('Function does not exist'),
  );
  assert.deepEqual(
    await refusal(create({ EventSourceArn: unknownQueue })),
    invalid(
      'Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.',
    ),
  );
  assert.deepEqual(
    await refusal(create({ EventSourceArn, DestinationConfig: { OnFailure: { Destination: api.arn } } })),
    invalid('Unsupported DestinationConfig parameter for given event source mapping type.'),
  );
  assert.deepEqual(
    await refusal(create({ EventSourceArn, BatchSize: 11 })),
    invalid(
      'Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10',
    ),
  );
  assert.deepEqual(
    await refusal(create({ EventSourceArn, BatchSize: 10_001 })),
    violates(
      "Value '10001' at 'batchSize' failed to satisfy constraint: Member must have value less than or equal to 10000",
    ),
  );
  for (const Pattern of ['no json', '{"body":"text"}', '{"body":[{"nonsense":1}]}']) {
    assert.deepEqual(
      await refusal(create({ EventSourceArn, FilterCriteria: { Filters: [{ Pattern }] } })),
      invalid('Invalid filter pattern definition.'),
    );
  }
  await wire.create('slow', { Timeout: 31 });
  assert.deepEqual(
    await refusal(create({ FunctionName: 'slow', EventSourceArn })),
    invalid('Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds'),
  );
});

test('messages reach the function in records of the recorded form, and leave the queue', async () => {
  await collector('reader');
  const queue = await createQueue(wire, 'read');
  await create({ FunctionName: 'reader', EventSourceArn: queue.arn });
  await send(queue.url, ['{"a":1}']);
  const [batch] = await eventually(async () => {
    const all = await batches('reader');
    return all.length > 0 && all;
  });
  const record = batch?.[0] as SqsRecord & Record<string, unknown>;
  assert.deepEqual(Object.keys(record), [
    'messageId',
    'receiptHandle',
    'body',
    'attributes',
    'messageAttributes',
    'md5OfBody',
    'eventSource',
    'eventSourceARN',
    'awsRegion',
  ]);
  assert.equal(record.body, '{"a":1}');
  assert.deepEqual(Object.keys(record.attributes), [
    'ApproximateReceiveCount',
    'SentTimestamp',
    'SenderId',
    'ApproximateFirstReceiveTimestamp',
  ]);
  assert.equal(record.attributes.ApproximateReceiveCount, '1');
  assert.equal(record.eventSourceARN, queue.arn);
  await eventually(async () => (await depth(queue.url)) === 0);
});

test('a filter lets through what it wants and deletes the rest', async () => {
  await collector('picky');
  const queue = await createQueue(wire, 'filtered');
  await create({
    FunctionName: 'picky',
    EventSourceArn: queue.arn,
    FilterCriteria: { Filters: [{ Pattern: '{"body":{"kind":["wanted"]}}' }] },
  });
  await send(queue.url, [
    '{"kind":"wanted","n":1}',
    '{"kind":"other"}',
    'plain text',
    '{"kind":"wanted","n":2}',
  ]);
  await eventually(async () => (await depth(queue.url)) === 0);
  const bodies = (await batches('picky')).flat().map(({ body }) => body);
  assert.deepEqual(bodies.sort(), ['{"kind":"wanted","n":1}', '{"kind":"wanted","n":2}']);
});

test('partial responses: the failed message alone comes back, and reaches the dead-letter queue', async () => {
  await collector('partial', { REPORT: '1' });
  const dead = await createQueue(wire, 'partial-dead');
  const queue = await createQueue(wire, 'partial', {
    VisibilityTimeout: '3',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 2 }),
  });
  await create({
    FunctionName: 'partial',
    EventSourceArn: queue.arn,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
  });
  await send(queue.url, ['good 1', 'poison', 'good 2']);
  await eventually(async () => (await depth(dead.url)) === 1, { timeoutMs: 30_000 });
  await eventually(async () => (await depth(queue.url)) === 0);
  const seen = (await batches('partial')).flat();
  const count = (body: string) => seen.filter((record) => record.body === body).length;
  assert.deepEqual([count('good 1'), count('good 2'), count('poison')], [1, 1, 2]);
  assert.deepEqual(
    seen.filter(({ body }) => body === 'poison').map(({ attributes }) => attributes.ApproximateReceiveCount),
    ['1', '2'],
  );
});

test('without partial responses a poisonous message does not take its neighbours along', async () => {
  await collector('whole');
  const dead = await createQueue(wire, 'whole-dead');
  const queue = await createQueue(wire, 'whole', {
    VisibilityTimeout: '3',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 3 }),
  });
  await create({ FunctionName: 'whole', EventSourceArn: queue.arn });
  await send(queue.url, ['good 1', 'poison', 'good 2']);
  await eventually(async () => (await depth(queue.url)) === 0, { timeoutMs: 45_000 });
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: dead.url,
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ['All'],
    }),
  );
  assert.deepEqual(
    Messages?.map(({ Body }) => Body),
    ['poison'],
  );
  assert.equal(Messages?.[0]?.Attributes?.DeadLetterQueueSourceArn, queue.arn);
});

test('a FIFO group keeps its order', async () => {
  await collector('ordered');
  const queue = await createQueue(wire, 'ordered.fifo', { FifoQueue: 'true' });
  await create({ FunctionName: 'ordered', EventSourceArn: queue.arn, BatchSize: 3 });
  const bodies = Array.from({ length: 10 }, (_, i) => `message-${i}`);
  await send(queue.url, bodies, 'group');
  await eventually(async () => (await depth(queue.url)) === 0);
  const seen = await batches('ordered');
  assert.deepEqual(
    seen.flat().map(({ body }) => body),
    bodies,
  );
  assert.ok(seen.every((batch) => batch.length <= 3));
});

test('a batching window collects', async () => {
  await collector('window');
  const queue = await createQueue(wire, 'window');
  await create({
    FunctionName: 'window',
    EventSourceArn: queue.arn,
    BatchSize: 100,
    MaximumBatchingWindowInSeconds: 1,
  });
  await send(queue.url, ['1', '2', '3']);
  await send(queue.url, ['4', '5']);
  await eventually(async () => (await depth(queue.url)) === 0);
  const seen = await batches('window');
  assert.equal(seen.flat().length, 5);
  assert.equal(seen.length, 1);
  assert.equal(seen[0]?.[0]?.md5OfMessageAttributes, null);
});

test('a disabled mapping leaves messages alone; enabling it goes on', async () => {
  await collector('switched');
  const queue = await createQueue(wire, 'switched');
  const { UUID } = await create({ FunctionName: 'switched', EventSourceArn: queue.arn, Enabled: false });
  await send(queue.url, ['waiting']);
  assert.equal(await depth(queue.url), 1);
  await update(UUID, { Enabled: true });
  await eventually(async () => (await depth(queue.url)) === 0);
  assert.equal((await batches('switched')).length, 1);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRefusal, type Refusal } from './refusal.ts';
import { checkQueueName, describeAttributes, findDifference, updateAttributes } from './sqs-attributes.ts';
import { type Queue, type QueueRecord, viewQueue } from './sqs-queue.ts';

const ARN = 'arn:aws:sqs:us-east-1:000000000000:';

function record(name: string, attributes: Record<string, string> = {}): QueueRecord {
  return { name, arn: ARN + name, createdAt: 0, modifiedAt: 0, attributes, tags: {} };
}

const queues: Queue[] = [
  record('dead'),
  record('dead.fifo'),
  record('closed', { RedriveAllowPolicy: '{"redrivePermission":"denyAll"}' }),
  record('picky', {
    RedriveAllowPolicy: `{"redrivePermission":"byQueue","sourceQueueArns":["${ARN}friend"]}`,
  }),
].map(viewQueue);

function update(name: string, input: Record<string, string>, current = {}, creating = false) {
  return updateAttributes({
    queue: { name, arn: ARN + name },
    input,
    current,
    creating,
    findQueue: (arn) => queues.find((queue) => queue.arn === arn),
  });
}
function refused(name: string, input: Record<string, string>, creating = false): Refusal {
  const result = update(name, input, {}, creating);
  assert.ok(isRefusal(result), JSON.stringify(input));
  return result;
}

test('numbers within their ranges, and nothing else', () => {
  const ranges: Record<string, [number, number]> = {
    DelaySeconds: [0, 900],
    MaximumMessageSize: [1024, 1_048_576],
    MessageRetentionPeriod: [60, 1_209_600],
    ReceiveMessageWaitTimeSeconds: [0, 20],
    VisibilityTimeout: [0, 43_200],
    KmsDataKeyReusePeriodSeconds: [60, 86_400],
  };
  for (const [name, [min, max]] of Object.entries(ranges)) {
    for (const good of [min, max])
      assert.deepEqual(update('q', { [name]: String(good) }), { [name]: String(good) });
    for (const bad of [String(min - 1), String(max + 1), '', ' 6', '6 ', '500.5', '1e2', 'true', 'NaN']) {
      const refusal = refused('q', { [name]: bad });
      assert.equal(refusal.error, 'InvalidAttributeValue');
      assert.equal(refusal.message, `Invalid value for the parameter ${name}.`);
    }
  }
});

test('unknown attributes, and those of the other type of queue', () => {
  for (const name of ['Foobar', 'QueueArn', 'All', 'FifoQueue', 'ContentBasedDeduplication']) {
    assert.deepEqual(refused('q', { [name]: 'true' }), {
      kind: 'refused',
      error: 'InvalidAttributeName',
      message: `Unknown Attribute ${name}.`,
    });
  }
  assert.equal(
    refused('q', { FifoThroughputLimit: 'perQueue' }).message,
    'You can specify the FifoThroughputLimit only when FifoQueue is set to true.',
  );
  assert.equal(
    refused('q.fifo', { FifoQueue: 'false' }).message,
    'Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.',
  );
  assert.equal(
    refused('q.fifo', { FifoThroughputLimit: 'perMessageGroupId' }).message,
    'The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.',
  );
  assert.deepEqual(
    update('q.fifo', { FifoThroughputLimit: 'perMessageGroupId', DeduplicationScope: 'messageGroup' }),
    { FifoThroughputLimit: 'perMessageGroupId', DeduplicationScope: 'messageGroup' },
  );
});

test('one kind of encryption at a time', () => {
  const both = refused('q', { KmsMasterKeyId: 'k', SqsManagedSseEnabled: 'true' });
  assert.equal(both.error, 'InvalidAttributeName');
  assert.match(both.message, /^You can use one type of server-side encryption/);
  const kms = update('q', { KmsMasterKeyId: 'k' });
  assert.deepEqual(kms, { KmsMasterKeyId: 'k', SqsManagedSseEnabled: 'false' });
  assert.deepEqual(update('q', { SqsManagedSseEnabled: 'true' }, kms), { SqsManagedSseEnabled: 'true' });
  assert.equal(
    describeAttributes(record('q', kms as Record<string, string>)).KmsDataKeyReusePeriodSeconds,
    '300',
  );
  assert.equal(describeAttributes(record('q')).KmsDataKeyReusePeriodSeconds, undefined);
});

test('redrive policies', () => {
  const policy = (value: unknown) =>
    refused('q', { RedrivePolicy: typeof value === 'string' ? value : JSON.stringify(value) });
  const dead = `${ARN}dead`;
  for (const text of [' ', '[]', '4', 'x']) {
    assert.equal(
      policy(text).message,
      'Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map.',
    );
  }
  const reason = (value: unknown, words: string) => {
    const refusal = policy(value);
    assert.equal(refusal.error, 'InvalidParameterValueException');
    assert.equal(
      refusal.message,
      `Value ${JSON.stringify(value)} for parameter RedrivePolicy is invalid. Reason: ${words}`,
    );
  };
  reason(
    { deadLetterTargetArn: dead },
    'Redrive policy does not contain mandatory attribute: maxReceiveCount.',
  );
  reason({ maxReceiveCount: 5 }, 'Redrive policy does not contain mandatory attribute: deadLetterTargetArn.');
  for (const count of [0, -36, 1001, 1.5]) {
    reason(
      { deadLetterTargetArn: dead, maxReceiveCount: count },
      `Invalid value for maxReceiveCount: ${count}, valid values are from 1 to 1000 both inclusive.`,
    );
  }
  reason({ deadLetterTargetArn: 'dummy', maxReceiveCount: 42 }, 'Invalid value for deadLetterTargetArn.');
  reason(
    { deadLetterTargetArn: 'arn:aws:sns:us-east-1:000000000000:t', maxReceiveCount: 5 },
    'Only SQS queues are valid resources for deadLetterTargetArn.',
  );
  reason({ deadLetterTargetArn: `${ARN}none`, maxReceiveCount: 5 }, 'Dead letter target does not exist.');
  reason(
    { deadLetterTargetArn: `${ARN}dead.fifo`, maxReceiveCount: 5 },
    'Dead-letter queue must be same type of queue as the source.',
  );
  reason(
    { deadLetterTargetArn: dead, maxReceiveCount: 5, more: 1 },
    'Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].',
  );
  assert.match(
    policy({ deadLetterTargetArn: `${ARN}closed`, maxReceiveCount: 5 }).message,
    /does not permit/,
  );
  assert.match(policy({ deadLetterTargetArn: `${ARN}picky`, maxReceiveCount: 5 }).message, /does not permit/);
  const friend = { deadLetterTargetArn: `${ARN}picky`, maxReceiveCount: 5 };
  assert.ok(!isRefusal(update('friend', { RedrivePolicy: JSON.stringify(friend) })));
  // Counts that come as text are numbers afterwards.
  const stored = update('q', {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead, maxReceiveCount: '42' }),
  });
  assert.deepEqual(stored, {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead, maxReceiveCount: 42 }),
  });
  assert.deepEqual(update('q', { RedrivePolicy: '' }, stored), {});
});

test('redrive allow policies', () => {
  const format =
    "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format.";
  const refusedPolicy = (value: unknown) =>
    refused('q', { RedriveAllowPolicy: typeof value === 'string' ? value : JSON.stringify(value) }).message;
  for (const bad of [
    'badjson',
    [],
    {},
    { redrivePermission: 'dummy' },
    { redrivePermission: 'allowAll', dummy: 1 },
    { redrivePermission: 'byQueue', sourceQueueArns: 'arn' },
    { redrivePermission: 'byQueue', sourceQueueArns: [{}] },
  ]) {
    assert.equal(refusedPolicy(bad), format, JSON.stringify(bad));
  }
  assert.match(
    refusedPolicy({ redrivePermission: 'byQueue' }),
    /you must also specify one or more sourceQueueArns values\.$/,
  );
  assert.match(
    refusedPolicy({ redrivePermission: 'byQueue', sourceQueueArns: [] }),
    /one or more sourceQueueArns/,
  );
  assert.match(
    refusedPolicy({ redrivePermission: 'denyAll', sourceQueueArns: ['a'] }),
    /must set redrivePermission to byQueue\.$/,
  );
  assert.match(
    refusedPolicy({
      redrivePermission: 'byQueue',
      sourceQueueArns: Array.from({ length: 11 }, (_, i) => `a${i}`),
    }),
    /maximum number of source queue ARNs you can specify is 10\.$/,
  );
  const good = JSON.stringify({ redrivePermission: 'byQueue', sourceQueueArns: [`${ARN}a`] });
  assert.deepEqual(update('q', { RedriveAllowPolicy: good }), { RedriveAllowPolicy: good });
});

test('policies are kept as they are, or refused', () => {
  const policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage', Resource: '*' }],
  });
  assert.deepEqual(update('q', { Policy: policy }), { Policy: policy });
  assert.deepEqual(update('q', { Policy: '' }, { Policy: policy }), {});
  for (const bad of [
    'x',
    '[]',
    '{}',
    '{"Version":"2012-10-17","Statement":[]}',
    '{"Version":"1","Statement":[{}]}',
  ]) {
    assert.equal(refused('q', { Policy: bad }).message, 'Invalid value for the parameter Policy.');
  }
});

test('names', () => {
  const invalid = 'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length';
  for (const name of ['a.fifo', 'in.fo', 'ééà)', 'a/b', 'x'.repeat(81)]) {
    assert.equal(checkQueueName(name, false)?.message, invalid);
  }
  assert.equal(checkQueueName('x'.repeat(80), false), undefined);
  assert.equal(checkQueueName(`${'x'.repeat(75)}.fifo`, true), undefined);
  assert.match(checkQueueName('plain', true)?.message ?? '', /must end with \.fifo suffix/);
  assert.equal(checkQueueName('', false)?.message, 'Queue name cannot be empty');
});

test('the first attribute that differs from an existing queue', () => {
  const existing = record('q', { DelaySeconds: '1' });
  assert.equal(findDifference(existing, {}), undefined);
  assert.equal(findDifference(existing, { DelaySeconds: '1', VisibilityTimeout: '30' }), undefined);
  assert.equal(findDifference(existing, { VisibilityTimeout: '30', DelaySeconds: '2' }), 'DelaySeconds');
});

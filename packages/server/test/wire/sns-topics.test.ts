/** Topics and subscriptions through the SDK; answers and refusals as the recordings of AWS show them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AddPermissionCommand,
  CreateTopicCommand,
  DeleteTopicCommand,
  GetSMSAttributesCommand,
  GetSubscriptionAttributesCommand,
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  ListSubscriptionsCommand,
  ListTagsForResourceCommand,
  ListTopicsCommand,
  PutDataProtectionPolicyCommand,
  RemovePermissionCommand,
  SetSMSAttributesCommand,
  SetSubscriptionAttributesCommand,
  SetTopicAttributesCommand,
  type SNSServiceException,
  SubscribeCommand,
  TagResourceCommand,
  UnsubscribeCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-sns';
import { type Messaging, startMessaging } from '../support/messaging.ts';

const arnOf = (name: string) => `arn:aws:sns:us-east-1:000000000000:${name}`;
const queueArn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;

async function create(
  m: Messaging,
  Name: string,
  Attributes: Record<string, string> = {},
  tags: Record<string, string> = {},
) {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const input = { Name, Attributes, ...(Tags.length > 0 ? { Tags } : {}) };
  return (await m.sns.send(new CreateTopicCommand(input))).TopicArn as string;
}
async function subscribe(
  m: Messaging,
  TopicArn: string,
  Protocol: string,
  Endpoint: string,
  Attributes: Record<string, string> = {},
) {
  const command = new SubscribeCommand({
    TopicArn,
    Protocol,
    Endpoint,
    Attributes,
    ReturnSubscriptionArn: true,
  });
  return (await m.sns.send(command)).SubscriptionArn as string;
}
async function attributes(m: Messaging, TopicArn: string): Promise<Record<string, string>> {
  return (await m.sns.send(new GetTopicAttributesCommand({ TopicArn }))).Attributes ?? {};
}
async function subscription(m: Messaging, SubscriptionArn: string): Promise<Record<string, string>> {
  return (await m.sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }))).Attributes ?? {};
}
async function refusal(
  work: Promise<unknown>,
): Promise<{ code: string; message: string; status: number | undefined }> {
  return work.then(
    () => assert.fail('expected a refusal'),
    (error: SNSServiceException) => ({
      code: error.name,
      message: error.message,
      status: error.$metadata.httpStatusCode,
    }),
  );
}
const EFFECTIVE = {
  http: {
    defaultHealthyRetryPolicy: {
      minDelayTarget: 20,
      maxDelayTarget: 20,
      numRetries: 3,
      numMaxDelayRetries: 0,
      numNoDelayRetries: 0,
      numMinDelayRetries: 0,
      backoffFunction: 'linear',
    },
    disableSubscriptionOverrides: false,
    defaultRequestPolicy: { headerContentType: 'text/plain; charset=UTF-8' },
  },
};

test('a new topic has the attributes of AWS', async (t) => {
  const m = await startMessaging(t);
  const arn = await create(m, 't');
  assert.equal(arn, arnOf('t'));
  const { Policy, EffectiveDeliveryPolicy, ...rest } = await attributes(m, arn);
  assert.deepEqual(rest, {
    TopicArn: arn,
    Owner: '000000000000',
    DisplayName: '',
    SubscriptionsConfirmed: '0',
    SubscriptionsPending: '0',
    SubscriptionsDeleted: '0',
  });
  // The text itself, member order included.
  assert.equal(EffectiveDeliveryPolicy, JSON.stringify(EFFECTIVE));
  const { Statement, Version, Id } = JSON.parse(Policy ?? '');
  assert.deepEqual(
    [Version, Id, Statement[0].Sid],
    ['2008-10-17', '__default_policy_ID', '__default_statement_ID'],
  );
  const fifo = await create(m, 't.fifo', { FifoTopic: 'true', DisplayName: 'Test', SignatureVersion: '2' });
  const { FifoTopic, ContentBasedDeduplication, DisplayName, SignatureVersion } = await attributes(m, fifo);
  assert.deepEqual(
    { FifoTopic, ContentBasedDeduplication, DisplayName, SignatureVersion },
    { FifoTopic: 'true', ContentBasedDeduplication: 'false', DisplayName: 'Test', SignatureVersion: '2' },
  );
});

test('topics that are not there, and ARNs that are none', async (t) => {
  const m = await startMessaging(t);
  const get = (TopicArn: string) => refusal(attributes(m, TopicArn));
  assert.deepEqual(await get(arnOf('none')), {
    code: 'NotFoundException',
    message: 'Topic does not exist',
    status: 404,
  });
  assert.equal(
    (await get('topic')).message,
    'Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1',
  );
  assert.equal(
    (await get('arn:aws')).message,
    'Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 2',
  );
  assert.equal((await get('arn:aws:sns:eu-west-1:000000000000:t')).message, 'Invalid parameter: TopicArn');
  assert.equal((await refusal(create(m, 'a b'))).message, 'Invalid parameter: Topic Name');
  assert.match(
    (await refusal(create(m, 'plain', { FifoTopic: 'true' }))).message,
    /^Invalid parameter: Fifo Topic names must end with \.fifo/,
  );
});

test('creating a topic again', async (t) => {
  const m = await startMessaging(t);
  const arn = await create(m, 't', { DisplayName: 'x' }, { a: '1' });
  assert.equal(await create(m, 't'), arn);
  assert.equal(await create(m, 't', { DisplayName: 'x' }), arn);
  assert.equal(
    (await refusal(create(m, 't', {}, { a: '1', b: '2' }))).message,
    'Invalid parameter: Tags Reason: Topic already exists with different tags',
  );
  assert.match((await refusal(create(m, 't', { DisplayName: 'y' }))).message, /different attributes$/);
  await m.sns.send(new DeleteTopicCommand({ TopicArn: arn }));
  await m.sns.send(new DeleteTopicCommand({ TopicArn: arn }));
  assert.equal(await create(m, 't', {}, { b: '2' }), arn);
});

test('tags', async (t) => {
  const m = await startMessaging(t);
  const ResourceArn = await create(m, 't', {}, { k1: 'v1', k2: 'v2' });
  const tags = async () => (await m.sns.send(new ListTagsForResourceCommand({ ResourceArn }))).Tags;
  assert.deepEqual(await tags(), [
    { Key: 'k1', Value: 'v1' },
    { Key: 'k2', Value: 'v2' },
  ]);
  await m.sns.send(new UntagResourceCommand({ ResourceArn, TagKeys: ['k1'] }));
  await m.sns.send(new TagResourceCommand({ ResourceArn, Tags: [{ Key: 'k2', Value: 'v2b' }] }));
  assert.deepEqual(await tags(), [{ Key: 'k2', Value: 'v2b' }]);
  const twice = [
    { Key: 'k', Value: '1' },
    { Key: 'k', Value: '2' },
  ];
  assert.equal(
    (await refusal(m.sns.send(new TagResourceCommand({ ResourceArn, Tags: twice })))).message,
    'Invalid parameter: Duplicated keys are not allowed.',
  );
  const none = await refusal(m.sns.send(new ListTagsForResourceCommand({ ResourceArn: arnOf('none') })));
  assert.equal(none.code, 'ResourceNotFoundException');
});

test('a topic’s delivery policy', async (t) => {
  const m = await startMessaging(t);
  const arn = await create(m, 't', {
    DeliveryPolicy: JSON.stringify({
      http: { defaultRequestPolicy: { headerContentType: 'application/json' } },
    }),
  });
  const set = (AttributeValue: string) =>
    m.sns.send(
      new SetTopicAttributesCommand({ TopicArn: arn, AttributeName: 'DeliveryPolicy', AttributeValue }),
    );
  const shown = async () => {
    const { DeliveryPolicy, EffectiveDeliveryPolicy } = await attributes(m, arn);
    return {
      own: DeliveryPolicy && JSON.parse(DeliveryPolicy),
      effective: JSON.parse(EffectiveDeliveryPolicy ?? ''),
    };
  };
  assert.deepEqual((await shown()).own, {
    http: {
      defaultRequestPolicy: { headerContentType: 'application/json' },
      disableSubscriptionOverrides: false,
    },
  });
  await set(
    JSON.stringify({
      http: { defaultHealthyRetryPolicy: { minDelayTarget: 5, maxDelayTarget: 6, numRetries: 1 } },
    }),
  );
  const changed = await shown();
  assert.deepEqual(changed.own.http.defaultHealthyRetryPolicy, {
    minDelayTarget: 5,
    maxDelayTarget: 6,
    numRetries: 1,
  });
  assert.equal(changed.effective.http.defaultHealthyRetryPolicy.backoffFunction, 'linear');
  assert.equal(changed.effective.http.defaultRequestPolicy.headerContentType, 'text/plain; charset=UTF-8');
  await set(JSON.stringify({ http: { defaultHealthyRetryPolicy: null } }));
  assert.deepEqual((await shown()).own, { http: { disableSubscriptionOverrides: false } });
  await set('');
  assert.deepEqual(await shown(), { own: undefined, effective: EFFECTIVE });
  assert.equal(
    (await refusal(set('{"http":{"defaultHealthyRetryPolicy":{"numRetries":101}}}'))).code,
    'InvalidParameterException',
  );
  const archive = new SetTopicAttributesCommand({
    TopicArn: arn,
    AttributeName: 'ArchivePolicy',
    AttributeValue: '{}',
  });
  assert.match((await refusal(m.sns.send(archive))).message, /not supported here$/);
});

test('permissions', async (t) => {
  const m = await startMessaging(t);
  const TopicArn = await create(m, 't');
  const add = (ActionName: string[]) =>
    m.sns.send(
      new AddPermissionCommand({ TopicArn, Label: 'x', AWSAccountId: ['111111111111'], ActionName }),
    );
  await add(['Publish']);
  const statements = async () => JSON.parse((await attributes(m, TopicArn)).Policy ?? '').Statement;
  assert.deepEqual((await statements())[1], {
    Sid: 'x',
    Effect: 'Allow',
    Principal: { AWS: 'arn:aws:iam::111111111111:root' },
    Action: 'SNS:Publish',
    Resource: TopicArn,
  });
  assert.equal((await refusal(add(['Publish']))).message, 'Invalid parameter: Statement already exists');
  assert.equal(
    (await refusal(add(['Odd']))).message,
    'Invalid parameter: Policy statement action out of service scope!',
  );
  await m.sns.send(new RemovePermissionCommand({ TopicArn, Label: 'x' }));
  assert.equal((await statements()).length, 1);
});

test('subscribing a queue, again, and differently', async (t) => {
  const m = await startMessaging(t);
  const topic = await create(m, 't');
  const arn = await subscribe(m, topic, 'sqs', queueArn('q'), { RawMessageDelivery: 'true' });
  assert.match(arn, /^arn:aws:sns:us-east-1:000000000000:t:[0-9a-f-]{36}$/);
  assert.deepEqual(await subscription(m, arn), {
    ConfirmationWasAuthenticated: 'true',
    Endpoint: queueArn('q'),
    Owner: '000000000000',
    PendingConfirmation: 'false',
    Protocol: 'sqs',
    RawMessageDelivery: 'true',
    SubscriptionArn: arn,
    SubscriptionPrincipal: 'arn:aws:iam::000000000000:user/test',
    TopicArn: topic,
  });
  assert.equal(await subscribe(m, topic, 'sqs', queueArn('q')), arn);
  assert.equal(await subscribe(m, topic, 'sqs', queueArn('q'), { RawMessageDelivery: 'true' }), arn);
  const different = subscribe(m, topic, 'sqs', queueArn('q'), { RawMessageDelivery: 'false' });
  assert.equal(
    (await refusal(different)).message,
    'Invalid parameter: Attributes Reason: Subscription already exists with different attributes',
  );
  assert.equal((await attributes(m, topic)).SubscriptionsConfirmed, '1');
  await m.sns.send(new UnsubscribeCommand({ SubscriptionArn: arn }));
  await m.sns.send(new UnsubscribeCommand({ SubscriptionArn: arn }));
  assert.deepEqual(await refusal(subscription(m, arn)), {
    code: 'NotFoundException',
    message: 'Subscription does not exist',
    status: 404,
  });
  assert.equal((await attributes(m, topic)).SubscriptionsDeleted, '1');
  const unsubscribe = (SubscriptionArn: string) =>
    refusal(m.sns.send(new UnsubscribeCommand({ SubscriptionArn })));
  assert.equal(
    (await unsubscribe('x')).message,
    'Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1',
  );
  assert.equal((await unsubscribe(topic)).message, 'Invalid parameter: SubscriptionId');
});

test('endpoints that AWS refuses', async (t) => {
  const m = await startMessaging(t);
  const topic = await create(m, 't');
  const words = async (protocol: string, endpoint: string) =>
    (await refusal(subscribe(m, topic, protocol, endpoint))).message;
  assert.equal(
    await words('test-protocol', 'x'),
    'Invalid parameter: Amazon SNS does not support this protocol string: test-protocol',
  );
  assert.equal(await words('sqs', `${m.endpoint}/000000000000/q`), 'Invalid parameter: SQS endpoint ARN');
  assert.equal(
    await words('sqs', queueArn('q.fifo')),
    'Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics',
  );
  assert.equal(await words('sms', 'NAA+15551234567'), 'Invalid SMS endpoint: NAA+15551234567');
  assert.equal(
    await words('http', 'https://x.example'),
    'Invalid parameter: Endpoint must match the specified protocol',
  );
  assert.match(await words('email', 'a@b.example'), /needs an SMTP server/);
  assert.match(await words('application', 'x'), /not supported here$/);
  assert.match(await words('firehose', 'x'), /not supported here$/);
});

test('attributes of a subscription', async (t) => {
  const m = await startMessaging(t);
  const topic = await create(m, 't');
  const arn = await subscribe(m, topic, 'sqs', queueArn('q'));
  const set = (AttributeName: string, AttributeValue: string) =>
    m.sns.send(new SetSubscriptionAttributesCommand({ SubscriptionArn: arn, AttributeName, AttributeValue }));
  const words = async (name: string, value: string) => (await refusal(set(name, value))).message;
  assert.equal(await words('FakeAttribute', 'x'), 'Invalid parameter: AttributeName');
  assert.equal(
    await words('RawMessageDelivery', 'test-ValUe'),
    'Invalid parameter: RawMessageDelivery: Invalid value [test-ValUe]. Must be true or false.',
  );
  assert.equal(
    await words('RawMessageDelivery', ''),
    'Invalid parameter: RawMessageDelivery: Invalid value []. Must be true or false.',
  );
  assert.equal(
    await words('RedrivePolicy', '{"deadLetterTargetArn":"fake"}'),
    'Invalid parameter: RedrivePolicy: deadLetterTargetArn is an invalid arn',
  );
  assert.match(
    await words('RedrivePolicy', '{invalidjson}'),
    /^Invalid parameter: RedrivePolicy: failed to parse JSON\. Unexpected character \('i' \(code 105\)\): was expecting double-quote to start field name\n at .*column: 2\]$/s,
  );
  assert.equal(
    await words('FilterPolicyScope', 'RandomValue'),
    'Invalid parameter: FilterPolicyScope: Invalid value [RandomValue]. Please use either MessageBody or MessageAttributes',
  );
  assert.equal(
    await words('FilterPolicy', '{"object":{"key":[{"prefix":"auto-"}]}}'),
    'Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy',
  );
  await set('FilterPolicyScope', 'MessageBody');
  assert.equal((await subscription(m, arn)).FilterPolicyScope, undefined, 'shown beside a policy only');
  await set('FilterPolicy', '{"object":{"key":[{"prefix":"auto-"}]}}');
  const { FilterPolicy, FilterPolicyScope } = await subscription(m, arn);
  assert.deepEqual(
    [FilterPolicy, FilterPolicyScope],
    ['{"object":{"key":[{"prefix":"auto-"}]}}', 'MessageBody'],
  );
  await set('FilterPolicy', '');
  assert.equal((await subscription(m, arn)).FilterPolicy, undefined);
  const bad = subscribe(m, topic, 'sqs', queueArn('other'), { RawMessageDelivery: 'wrongvalue' });
  assert.equal(
    (await refusal(bad)).message,
    'Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [wrongvalue]. Must be true or false.',
  );
  const badFilter = subscribe(m, topic, 'sqs', queueArn('other'), {
    FilterPolicy: '{"key":[{"suffix":100}]}',
  });
  assert.equal(
    (await refusal(badFilter)).message,
    'Invalid parameter: Attributes Reason: FilterPolicy: suffix match pattern must be a string\n at [Source: (String)"{"key":[{"suffix":100}]}"; line: 1, column: 22]',
  );
});

test('delivery policies of HTTP subscriptions', async (t) => {
  const m = await startMessaging(t);
  const topic = await create(m, 't', {
    DeliveryPolicy: JSON.stringify({
      http: { defaultRequestPolicy: { headerContentType: 'application/json' } },
    }),
  });
  const healthyRetryPolicy = {
    ...EFFECTIVE.http.defaultHealthyRetryPolicy,
    minDelayTarget: 1,
    maxDelayTarget: 1,
    numRetries: 0,
  };
  const arn = await subscribe(m, topic, 'http', 'http://127.0.0.1:9/x', {
    DeliveryPolicy: JSON.stringify({ healthyRetryPolicy, throttlePolicy: { maxReceivesPerSecond: 1000 } }),
  });
  const shown = await subscription(m, arn);
  assert.equal(shown.PendingConfirmation, 'true');
  assert.equal(shown.ConfirmationWasAuthenticated, 'false');
  assert.deepEqual(JSON.parse(shown.DeliveryPolicy ?? ''), {
    healthyRetryPolicy,
    sicklyRetryPolicy: null,
    throttlePolicy: { maxReceivesPerSecond: 1000 },
    requestPolicy: null,
    guaranteed: false,
  });
  assert.deepEqual(JSON.parse(shown.EffectiveDeliveryPolicy ?? ''), {
    healthyRetryPolicy,
    sicklyRetryPolicy: null,
    throttlePolicy: { maxReceivesPerSecond: 1000 },
    requestPolicy: { headerContentType: 'application/json' },
    guaranteed: false,
  });
});

test('listing, page by page', async (t) => {
  const m = await startMessaging(t);
  for (let i = 0; i < 105; i++) await m.call('CreateTopic', { Name: `t${String(i).padStart(3, '0')}` });
  const first = await m.sns.send(new ListTopicsCommand({}));
  assert.equal(first.Topics?.length, 100);
  const second = await m.sns.send(new ListTopicsCommand({ NextToken: first.NextToken }));
  assert.deepEqual(
    second.Topics?.map(({ TopicArn }) => TopicArn?.split(':').at(-1)),
    ['t100', 't101', 't102', 't103', 't104'],
  );
  assert.equal(second.NextToken, undefined);
  for (let i = 0; i < 3; i++) await subscribe(m, arnOf('t000'), 'sqs', queueArn(`q${i}`));
  const phone = await subscribe(m, arnOf('t001'), 'sms', '+123123123');
  const byTopic = await m.sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: arnOf('t001') }));
  assert.deepEqual(byTopic.Subscriptions, [
    {
      SubscriptionArn: phone,
      Owner: '000000000000',
      Protocol: 'sms',
      Endpoint: '+123123123',
      TopicArn: arnOf('t001'),
    },
  ]);
  assert.equal((await m.sns.send(new ListSubscriptionsCommand({}))).Subscriptions?.length, 4);
});

test('settings of text messages, and what is not supported', async (t) => {
  const m = await startMessaging(t);
  await m.sns.send(new SetSMSAttributesCommand({ attributes: { DefaultSMSType: 'Transactional' } }));
  assert.deepEqual((await m.sns.send(new GetSMSAttributesCommand({}))).attributes, {
    DefaultSMSType: 'Transactional',
  });
  const odd = await refusal(m.sns.send(new SetSMSAttributesCommand({ attributes: { Odd: 'x' } })));
  assert.equal(odd.code, 'InvalidParameterException');
  const command = new PutDataProtectionPolicyCommand({ ResourceArn: arnOf('t'), DataProtectionPolicy: '{}' });
  assert.equal((await refusal(m.sns.send(command))).status, 501);
});

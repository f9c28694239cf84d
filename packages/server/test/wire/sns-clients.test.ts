/** Other clients' wire: boto3, the AWS CLI, bare HTTP. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMessaging } from '../support/messaging.ts';
import { runCli, runPython, withoutBoto3, withoutCli } from '../support/other-clients.ts';
import { createQueue, createTopic, drain, envelopeOf, queueArnOf, subscribe } from '../support/topics.ts';

test('boto3: topics, subscriptions, publishing, refusals', { skip: withoutBoto3 }, async (t) => {
  const m = await startMessaging(t);
  await createQueue(m, 'q');
  const answer = await runPython<Record<string, unknown>>(
    m.endpoint,
    `
import boto3, json
sns = boto3.client('sns')
topic = sns.create_topic(Name='t', Attributes={'DisplayName': 'D'}, Tags=[{'Key': 'a', 'Value': '1'}])['TopicArn']
sub = sns.subscribe(TopicArn=topic, Protocol='sqs', Endpoint='${queueArnOf('q')}', ReturnSubscriptionArn=True,
                    Attributes={'FilterPolicy': '{"kind": ["x"]}'})['SubscriptionArn']
one = sns.publish(TopicArn=topic, Message='m', MessageAttributes={'kind': {'DataType': 'String', 'StringValue': 'x'},
                  'bytes': {'DataType': 'Binary', 'BinaryValue': b'\\x02\\x03\\x04'}})
batch = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[
    {'Id': 'a', 'Message': '1', 'MessageAttributes': {'kind': {'DataType': 'String', 'StringValue': 'x'}}},
    {'Id': 'b', 'Message': '2'}])
try:
    sns.publish(TopicArn=topic + 'none', Message='m')
except sns.exceptions.NotFoundException as error:
    missing = error.response
try:
    sns.publish(TopicArn=topic, Message='m', MessageAttributes={'a': {'DataType': 'String', 'StringValue': ''}})
except sns.exceptions.ParameterValueInvalidException if hasattr(sns.exceptions, 'ParameterValueInvalidException') else sns.exceptions.InvalidParameterValueException as error:
    invalid = error.response
print(json.dumps({
    'topic': sns.get_topic_attributes(TopicArn=topic)['Attributes'],
    'tags': sns.list_tags_for_resource(ResourceArn=topic)['Tags'],
    'sub': sns.get_subscription_attributes(SubscriptionArn=sub)['Attributes'],
    'subs': sns.list_subscriptions_by_topic(TopicArn=topic)['Subscriptions'],
    'topics': sns.list_topics()['Topics'],
    'one': one['MessageId'], 'batch': [e['Id'] for e in batch['Successful']], 'failed': batch['Failed'],
    'missing': [missing['Error'], missing['ResponseMetadata']['HTTPStatusCode']],
    'invalid': invalid['Error'],
}))
`,
  );
  assert.deepEqual(answer.tags, [{ Key: 'a', Value: '1' }]);
  assert.equal((answer.topic as Record<string, string>).DisplayName, 'D');
  assert.equal((answer.sub as Record<string, string>).FilterPolicy, '{"kind": ["x"]}');
  assert.equal((answer.subs as unknown[]).length, 1);
  assert.equal((answer.topics as unknown[]).length, 1);
  assert.deepEqual([answer.batch, answer.failed], [['a', 'b'], []]);
  assert.deepEqual(answer.missing, [
    { Type: 'Sender', Code: 'NotFound', Message: 'Topic does not exist' },
    404,
  ]);
  assert.deepEqual(answer.invalid, {
    Type: 'Sender',
    Code: 'ParameterValueInvalid',
    Message:
      "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'.",
  });
  const [first, second, ...rest] = await drain(m, 'q');
  assert.equal(envelopeOf(first).MessageId, answer.one);
  assert.deepEqual((envelopeOf(first).MessageAttributes as Record<string, unknown>).bytes, {
    Type: 'Binary',
    Value: 'AgME',
  });
  assert.equal(envelopeOf(second).Message, '1');
  assert.equal(rest.length, 0);
});

test('AWS CLI', { skip: withoutCli }, async (t) => {
  const m = await startMessaging(t);
  const cli = (...args: string[]) => runCli<Record<string, string>>(m.endpoint, 'sns', ...args);
  await createQueue(m, 'q.fifo', { FifoQueue: 'true' });
  const created = await cli(
    'create-topic',
    '--name',
    't.fifo',
    '--attributes',
    'FifoTopic=true,ContentBasedDeduplication=true',
  );
  const topic = created?.TopicArn as string;
  await cli(
    'subscribe',
    '--topic-arn',
    topic,
    '--protocol',
    'sqs',
    '--notification-endpoint',
    queueArnOf('q.fifo'),
  );
  const sent = await cli('publish', '--topic-arn', topic, '--message', 'm', '--message-group-id', 'g');
  assert.match(sent?.SequenceNumber ?? '', /^\d{20}$/);
  await m.advance(0);
  assert.equal(envelopeOf((await drain(m, 'q.fifo'))[0]).MessageId, sent?.MessageId);
  await assert.rejects(
    cli('publish', '--topic-arn', topic, '--message', 'm'),
    /\(InvalidParameter\).* The MessageGroupId parameter is required for FIFO topics/,
  );
});

test('bare HTTP: a request is its query, the answer XML', async (t) => {
  const m = await startMessaging(t);
  const topic = await createTopic(m, 't');
  await createQueue(m, 'q');
  await subscribe(m, topic, 'sqs', queueArnOf('q'));
  // Recorded: test_publish_by_path_parameters.
  const query = `Action=Publish&Version=2010-03-31&TopicArn=${encodeURIComponent(topic)}&Message=test+message+direct+post+request`;
  const response = await fetch(`${m.endpoint}/?${query}`, {
    method: 'POST',
    headers: {
      authorization:
        'AWS4-HMAC-SHA256 Credential=test/20300101/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=00',
    },
  });
  assert.equal(response.headers.get('content-type'), 'text/xml');
  const text = await response.text();
  const id = /<MessageId>(.*)<\/MessageId>/.exec(text)?.[1];
  assert.ok(
    text.includes('<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'),
  );
  const [message] = await drain(m, 'q');
  const { MessageId, Message } = envelopeOf(message);
  assert.deepEqual([MessageId, Message], [id, 'test message direct post request']);
});

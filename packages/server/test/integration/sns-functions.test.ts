/** Topics and functions together, on a whole server: subscribed functions, topics as dead-letter queues and destinations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvokeCommand, PutFunctionEventInvokeConfigCommand } from '@aws-sdk/client-lambda';
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { atEnd, type Cleanup } from '../support/cleanup.ts';
import { createClients } from '../support/clients.ts';
import { createFunction, createQueue } from '../support/functions.ts';
import { startInProcess } from '../support/server-inside.ts';

const FAILS = `export const handler = async () => { throw new Error('Test exception (this is intentional)'); };`;
const ECHO = 'export const handler = async (event) => event;';

async function start(t: Cleanup) {
  const server = await startInProcess(t);
  const clients = createClients(t, server.endpoint);
  const sns = new SNSClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  atEnd(t, () => sns.destroy());
  /** The next message of a queue, waiting for it. */
  const next = async (url: string) => {
    for (let tries = 0; tries < 3; tries++) {
      const { Messages } = await clients.sqs.send(
        new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20, MessageAttributeNames: ['All'] }),
      );
      const [message] = Messages ?? [];
      if (!message) continue;
      await clients.sqs.send(
        new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message.ReceiptHandle }),
      );
      return message;
    }
    return assert.fail('nothing came');
  };
  const topic = async (name: string) =>
    (await sns.send(new CreateTopicCommand({ Name: name }))).TopicArn as string;
  const subscribe = async (TopicArn: string, Protocol: string, Endpoint: string, Attributes = {}) =>
    (
      await sns.send(
        new SubscribeCommand({ TopicArn, Protocol, Endpoint, Attributes, ReturnSubscriptionArn: true }),
      )
    ).SubscriptionArn as string;
  return { ...clients, sns, next, topic, subscribe, endpoint: server.endpoint };
}

test('a subscribed function runs with the event of the topic', async (t) => {
  const s = await start(t);
  const topic = await s.topic('t');
  const queue = await createQueue(s, 'done');
  const arn = await createFunction(s, 'f', ECHO);
  await s.lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: 'f',
      DestinationConfig: { OnSuccess: { Destination: queue.arn } },
    }),
  );
  const subscription = await s.subscribe(topic, 'lambda', arn);
  const { MessageId } = await s.sns.send(
    new PublishCommand({
      TopicArn: topic,
      Message: 'Hello world.',
      Subject: 'S',
      MessageAttributes: { a: { DataType: 'String', StringValue: '1' } },
    }),
  );
  const { requestPayload, responsePayload, requestContext } = JSON.parse(
    (await s.next(queue.url)).Body ?? '',
  );
  assert.deepEqual(responsePayload, requestPayload);
  const { Signature, SigningCertUrl, Timestamp, ...sns } = requestPayload.Records[0].Sns;
  assert.ok(Signature && SigningCertUrl && Timestamp);
  assert.deepEqual(
    { ...requestPayload.Records[0], Sns: sns },
    {
      EventSource: 'aws:sns',
      EventVersion: '1.0',
      EventSubscriptionArn: subscription,
      Sns: {
        Type: 'Notification',
        MessageId,
        TopicArn: topic,
        Subject: 'S',
        Message: 'Hello world.',
        SignatureVersion: '1',
        UnsubscribeUrl: `${s.endpoint}/?Action=Unsubscribe&SubscriptionArn=${subscription}`,
        MessageAttributes: { a: { Type: 'String', Value: '1' } },
      },
    },
  );
  assert.equal((await s.control.event(requestContext.requestId))?.fate?.kind, 'Succeeded');
  assert.equal((await s.control.verify()).balanced, true);
});

test('a topic as a function’s dead-letter queue', async (t) => {
  const s = await start(t);
  const [topic, failures] = [await s.topic('t'), await s.topic('failures')];
  const queue = await createQueue(s, 'seen');
  await s.subscribe(failures, 'sqs', queue.arn);
  const arn = await createFunction(s, 'f', FAILS, { DeadLetterConfig: { TargetArn: failures } });
  await s.lambda.send(
    new PutFunctionEventInvokeConfigCommand({ FunctionName: 'f', MaximumRetryAttempts: 0 }),
  );
  await s.subscribe(topic, 'lambda', arn);
  const { MessageId } = await s.sns.send(
    new PublishCommand({ TopicArn: topic, Message: '{"raise_error":1}' }),
  );
  const envelope = JSON.parse((await s.next(queue.url)).Body ?? '');
  const event = JSON.parse(envelope.Message);
  assert.equal(event.Records[0].Sns.MessageId, MessageId);
  const { RequestID, ...attributes } = envelope.MessageAttributes;
  assert.deepEqual(attributes, {
    ErrorCode: { Type: 'Number', Value: '200' },
    ErrorMessage: { Type: 'String', Value: 'Test exception (this is intentional)' },
  });
  assert.equal((await s.control.event(RequestID.Value))?.fate?.kind, 'DeadLettered');
  assert.equal((await s.control.verify()).balanced, true);
});

test('a topic as a destination, and a function that is gone', async (t) => {
  const s = await start(t);
  const records = await s.topic('records');
  const queue = await createQueue(s, 'seen');
  const raw = { RawMessageDelivery: 'true' };
  await s.subscribe(records, 'sqs', queue.arn, raw);
  await createFunction(s, 'f', FAILS);
  await s.lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: 'f',
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: records } },
    }),
  );
  await s.lambda.send(
    new InvokeCommand({ FunctionName: 'f', InvocationType: 'Event', Payload: '{"n":1}' as never }),
  );
  const record = JSON.parse((await s.next(queue.url)).Body ?? '');
  assert.equal(record.requestContext.condition, 'RetriesExhausted');
  assert.deepEqual(record.requestPayload, { n: 1 });

  const dead = await createQueue(s, 'dead');
  const topic = await s.topic('t');
  await s.subscribe(topic, 'lambda', 'arn:aws:lambda:us-east-1:000000000000:function:none', {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn }),
  });
  await s.sns.send(new PublishCommand({ TopicArn: topic, Message: 'to nobody' }));
  assert.equal(JSON.parse((await s.next(dead.url)).Body ?? '').Message, 'to nobody');
});

/** The query protocol of SQS byte by byte: what older clients and curl send and read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Messaging, startMessaging } from '../support/messaging.ts';

async function post(
  m: Messaging,
  parameters: Record<string, string>,
  path = '/',
): Promise<{ status: number; text: string }> {
  const response = await fetch(m.endpoint + path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ Version: '2012-11-05', ...parameters }),
  });
  return { status: response.status, text: await response.text() };
}
async function get(m: Messaging, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(m.endpoint + path);
  return { status: response.status, text: await response.text() };
}
const value = (text: string, tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(text)?.[1];

test('a queue’s life in forms', async (t) => {
  const m = await startMessaging(t);
  const created = await post(m, {
    Action: 'CreateQueue',
    QueueName: 'q',
    'Attribute.1.Name': 'VisibilityTimeout',
    'Attribute.1.Value': '42',
    'Tag.1.Key': 'team',
    'Tag.1.Value': 'a&b',
  });
  assert.equal(created.status, 200);
  assert.match(
    created.text,
    /^<\?xml version="1\.0"\?><CreateQueueResponse xmlns="http:\/\/queue\.amazonaws\.com\/doc\/2012-11-05\/">/,
  );
  assert.equal(value(created.text, 'QueueUrl'), `${m.endpoint}/000000000000/q`);

  const attributes = await get(
    m,
    '/000000000000/q?Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout',
  );
  assert.match(attributes.text, /<Attribute><Name>VisibilityTimeout<\/Name><Value>42<\/Value><\/Attribute>/);
  assert.ok(!attributes.text.includes('QueueArn'));

  const sent = await post(
    m,
    {
      Action: 'SendMessage',
      MessageBody: '"&quot;\r<x>',
      'MessageAttribute.1.Name': 'n',
      'MessageAttribute.1.Value.DataType': 'Number',
      'MessageAttribute.1.Value.StringValue': '1614717034367',
      'MessageAttribute.2.Name': 'b',
      'MessageAttribute.2.Value.DataType': 'Binary',
      'MessageAttribute.2.Value.BinaryValue': Buffer.from([1, 2, 3]).toString('base64'),
    },
    '/000000000000/q',
  );
  assert.equal(sent.status, 200, sent.text);
  assert.match(value(sent.text, 'MessageId') ?? '', /^[0-9a-f-]{36}$/);

  const received = await post(
    m,
    { Action: 'ReceiveMessage', 'AttributeName.1': 'All', 'MessageAttributeName.1': 'All' },
    '/000000000000/q',
  );
  assert.match(received.text, /<ReceiveMessageResponse [^>]*><ReceiveMessageResult><Message>/);
  assert.match(
    received.text,
    /<Body>&quot;&amp;quot;&#xD;&lt;x&gt;<\/Body>|<Body>"&amp;quot;&#x?[dD0-9]+;&lt;x&gt;<\/Body>/,
  );
  assert.equal(value(received.text, 'MD5OfMessageAttributes'), value(sent.text, 'MD5OfMessageAttributes'));
  assert.match(
    received.text,
    /<Attribute><Name>ApproximateReceiveCount<\/Name><Value>1<\/Value><\/Attribute>/,
  );
  assert.match(
    received.text,
    /<MessageAttribute><Name>n<\/Name><Value><StringValue>1614717034367<\/StringValue><DataType>Number<\/DataType><\/Value><\/MessageAttribute>|<DataType>Number<\/DataType>/,
  );

  const nothing = await post(m, { Action: 'ReceiveMessage' }, '/000000000000/q');
  assert.match(nothing.text, /<ReceiveMessageResult\/>|<ReceiveMessageResult><\/ReceiveMessageResult>/);

  const deleted = await post(
    m,
    { Action: 'DeleteMessage', ReceiptHandle: value(received.text, 'ReceiptHandle') ?? '' },
    '/000000000000/q',
  );
  assert.match(deleted.text, /<DeleteMessageResponse [^>]*><ResponseMetadata><RequestId>/);
  assert.equal((await get(m, '/000000000000/q?Action=DeleteQueue')).status, 200);
});

test('batches in forms, with failed entries', async (t) => {
  const m = await startMessaging(t);
  await post(m, { Action: 'CreateQueue', QueueName: 'q' });
  const sent = await post(m, {
    Action: 'SendMessageBatch',
    QueueUrl: `${m.endpoint}/000000000000/q`,
    'SendMessageBatchRequestEntry.1.Id': 'a',
    'SendMessageBatchRequestEntry.1.MessageBody': 'one',
    'SendMessageBatchRequestEntry.2.Id': 'b',
    'SendMessageBatchRequestEntry.2.MessageBody': 'x',
    'SendMessageBatchRequestEntry.2.DelaySeconds': '1800',
  });
  assert.match(sent.text, /<SendMessageBatchResultEntry><Id>a<\/Id>/);
  assert.match(
    sent.text,
    /<BatchResultErrorEntry><Id>b<\/Id><SenderFault>true<\/SenderFault><Code>InvalidParameterValue<\/Code>/,
  );
});

test('errors in XML, with the words of this wire', async (t) => {
  const m = await startMessaging(t);
  const missing = await get(m, '/000000000000/none?Action=GetQueueAttributes&AttributeName.1=QueueArn');
  assert.equal(missing.status, 400);
  assert.match(
    missing.text,
    /<Error><Type>Sender<\/Type><Code>AWS\.SimpleQueueService\.NonExistentQueue<\/Code><Message>The specified queue does not exist for this wsdl version\.<\/Message><Detail\/><\/Error>/,
  );
  await post(m, { Action: 'CreateQueue', QueueName: 'q' });
  const noBody = await get(m, '/000000000000/q?Action=SendMessage');
  assert.match(
    noBody.text,
    /<Code>MissingParameter<\/Code><Message>The request must contain the parameter MessageBody\.<\/Message>/,
  );
  const unknown = await get(m, '/000000000000/q?Action=GetQueueAttributes&AttributeName.1=Foobar');
  assert.match(
    unknown.text,
    /<Code>InvalidAttributeName<\/Code><Message>Unknown Attribute Foobar\.<\/Message>/,
  );
  const action = await get(m, '/000000000000/q?Action=FooBar');
  assert.match(
    action.text,
    /<Code>InvalidAction<\/Code><Message>The action FooBar is not valid for this endpoint\.<\/Message>/,
  );
  const purged = await post(m, { Action: 'PurgeQueue' }, '/000000000000/q');
  assert.equal(purged.status, 200);
  const again = await post(m, { Action: 'PurgeQueue' }, '/000000000000/q');
  assert.equal(again.status, 403);
  assert.equal(value(again.text, 'Code'), 'AWS.SimpleQueueService.PurgeQueueInProgress');
});

test('the code of the query protocol beside a JSON error', async (t) => {
  const m = await startMessaging(t);
  const response = await fetch(m.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.GetQueueUrl' },
    body: '{"QueueName":"none"}',
  });
  assert.equal(response.status, 400);
  assert.equal(response.headers.get('x-amzn-query-error'), 'AWS.SimpleQueueService.NonExistentQueue;Sender');
  assert.deepEqual(await response.json(), {
    __type: 'com.amazonaws.sqs#QueueDoesNotExist',
    message: 'The specified queue does not exist.',
  });
});

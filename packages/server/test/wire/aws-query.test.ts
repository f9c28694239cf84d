/** The query protocol: SNS's client speaks it, SQS's and CloudWatch's are told to, and forms by hand. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import { CreateTopicCommand, PublishBatchCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { AwsQueryProtocol } from '@aws-sdk/core/protocols';
import { ApiError } from '../../src/protocol/error.ts';
import { rawRequest } from '../support/raw-request.ts';
import { type FakeService, type Front, refused, startFront } from './front.ts';

let front: Front;
let open: Front;
let sns: SNSClient;
let sqs: SQSClient;
let cloudwatch: CloudWatchClient;

const SERVICES: FakeService[] = [
  {
    name: 'sns',
    operations: {
      CreateTopic: { TopicArn: 'arn:aws:sns:eu-west-1:000000000000:t' },
      Publish: { MessageId: 'id' },
      PublishBatch: { Successful: [{ Id: '1', MessageId: 'm' }], Failed: [] },
    },
  },
  {
    name: 'sqs',
    errors: {
      QueueDoesNotExist: {
        status: 400,
        fault: 'client',
        queryCode: 'AWS.SimpleQueueService.NonExistentQueue',
      },
    },
    operations: {
      SendMessage: { MessageId: 'id', MD5OfMessageBody: '5d41402abc4b2a76b9719d911017c592' },
      SendMessageBatch: { Successful: [{ Id: 'a', MessageId: 'm', MD5OfMessageBody: 'x' }], Failed: [] },
      DeleteMessage: () => undefined as never,
      CreateQueue: { QueueUrl: 'http://q' },
      GetQueueAttributes: { Attributes: { VisibilityTimeout: '30', Policy: '{"a":"<&>"}' } },
      ReceiveMessage: {
        Messages: [
          {
            MessageId: 'm1',
            Body: 'a <b> & "c"\r\nd é',
            Attributes: { SentTimestamp: '1', SenderId: 'x' },
            MessageAttributes: { k: { DataType: 'Binary', BinaryValue: Buffer.from([0, 255]) } },
          },
          { MessageId: 'm2', Body: '' },
        ],
      },
      GetQueueUrl: () => {
        throw new ApiError('QueueDoesNotExist', 'The specified queue does not exist for this wsdl version.');
      },
    },
  },
  {
    name: 'cloudwatch',
    operations: {
      PutMetricData: () => undefined as never,
      PutMetricAlarm: () => undefined as never,
      DescribeAlarms: {
        MetricAlarms: [
          {
            AlarmName: 'a',
            Threshold: 21.5,
            ActionsEnabled: false,
            StateUpdatedTimestamp: 1_790_312_384.592,
            Dimensions: [{ Name: 'n', Value: 'v' }],
            OKActions: [],
          },
        ],
        CompositeAlarms: [],
      },
    },
  },
];

before(async () => {
  front = await startFront(SERVICES);
  open = await startFront(SERVICES, { auth: { mode: 'open' } });
  sns = new SNSClient(front.client);
  const query = (namespace: string, xmlNamespace: string, version: string) =>
    new AwsQueryProtocol({ defaultNamespace: namespace, xmlNamespace, version, errorTypeRegistries: [] });
  sqs = new SQSClient({
    ...front.client,
    md5: false,
    protocol: query('com.amazonaws.sqs', 'http://queue.amazonaws.com/doc/2012-11-05/', '2012-11-05'),
  });
  cloudwatch = new CloudWatchClient({
    ...front.client,
    protocol: query(
      'com.amazonaws.cloudwatch',
      'http://monitoring.amazonaws.com/doc/2010-08-01/',
      '2010-08-01',
    ),
  });
});
after(async () => {
  for (const client of [sns, sqs, cloudwatch]) client.destroy();
  await front.close();
  await open.close();
});

const QueueUrl = 'http://127.0.0.1/000000000000/q';

test('SNS: wrapped lists and maps', async () => {
  const created = await sns.send(
    new CreateTopicCommand({
      Name: 't',
      Attributes: { FifoTopic: 'true', 'a.b': 'c=d&e' },
      Tags: [
        { Key: 'k1', Value: 'v1' },
        { Key: 'k2', Value: '' },
      ],
    }),
  );
  assert.equal(created.TopicArn, 'arn:aws:sns:eu-west-1:000000000000:t');
  assert.deepEqual(front.last().input, {
    Name: 't',
    Attributes: { FifoTopic: 'true', 'a.b': 'c=d&e' },
    Tags: [
      { Key: 'k1', Value: 'v1' },
      { Key: 'k2', Value: '' },
    ],
  });
  assert.equal(front.last().context.wire, 'query');
  await sns.send(
    new PublishCommand({
      TopicArn: 'arn:aws:sns:eu-west-1:000000000000:t',
      Message: 'é + % \n',
      MessageAttributes: { b: { DataType: 'Binary', BinaryValue: Buffer.from([0, 1]) } },
    }),
  );
  assert.equal(front.last().input.Message, 'é + % \n');
  assert.deepEqual(front.last().input.MessageAttributes.b.BinaryValue, Buffer.from([0, 1]));
  const entries = Array.from({ length: 10 }, (_, i) => ({ Id: `${i}`, Message: `m${i}` }));
  const batch = await sns.send(
    new PublishBatchCommand({ TopicArn: 'arn:a', PublishBatchRequestEntries: entries }),
  );
  // Ten entries: `member.10` comes after `member.9`.
  assert.deepEqual(front.last().input.PublishBatchRequestEntries, entries);
  assert.deepEqual(batch.Successful, [{ Id: '1', MessageId: 'm' }]);
});

test('SQS: flattened lists and maps under their XML names', async () => {
  await sqs.send(
    new SendMessageCommand({
      QueueUrl,
      MessageBody: 'hello',
      DelaySeconds: 3,
      MessageAttributes: {
        a: { DataType: 'String', StringValue: 's' },
        z: { DataType: 'Number', StringValue: '1' },
      },
    }),
  );
  assert.deepEqual(front.last().input, {
    QueueUrl,
    MessageBody: 'hello',
    DelaySeconds: 3,
    MessageAttributes: {
      a: { DataType: 'String', StringValue: 's' },
      z: { DataType: 'Number', StringValue: '1' },
    },
  });
  await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl,
      Entries: [
        { Id: 'a', MessageBody: '1' },
        { Id: 'b', MessageBody: '2', MessageAttributes: { k: { DataType: 'String', StringValue: 'v' } } },
      ],
    }),
  );
  assert.deepEqual(front.last().input.Entries, [
    { Id: 'a', MessageBody: '1' },
    { Id: 'b', MessageBody: '2', MessageAttributes: { k: { DataType: 'String', StringValue: 'v' } } },
  ]);
  await sqs.send(
    new CreateQueueCommand({ QueueName: 'q', Attributes: { DelaySeconds: '1' }, tags: { team: 'x' } }),
  );
  assert.deepEqual(front.last().input, {
    QueueName: 'q',
    Attributes: { DelaySeconds: '1' },
    tags: { team: 'x' },
  });
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'h' }));
});

test('SQS: replies with markup, carriage returns, binary values and empty strings', async () => {
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['a', 'b'],
    }),
  );
  assert.deepEqual(front.last().input.MessageSystemAttributeNames, ['All']);
  assert.deepEqual(front.last().input.MessageAttributeNames, ['a', 'b']);
  assert.equal(Messages!.length, 2);
  assert.equal(Messages![0]!.Body, 'a <b> & "c"\r\nd é');
  assert.deepEqual(Messages![0]!.Attributes, { SentTimestamp: '1', SenderId: 'x' });
  assert.deepEqual(Messages![0]!.MessageAttributes!.k!.BinaryValue, new Uint8Array([0, 255]));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  assert.deepEqual(Attributes, { VisibilityTimeout: '30', Policy: '{"a":"<&>"}' });
});

test('CloudWatch: numbers, dates, nested lists, empty lists', async () => {
  await cloudwatch.send(
    new PutMetricDataCommand({
      Namespace: 'n',
      MetricData: [
        {
          MetricName: 'm',
          Timestamp: new Date(1_790_312_384_000),
          Values: [1, 2.5, -3e-7],
          Counts: [1, 1, 2],
          Dimensions: [{ Name: 'd', Value: 'v' }],
          StorageResolution: 1,
        },
      ],
    }),
  );
  assert.deepEqual(front.last().input.MetricData, [
    {
      MetricName: 'm',
      Timestamp: 1_790_312_384,
      Values: [1, 2.5, -3e-7],
      Counts: [1, 1, 2],
      Dimensions: [{ Name: 'd', Value: 'v' }],
      StorageResolution: 1,
    },
  ]);
  const { MetricAlarms, CompositeAlarms } = await cloudwatch.send(new DescribeAlarmsCommand({}));
  assert.deepEqual(CompositeAlarms, []);
  assert.equal(MetricAlarms![0]!.Threshold, 21.5);
  assert.equal(MetricAlarms![0]!.ActionsEnabled, false);
  assert.equal(MetricAlarms![0]!.StateUpdatedTimestamp!.getTime(), 1_790_312_384_592);
  assert.deepEqual(MetricAlarms![0]!.Dimensions, [{ Name: 'n', Value: 'v' }]);
});

test('CloudWatch: constraints and what is missing', async () => {
  const invalid = await refused(
    cloudwatch.send(
      new PutMetricAlarmCommand({
        AlarmName: 'a',
        EvaluationPeriods: 0,
        ComparisonOperator: 'LessThanThreshold',
        Unit: 'Parsecs' as never,
      }),
    ),
  );
  assert.equal(invalid.$metadata.httpStatusCode, 400);
  assert.match(
    invalid.message,
    /^2 validation errors detected: Value 'Parsecs' at 'unit' failed to satisfy constraint: Member must satisfy enum value set: \[Seconds, .*; Value '0' at 'evaluationPeriods' failed to satisfy constraint: Member must have value greater than or equal to 1$/,
  );
  const missing = await refused(
    cloudwatch.send(
      new PutMetricDataCommand({ Namespace: 'n', MetricData: [{ MetricName: undefined, Value: 1 }] }),
    ),
  );
  assert.equal(missing.name, 'MissingRequiredParameterException');
  assert.equal(missing.message, 'The parameter MetricData.member.1.MetricName is required.');
});

const form = (path: string, body: string) =>
  rawRequest(open.port, {
    path,
    headers: [['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8']],
    body,
  });

test('the reply of an operation, byte for byte', async () => {
  const reply = await form(
    '/',
    'Action=SendMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Fq&MessageBody=a+b%20c',
  );
  assert.equal(reply.status, 200);
  assert.equal(reply.headers['content-type'], 'text/xml');
  assert.equal(open.last().input.MessageBody, 'a b c');
  assert.equal(
    reply.body,
    `<?xml version="1.0"?><SendMessageResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><SendMessageResult><MD5OfMessageBody>5d41402abc4b2a76b9719d911017c592</MD5OfMessageBody><MessageId>id</MessageId></SendMessageResult><ResponseMetadata><RequestId>${reply.headers['x-amzn-requestid']}</RequestId></ResponseMetadata></SendMessageResponse>`,
  );
});

test('an error, byte for byte', async () => {
  const reply = await form('/', 'Action=GetQueueUrl&Version=2012-11-05&QueueName=q');
  assert.equal(reply.status, 400);
  assert.equal(
    reply.body,
    `<?xml version="1.0"?><ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not exist for this wsdl version.</Message><Detail/></Error><RequestId>${reply.headers['x-amzn-requestid']}</RequestId></ErrorResponse>`,
  );
});

test('a queue named by the path, with the action in the body or in the query', async () => {
  await form('/000000000000/orders', 'Action=DeleteMessage&ReceiptHandle=h');
  assert.equal(open.last().input.QueueUrl, 'http://127.0.0.1/000000000000/orders');
  const get = await rawRequest(open.port, {
    method: 'GET',
    path: '/000000000000/orders?Action=SendMessage&MessageBody=hi%26there&Version=2012-11-05',
    headers: [['Host', 'queue.localhost:4566']],
  });
  assert.equal(get.status, 200);
  assert.deepEqual(open.last().input, {
    QueueUrl: 'http://queue.localhost:4566/000000000000/orders',
    MessageBody: 'hi&there',
  });
});

test('lists in the other style are understood', async () => {
  await form(
    '/',
    'Action=ReceiveMessage&QueueUrl=q&AttributeName.member.1=All&MessageAttributeName.2=b&MessageAttributeName.1=a',
  );
  assert.deepEqual(open.last().input.AttributeNames, ['All']);
  assert.deepEqual(open.last().input.MessageAttributeNames, ['a', 'b']);
});

test('unsigned forms find their service by version, path or action', async () => {
  await form('/', 'Action=Publish&Version=2010-03-31&Message=m');
  assert.equal(open.last().service, 'sns');
  await form('/', 'Action=PutMetricData&Namespace=n');
  assert.equal(open.last().service, 'cloudwatch');
});

test('unknown and missing actions', async () => {
  const unknown = await form('/', 'Action=SendMesage&Version=2012-11-05');
  assert.equal(unknown.status, 404);
  assert.match(
    unknown.body,
    /<Code>InvalidAction<\/Code><Message>The action SendMesage is not valid for this endpoint\.</,
  );
  const missing = await form('/', 'Version=2012-11-05');
  assert.equal(missing.status, 400);
  assert.match(missing.body, /<Code>MissingAction<\/Code>/);
});

test('a violated constraint has the code of the query protocol', async () => {
  const reply = await form('/', 'Action=DescribeAlarms&Version=2010-08-01&StateValue=BAD&MaxRecords=0');
  assert.equal(reply.status, 400);
  assert.match(
    reply.body,
    /<Type>Sender<\/Type><Code>ValidationError<\/Code><Message>2 validation errors detected: /,
  );
});

test('malformed forms are refused, not guessed at', async () => {
  for (const body of [
    'Action=SendMessage&QueueUrl=q&MessageBody=%zz',
    'Action=SendMessage&QueueUrl=q&MessageBody=m&DelaySeconds=soon',
    'Action=SendMessage&QueueUrl=q&MessageBody=m&DelaySeconds=1.5',
    'Action=SendMessage&QueueUrl=q&MessageBody=m&MessageAttribute.1.Name=n',
    `Action=SendMessage&QueueUrl=q&MessageBody=m&${'a.'.repeat(40)}b=1`,
  ]) {
    const reply = await form('/', body);
    assert.equal(reply.status, 400, body);
    assert.match(reply.body, /<Code>MalformedInput<\/Code>/, body);
  }
});

/** AWS JSON with the SDK's SQS (1.0) and Logs (1.1) clients. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  DescribeLogGroupsCommand,
  GetLogEventsCommand,
  StartLiveTailCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { ApiError } from '../../src/protocol/error.ts';
import { rawRequest } from '../support/raw-request.ts';
import { type Front, refused, startFront } from './front.ts';

let front: Front;
let sqs: SQSClient;
let logs: CloudWatchLogsClient;

before(async () => {
  front = await startFront([
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
        SendMessage: { MessageId: 'id' },
        SendMessageBatch: { Successful: [], Failed: [] },
        ReceiveMessage: {
          Messages: [
            {
              MessageId: 'm',
              Body: 'b',
              Attributes: { ApproximateReceiveCount: '1' },
              MessageAttributes: { k: { DataType: 'Binary', BinaryValue: Buffer.from([0, 1, 255]) } },
            },
          ],
        },
        GetQueueUrl: () => {
          throw new ApiError('QueueDoesNotExist', 'The specified queue does not exist.');
        },
      },
    },
    {
      name: 'logs',
      operations: {
        CreateLogGroup: () => undefined as never,
        DescribeLogGroups: { logGroups: [] },
        GetLogEvents: { events: [{ timestamp: 1_790_000_000_123, message: 'm' }] },
        StartLiveTail: () => ({
          responseStream: (async function* () {
            yield { sessionStart: { sessionId: 's', logGroupIdentifiers: ['g'] } };
            yield { sessionUpdate: { sessionResults: [{ message: 'hello', timestamp: 5 }] } };
            yield { SessionTimeoutException: { message: 'over' } };
          })(),
        }),
      },
    },
  ]);
  sqs = new SQSClient({ ...front.client, md5: false });
  logs = new CloudWatchLogsClient({ ...front.client, disableHostPrefix: true });
});
after(async () => {
  sqs.destroy();
  logs.destroy();
  await front.close();
});

const QueueUrl = 'http://127.0.0.1/000000000000/q';

test('SQS: input and output with attributes', async () => {
  const reply = await sqs.send(
    new SendMessageCommand({
      QueueUrl,
      MessageBody: 'häl\u2028lo',
      DelaySeconds: 0,
      MessageAttributes: {
        b: { DataType: 'Binary', BinaryValue: Buffer.from([1, 2]) },
        __proto__x: { DataType: 'String', StringValue: 's' },
      },
    }),
  );
  assert.equal(reply.MessageId, 'id');
  const { input, context } = front.last();
  assert.equal(context.wire, 'json');
  assert.equal(input.MessageBody, 'häl\u2028lo');
  assert.equal(input.DelaySeconds, 0);
  assert.deepEqual(input.MessageAttributes.b.BinaryValue, Buffer.from([1, 2]));
  assert.equal(input.MessageAttributes.__proto__x.StringValue, 's');
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  assert.deepEqual(Messages![0]!.MessageAttributes!.k!.BinaryValue, new Uint8Array([0, 1, 255]));
  assert.deepEqual(Messages![0]!.Attributes, { ApproximateReceiveCount: '1' });
});

test('SQS: an error has its query code in a header and its namespace in the body', async () => {
  const error = await refused(sqs.send(new GetQueueUrlCommand({ QueueName: 'none' })));
  assert.equal(error.name, 'QueueDoesNotExist');
  assert.equal(error.message, 'The specified queue does not exist.');
  const open = await startFront(
    [
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
          GetQueueUrl: () => {
            throw new ApiError('QueueDoesNotExist', 'The specified queue does not exist.');
          },
        },
      },
    ],
    { auth: { mode: 'open' } },
  );
  try {
    const reply = await rawRequest(open.port, {
      headers: [
        ['X-Amz-Target', 'AmazonSQS.GetQueueUrl'],
        ['Content-Type', 'application/x-amz-json-1.0'],
      ],
      body: '{"QueueName":"none"}',
    });
    assert.equal(reply.status, 400);
    assert.equal(reply.headers['content-type'], 'application/x-amz-json-1.0');
    assert.equal(reply.headers['x-amzn-query-error'], 'AWS.SimpleQueueService.NonExistentQueue;Sender');
    assert.equal(
      reply.body,
      '{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}',
    );
  } finally {
    await open.close();
  }
});

test('SQS: what is missing is named in its own words', async () => {
  const noBody = await refused(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: undefined })));
  assert.equal(noBody.name, 'MissingParameter');
  assert.equal(noBody.message, 'The request must contain the parameter MessageBody.');
  const noEntries = await refused(sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: undefined })));
  assert.equal(noEntries.name, 'EmptyBatchRequest');
  assert.equal(
    noEntries.message,
    'There should be at least one SendMessageBatchRequestEntry in the request.',
  );
});

test('Logs: 1.1, empty outputs, lists, longs', async () => {
  await logs.send(new CreateLogGroupCommand({ logGroupName: '/aws/lambda/f' }));
  assert.deepEqual(front.last().input, { logGroupName: '/aws/lambda/f' });
  const { logGroups } = await logs.send(new DescribeLogGroupsCommand({}));
  assert.deepEqual(logGroups, []);
  const { events } = await logs.send(
    new GetLogEventsCommand({ logGroupName: 'g', logStreamName: 's', startTime: 1_790_000_000_000 }),
  );
  assert.equal(front.last().input.startTime, 1_790_000_000_000);
  assert.equal(events![0]!.timestamp, 1_790_000_000_123);
});

test('Logs: a violated constraint is an InvalidParameterException with the words of validation', async () => {
  const error = await refused(
    logs.send(new GetLogEventsCommand({ logGroupName: 'g', logStreamName: 's', limit: 10_001 })),
  );
  assert.equal(error.name, 'InvalidParameterException');
  assert.equal(
    error.message,
    "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000",
  );
});

test('Logs: a live tail streams its events and ends with its exception', async () => {
  const { responseStream } = await logs.send(new StartLiveTailCommand({ logGroupIdentifiers: ['g'] }));
  const seen: string[] = [];
  const error = await refused(
    (async () => {
      for await (const event of responseStream!) seen.push(JSON.stringify(event));
    })(),
  );
  assert.deepEqual(seen, [
    '{"sessionStart":{"sessionId":"s","logGroupIdentifiers":["g"]}}',
    '{"sessionUpdate":{"sessionResults":[{"message":"hello","timestamp":5}]}}',
  ]);
  assert.equal(error.name, 'SessionTimeoutException');
  assert.equal(error.message, 'over');
});

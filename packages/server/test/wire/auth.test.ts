/** Authentication as clients meet it: who is let in, who is turned away, and when. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { formatRequest, openConnection, rawRequest } from '../support/raw-request.ts';
import { ACCESS_KEY, type Front, refused, SECRET, startFront } from './front.ts';

const SERVICES = [
  { name: 'lambda', operations: { ListFunctions: { Functions: [] }, CreateFunction: {}, Invoke: {} } },
  { name: 'sqs', operations: { ListQueues: {} } },
  { name: 'sns', operations: { ListTopics: {} } },
  { name: 'logs', operations: { DescribeLogGroups: {} } },
] as const;

let keys: Front;
let open: Front;
before(async () => {
  keys = await startFront(SERVICES);
  open = await startFront(SERVICES, { auth: { mode: 'open' } });
});
after(async () => {
  await keys.close();
  await open.close();
});

const calls = {
  lambda: (config: object) => new LambdaClient(config).send(new ListFunctionsCommand({})),
  sqs: (config: object) => new SQSClient(config).send(new ListQueuesCommand({})),
  sns: (config: object) => new SNSClient(config).send(new ListTopicsCommand({})),
  logs: (config: object) => new CloudWatchLogsClient(config).send(new DescribeLogGroupsCommand({})),
} as const;
/** The same refusal has another name in the query protocol and in what is compatible with it. */
const NAMES = {
  lambda: ['InvalidSignatureException', 'UnrecognizedClientException'],
  sqs: ['SignatureDoesNotMatch', 'InvalidClientTokenId'],
  sns: ['SignatureDoesNotMatch', 'InvalidClientTokenId'],
  logs: ['InvalidSignatureException', 'UnrecognizedClientException'],
} as const;

for (const service of Object.keys(calls) as (keyof typeof calls)[]) {
  test(`${service}: the right key is let in, a wrong secret and an unknown key are not`, async () => {
    await calls[service](keys.client);
    const withKey = (accessKeyId: string, secretAccessKey: string) => ({
      ...keys.client,
      credentials: { accessKeyId, secretAccessKey },
    });
    const wrong = await refused(calls[service](withKey(ACCESS_KEY, 'wrong')));
    assert.equal(wrong.name, NAMES[service][0]);
    assert.equal(wrong.$metadata.httpStatusCode, 403);
    const unknown = await refused(calls[service](withKey('AKIAUNKNOWN', SECRET)));
    assert.equal(unknown.name, NAMES[service][1]);
    assert.equal(unknown.message, 'The security token included in the request is invalid.');
  });
}

test('without a signature nothing is let in', async () => {
  const lambda = await rawRequest(keys.port, { method: 'GET', path: '/2015-03-31/functions' });
  assert.equal(lambda.status, 403);
  assert.equal(lambda.headers['x-amzn-errortype'], 'MissingAuthenticationTokenException');
  const sqs = await rawRequest(keys.port, {
    headers: [['X-Amz-Target', 'AmazonSQS.ListQueues']],
    body: '{}',
  });
  assert.equal(sqs.status, 403);
  assert.equal(sqs.headers['x-amzn-query-error'], 'MissingAuthenticationToken;Sender');
  const form = await rawRequest(keys.port, {
    headers: [['Content-Type', 'application/x-www-form-urlencoded']],
    body: 'Action=ListTopics&Version=2010-03-31',
  });
  assert.equal(form.status, 403);
  assert.match(form.body, /<Code>MissingAuthenticationToken<\/Code>/);
});

test('strangers with a large body are turned away before they send it', async () => {
  const connection = await openConnection(keys.port);
  connection.socket.write(
    formatRequest({ path: '/2015-03-31/functions', headers: [['Content-Length', '70000000']] }),
  );
  await connection.closed;
  assert.match(connection.text(), /^HTTP\/1\.1 403 .*MissingAuthenticationTokenException/s);
});

test('an open server asks for nothing, and takes region and caller from the scope', async () => {
  await calls.sqs({
    ...open.client,
    region: 'ap-south-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'x' },
  });
  assert.equal(open.last().context.region, 'ap-south-1');
  assert.equal(open.last().context.accessKeyId, 'any');
  const reply = await rawRequest(open.port, { method: 'GET', path: '/2015-03-31/functions' });
  assert.equal(reply.status, 200);
  assert.equal(open.last().context.region, 'us-east-1');
  assert.equal(open.last().context.accessKeyId, undefined);
  assert.equal(open.last().context.callerArn, 'arn:aws:iam::000000000000:root');
});

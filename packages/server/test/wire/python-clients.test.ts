/** boto3 and the AWS CLI, where they are installed: other people's serialisers and signers on every protocol. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ApiError } from '../../src/protocol/error.ts';
import { ACCESS_KEY, type Front, SECRET, startFront } from './front.ts';

const run = promisify(execFile);

async function has(command: string, ...args: string[]): Promise<boolean> {
  return run(command, args).then(
    () => true,
    () => false,
  );
}
const boto = (await has('python3', '-c', 'import boto3')) ? false : 'BOTO3 IS MISSING';
const cli = (await has('aws', '--version')) ? false : 'THE AWS CLI IS MISSING';

let front: Front;
before(async () => {
  front = await startFront([
    {
      name: 'lambda',
      errors: {
        ResourceNotFoundException: { status: 404, fault: 'client', messageMember: 'Message', type: 'User' },
      },
      operations: {
        Invoke: { StatusCode: 200, ExecutedVersion: '1', LogResult: 'bG9n', Payload: '{"ok":true}' },
        InvokeAsync: { Status: 202 },
        ListFunctions: { Functions: [{ FunctionName: 'f', Timeout: 3 }] },
        UntagResource: () => undefined as never,
        GetFunction: () => {
          throw new ApiError('ResourceNotFoundException', 'Function not found: f');
        },
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
        SendMessage: { MessageId: 'id', MD5OfMessageBody: '0d62f03bd1c3a8eb5c4fde3b3f0ff0b9' },
        ReceiveMessage: { Messages: [{ MessageId: 'm', Body: 'b', ReceiptHandle: 'h' }] },
        GetQueueUrl: () => {
          throw new ApiError('QueueDoesNotExist', 'The specified queue does not exist.');
        },
      },
    },
    {
      name: 'sns',
      operations: {
        Publish: { MessageId: 'id' },
        ListTopics: { Topics: [{ TopicArn: 'arn:aws:sns:eu-west-1:000000000000:t' }] },
      },
    },
    {
      name: 'cloudwatch',
      operations: {
        PutMetricData: () => undefined as never,
        DescribeAlarms: {
          MetricAlarms: [{ AlarmName: 'a', Threshold: 1.5, StateUpdatedTimestamp: 1_790_312_384 }],
          CompositeAlarms: [],
        },
      },
    },
    {
      name: 'logs',
      operations: { DescribeLogGroups: { logGroups: [{ logGroupName: 'g', storedBytes: 5 }] } },
    },
  ]);
});
after(() => front.close());

const env = () => ({
  ...process.env,
  AWS_ACCESS_KEY_ID: ACCESS_KEY,
  AWS_SECRET_ACCESS_KEY: SECRET,
  AWS_SESSION_TOKEN: 'token/with+signs==',
  AWS_DEFAULT_REGION: 'eu-west-1',
  AWS_MAX_ATTEMPTS: '1',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_PAGER: '',
});

async function python(script: string): Promise<unknown> {
  const head = `import boto3, json, datetime\nfrom botocore.exceptions import ClientError\ndef client(name): return boto3.client(name, endpoint_url='${front.endpoint}')\n`;
  const { stdout } = await run('python3', ['-c', head + script], { env: env() });
  return JSON.parse(stdout);
}

test('boto3: Lambda', { skip: boto }, async () => {
  const answer = await python(`
c = client('lambda')
r = c.invoke(FunctionName='arn:aws:lambda:eu-west-1:000000000000:function:f:live', Payload=b'{"a": 1}', LogType='Tail')
c.untag_resource(Resource='arn:aws:lambda:eu-west-1:000000000000:function:f', TagKeys=['a b', 'c/d'])
a = c.invoke_async(FunctionName='f', InvokeArgs=b'{}')
names = [f['FunctionName'] for f in c.list_functions(MaxItems=5)['Functions']]
try: c.get_function(FunctionName='f')
except ClientError as e: error = e.response
print(json.dumps([r['StatusCode'], r['Payload'].read().decode(), r['LogResult'], a['Status'], names, error['Error']['Code'], error['Error']['Message'], error['ResponseMetadata']['HTTPStatusCode']]))
`);
  assert.deepEqual(answer, [
    200,
    '{"ok":true}',
    'bG9n',
    202,
    ['f'],
    'ResourceNotFoundException',
    'Function not found: f',
    404,
  ]);
  const untag = front.calls.find((call) => call.operation === 'UntagResource')!;
  assert.deepEqual(untag.input.TagKeys, ['a b', 'c/d']);
});

test('boto3: SQS, SNS, CloudWatch, Logs', { skip: boto }, async () => {
  const answer = await python(`
sqs = client('sqs')
m = sqs.receive_message(QueueUrl='${front.endpoint}/000000000000/q', MessageAttributeNames=['All'], WaitTimeSeconds=0)['Messages']
try: sqs.get_queue_url(QueueName='none')
except sqs.exceptions.QueueDoesNotExist as e: code = e.response['Error']['Code']
sns = client('sns')
p = sns.publish(TopicArn='arn:aws:sns:eu-west-1:000000000000:t', Message='é', MessageAttributes={'k': {'DataType': 'Binary', 'BinaryValue': b'\\x00\\xff'}})
t = [x['TopicArn'] for x in sns.list_topics()['Topics']]
cw = client('cloudwatch')
cw.put_metric_data(Namespace='n', MetricData=[{'MetricName': 'm', 'Value': 1.5, 'Timestamp': datetime.datetime(2026, 9, 25, 4, 59, 44, tzinfo=datetime.timezone.utc)}])
alarm = cw.describe_alarms()['MetricAlarms'][0]
groups = client('logs').describe_log_groups()['logGroups']
print(json.dumps([m, code, p['MessageId'], t, alarm['Threshold'], alarm['StateUpdatedTimestamp'].timestamp(), groups]))
`);
  assert.deepEqual(answer, [
    [{ MessageId: 'm', Body: 'b', ReceiptHandle: 'h' }],
    'AWS.SimpleQueueService.NonExistentQueue',
    'id',
    ['arn:aws:sns:eu-west-1:000000000000:t'],
    1.5,
    1_790_312_384,
    [{ logGroupName: 'g', storedBytes: 5 }],
  ]);
  const put = front.calls.find((call) => call.operation === 'PutMetricData')!;
  assert.equal(put.input.MetricData[0].Timestamp, 1_790_312_384);
});

test('boto3: a presigned URL', { skip: boto }, async () => {
  const answer = await python(`
import urllib.request
url = client('sqs').generate_presigned_url('receive_message', Params={'QueueUrl': '${front.endpoint}/000000000000/q'}, ExpiresIn=60)
url2 = client('lambda').generate_presigned_url('list_functions', Params={'MaxItems': 3}, ExpiresIn=60)
print(json.dumps([urllib.request.urlopen(url2).status, json.load(urllib.request.urlopen(url2))]))
`);
  assert.deepEqual(answer, [200, { Functions: [{ FunctionName: 'f', Timeout: 3 }] }]);
  assert.equal(front.last().input.MaxItems, 3);
});

test('the AWS CLI: all five services', { skip: cli }, async () => {
  const aws = async (...args: string[]) => {
    const { stdout } = await run('aws', ['--endpoint-url', front.endpoint, '--output', 'json', ...args], {
      env: env(),
    });
    return stdout === '' ? undefined : JSON.parse(stdout);
  };
  const functions = await aws('lambda', 'list-functions');
  assert.equal(functions.Functions[0].Timeout, 3);
  const messages = await aws('sqs', 'receive-message', '--queue-url', `${front.endpoint}/000000000000/q`);
  assert.equal(messages.Messages[0].Body, 'b');
  const alarms = await aws('cloudwatch', 'describe-alarms');
  assert.equal(alarms.MetricAlarms[0].Threshold, 1.5);
  const topics = await aws('sns', 'list-topics');
  assert.equal(topics.Topics.length, 1);
  const groups = await aws('logs', 'describe-log-groups');
  assert.equal(groups.logGroups[0].storedBytes, 5);
  await assert.rejects(
    aws('lambda', 'get-function', '--function-name', 'f'),
    /ResourceNotFoundException.*Function not found: f/s,
  );
});

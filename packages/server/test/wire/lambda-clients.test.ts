/** Lambda as boto3 and the AWS CLI speak it. Skipped, and said so, where they are not installed. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import type { Cleanup } from '../support/cleanup.ts';
import { createQueue } from '../support/functions.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { startLambdaWire } from './lambda-support.ts';

const has = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;
const boto3 = has('python3', '-c', 'import boto3') ? false : 'boto3 is not installed';
const cli = has('aws', '--version') ? false : 'the AWS CLI is not installed';

const wire = await startLambdaWire();
const folder = await tempFolder({ after } as Cleanup);
const zip = join(folder, 'function.zip');
await writeFile(zip, wire.zip);
const environment = {
  ...process.env,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_ENDPOINT_URL: wire.endpoint,
  AWS_MAX_ATTEMPTS: '1',
  AWS_PAGER: '',
};
const run = promisify(execFile);

const SCRIPT = `
import base64, boto3, json, sys
from botocore.exceptions import ClientError
zip_file, queue_arn = sys.argv[1:]
client = boto3.client('lambda')
code = {'ZipFile': open(zip_file, 'rb').read()}
role = 'arn:aws:iam::000000000000:role/test'
made = client.create_function(FunctionName='boto', Runtime='nodejs24.x', Handler='index.handler', Role=role,
    Code=code, DeadLetterConfig={'TargetArn': queue_arn}, Timeout=10, Publish=True, Tags={'a': 'b'})
client.get_waiter('function_active_v2').wait(FunctionName='boto', WaiterConfig={'Delay': 1, 'MaxAttempts': 5})
out = {'created': [made['State'], made['Version'], made['ResponseMetadata']['HTTPStatusCode']]}
answer = client.invoke(FunctionName='boto', Payload=b'{"x": 1}', LogType='Tail')
out['invoked'] = [answer['StatusCode'], answer['ExecutedVersion'], json.loads(answer['Payload'].read())]
out['log'] = 'START RequestId' in base64.b64decode(answer['LogResult']).decode()
out['event'] = client.invoke(FunctionName='boto', InvocationType='Event', Payload=b'{}')['StatusCode']
out['dry'] = client.invoke(FunctionName='boto', InvocationType='DryRun')['StatusCode']
put = client.put_function_event_invoke_config(FunctionName='boto', MaximumRetryAttempts=1,
    DestinationConfig={'OnFailure': {'Destination': queue_arn}})
out['config'] = [put['MaximumRetryAttempts'], put['DestinationConfig'], put['LastModified'].year > 2000]
client.create_alias(FunctionName='boto', Name='live', FunctionVersion='1')
out['aliases'] = [a['Name'] for p in client.get_paginator('list_aliases').paginate(FunctionName='boto') for a in p['Aliases']]
client.update_function_configuration(FunctionName='boto', MemorySize=256)
client.get_waiter('function_updated_v2').wait(FunctionName='boto', WaiterConfig={'Delay': 1, 'MaxAttempts': 5})
out['memory'] = client.get_function_configuration(FunctionName='boto')['MemorySize']
def refused(call):
    try:
        call()
    except ClientError as error:
        return [error.response['Error']['Code'], error.response['Error']['Message'], type(error).__name__]
out['missing'] = refused(lambda: client.invoke(FunctionName='nobody'))
out['json'] = refused(lambda: client.invoke(FunctionName='boto', Payload=b'nope'))
client.put_function_concurrency(FunctionName='boto', ReservedConcurrentExecutions=0)
try:
    client.invoke(FunctionName='boto')
except client.exceptions.TooManyRequestsException as error:
    out['throttled'] = [error.response['Reason'], error.response['message'], error.response['Type']]
stream = client.delete_function_concurrency(FunctionName='boto')
stream = client.invoke_with_response_stream(FunctionName='boto', Payload=b'"s"')
out['stream'] = b''.join(e['PayloadChunk']['Payload'] for e in stream['EventStream'] if 'PayloadChunk' in e).decode()
out['deleted'] = client.delete_function(FunctionName='boto')['ResponseMetadata']['HTTPStatusCode']
print(json.dumps(out))
`;

test('boto3', { skip: boto3 }, async () => {
  const queue = await createQueue(wire, 'boto-dlq');
  const { stdout } = await run('python3', ['-c', SCRIPT, zip, queue.arn], { env: environment });
  const arn = 'arn:aws:lambda:us-east-1:000000000000:function:nobody:$LATEST';
  const { json, ...out } = JSON.parse(stdout);
  assert.deepEqual(out, {
    created: ['Pending', '1', 201],
    invoked: [200, '$LATEST', { x: 1 }],
    log: true,
    event: 202,
    dry: 204,
    config: [1, { OnSuccess: {}, OnFailure: { Destination: queue.arn } }, true],
    aliases: ['live'],
    memory: 256,
    missing: ['ResourceNotFoundException', `Function not found: ${arn}`, 'ResourceNotFoundException'],
    throttled: ['ReservedFunctionConcurrentInvocationLimitExceeded', 'Rate Exceeded.', 'User'],
    stream: '"s"',
    deleted: 204,
  });
  assert.equal(json[0], 'InvalidRequestContentException');
  assert.match(json[1], /Unrecognized token 'nope': was expecting \(JSON String, Number, Array, Object/);
});

test('the AWS CLI', { skip: cli }, async () => {
  const aws = async (...args: string[]) => {
    const { stdout } = await run('aws', ['lambda', ...args, '--output', 'json'], { env: environment });
    return stdout === '' ? undefined : JSON.parse(stdout);
  };
  const made = await aws(
    'create-function',
    ...['--function-name', 'cli', '--runtime', 'nodejs24.x', '--handler', 'index.handler'],
    ...['--role', 'arn:aws:iam::000000000000:role/test', '--zip-file', `fileb://${zip}`],
  );
  assert.equal(made.State, 'Pending');
  const file = join(folder, 'out.json');
  // Versions 1 and 2 of the CLI agree on files only.
  const payload = join(folder, 'payload.json');
  await writeFile(payload, '{"from":"cli"}');
  const answer = await aws('invoke', '--function-name', 'cli', '--payload', `fileb://${payload}`, file);
  assert.deepEqual(answer, { StatusCode: 200, ExecutedVersion: '$LATEST' });
  assert.equal(await readFile(file, 'utf8'), '{"from":"cli"}');
  const event = await aws('invoke', '--function-name', 'cli', '--invocation-type', 'Event', file);
  assert.deepEqual(event, { StatusCode: 202 });
  const listed = await aws('list-functions', '--query', 'Functions[].FunctionName');
  assert.ok(listed.includes('cli'));
  const published = await aws('publish-version', '--function-name', 'cli');
  assert.equal(published.Version, '1');
  await assert.rejects(aws('get-function', '--function-name', 'nobody'), (error: { stderr?: string }) => {
    assert.match(
      error.stderr ?? '',
      /\(ResourceNotFoundException\) when calling the GetFunction operation: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody/,
    );
    return true;
  });
  await aws('delete-function', '--function-name', 'cli');
});

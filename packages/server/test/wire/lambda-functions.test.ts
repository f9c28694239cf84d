/** Functions over the wire, with the SDK: what is created, shown, changed, refused and deleted. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  DeleteFunctionCommand,
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  ListFunctionsCommand,
  paginateListFunctions,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import { createFunction, createQueue } from '../support/functions.ts';
import { makeZip } from '../support/zip.ts';
import { ARN, ECHO, plain, ROLE, refusal, startLambdaWire } from './lambda-support.ts';

const wire = await startLambdaWire();
const { lambda, zip, create } = wire;

test('the life of a function has the recorded members', async () => {
  const created = await create('life', { Environment: { Variables: {} }, MemorySize: 256, Timeout: 5 });
  assert.equal(created.$metadata.httpStatusCode, 201);
  const sha = createHash('sha256').update(zip).digest('base64');
  const common = {
    Architectures: ['x86_64'],
    CodeSha256: sha,
    CodeSize: zip.length,
    Description: '',
    Environment: { Variables: {} },
    EphemeralStorage: { Size: 512 },
    FunctionArn: `${ARN}:life`,
    FunctionName: 'life',
    Handler: 'index.handler',
    LoggingConfig: { LogFormat: 'Text', LogGroup: '/aws/lambda/life' },
    MemorySize: 256,
    PackageType: 'Zip',
    Role: ROLE,
    Runtime: 'nodejs24.x',
    SnapStart: { ApplyOn: 'None', OptimizationStatus: 'Off' },
    Timeout: 5,
    TracingConfig: { Mode: 'PassThrough' },
    Version: '$LATEST',
  };
  const { RevisionId: revision1, LastModified, RuntimeVersionConfig, ...rest } = plain(created);
  assert.deepEqual(rest, {
    ...common,
    State: 'Pending',
    StateReason: 'The function is being created.',
    StateReasonCode: 'Creating',
  });
  assert.match(LastModified ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$/);
  assert.match(
    RuntimeVersionConfig?.RuntimeVersionArn ?? '',
    /^arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}$/,
  );

  await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 5 }, { FunctionName: 'life' });
  const got = await lambda.send(new GetFunctionCommand({ FunctionName: 'life' }));
  const {
    RevisionId: revision2,
    LastModified: _m,
    RuntimeVersionConfig: _r,
    ...shown
  } = got.Configuration ?? {};
  assert.deepEqual(shown, { ...common, State: 'Active', LastUpdateStatus: 'Successful' });
  assert.notEqual(revision1, revision2);
  assert.equal(got.Code?.RepositoryType, 'S3');
  const downloaded = await fetch(got.Code?.Location ?? '');
  assert.equal(downloaded.status, 200);
  assert.deepEqual(Buffer.from(await downloaded.arrayBuffer()), zip);

  const updated = await lambda.send(
    new UpdateFunctionConfigurationCommand({
      FunctionName: 'life',
      Description: 'Changed',
      Environment: { Variables: { ENV_A: 'a' } },
      RevisionId: revision2,
    }),
  );
  assert.equal(updated.State, 'Active');
  assert.equal(updated.LastUpdateStatus, 'InProgress');
  assert.equal(updated.LastUpdateStatusReasonCode, 'Creating');
  await waitUntilFunctionUpdatedV2({ client: lambda, maxWaitTime: 5 }, { FunctionName: 'life' });

  const other = await makeZip({ 'index.mjs': `${ECHO} // changed` });
  const code = await lambda.send(new UpdateFunctionCodeCommand({ FunctionName: 'life', ZipFile: other }));
  assert.equal(code.CodeSha256, createHash('sha256').update(other).digest('base64'));
  assert.deepEqual(code.Environment, { Variables: { ENV_A: 'a' } });

  const deleted = await lambda.send(new DeleteFunctionCommand({ FunctionName: 'life' }));
  assert.equal(deleted.$metadata.httpStatusCode, 204);
  assert.deepEqual(await refusal(lambda.send(new GetFunctionCommand({ FunctionName: 'life' }))), [
    404,
    'ResourceNotFoundException',
    `Function not found: ${ARN}:life`,
  ]);
});

test('a stale revision is refused', async () => {
  await create('revisions');
  const stale =
    'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id';
  const RevisionId = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
  for (const call of [
    lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'revisions', RevisionId })),
    lambda.send(new UpdateFunctionCodeCommand({ FunctionName: 'revisions', ZipFile: zip, RevisionId })),
  ]) {
    assert.deepEqual(await refusal(call), [412, 'PreconditionFailedException', stale]);
  }
});

test('names in every form', async () => {
  await create('forms');
  for (const name of [
    'forms',
    'forms:$LATEST',
    `${ARN}:forms`,
    `${ARN}:forms:$LATEST`,
    '000000000000:function:forms',
    'function:forms',
  ]) {
    const { FunctionName } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
    assert.equal(FunctionName, 'forms');
  }
  const qualified = new GetFunctionConfigurationCommand({ FunctionName: 'forms', Qualifier: '$LATEST' });
  assert.equal((await lambda.send(qualified)).FunctionArn, `${ARN}:forms:$LATEST`);
});

test('what is wrong with a name or qualifier is said in the recorded words', async () => {
  const get = (FunctionName: string, Qualifier?: string) =>
    refusal(lambda.send(new GetFunctionCommand({ FunctionName, Qualifier })));
  const pattern =
    '(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?';
  const malformed = (name: string) => [
    400,
    'ValidationException',
    `1 validation error detected: Value '${name}' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: ${pattern}`,
  ];
  for (const name of [
    '*',
    'my-function!',
    'invalid-account:function:my-function',
    `${ARN}:my-function:1:2`,
  ]) {
    assert.deepEqual(await get(name), malformed(name));
  }
  assert.deepEqual(await get(`${ARN}:fn:1`, '2'), [
    400,
    'InvalidParameterValueException',
    'The derived qualifier from the function name does not match the specified qualifier.',
  ]);
  assert.deepEqual(await get('a'.repeat(65)), [
    404,
    'ResourceNotFoundException',
    `Function not found: ${ARN}:${'a'.repeat(65)}`,
  ]);
  assert.deepEqual(await get('fn', 'invalid!'), [
    400,
    'ValidationException',
    "1 validation error detected: Value 'invalid!' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+",
  ]);
  assert.deepEqual(await get('arn:aws:lambda:eu-west-1:000000000000:function:fn'), [
    404,
    'ResourceNotFoundException',
    "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')",
  ]);
  assert.deepEqual(await refusal(create('a'.repeat(65))), [
    400,
    'InvalidParameterValueException',
    `1 validation error detected: Value '${'a'.repeat(65)}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64`,
  ]);
});

test('what cannot be created is refused in the recorded words', async () => {
  const invalid = (message: string) => [400, 'InvalidParameterValueException', message];
  await create('taken');
  assert.deepEqual(await refusal(create('taken')), [
    409,
    'ResourceConflictException',
    'Function already exist: taken',
  ]);
  assert.deepEqual(await refusal(create('no', { Role: 'r1' })), [
    400,
    'ValidationException',
    "1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+",
  ]);
  const [status, name, message] = await refusal(create('no', { Runtime: 'non-existent-runtime' }));
  assert.deepEqual([status, name], [400, 'InvalidParameterValueException']);
  assert.match(
    message,
    /^Value non-existent-runtime at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: \[nodejs20\.x, python3\.14, .*\] or be a valid ARN$/,
  );
  assert.deepEqual(
    await refusal(create('no', { Runtime: 'nodejs14.x' })),
    invalid(
      'The runtime parameter of nodejs14.x is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.',
    ),
  );
  assert.match(
    (await refusal(create('no', { Runtime: 'java21' })))[2],
    /^Redrive cannot run java21 functions/,
  );
  assert.deepEqual(
    await refusal(create('no', { Code: { ZipFile: Buffer.from('this is not a zipfile') } })),
    invalid('Could not unzip uploaded file. Please check your file, then try to upload again.'),
  );
  assert.match(
    (await refusal(create('no', { Code: { S3Bucket: 'bucket', S3Key: 'key' } })))[2],
    /^Error occurred while GetObject\. S3 Error Code: NoSuchBucket\./,
  );
  const long = { LARGE_VAR: 'x'.repeat(4096) };
  assert.deepEqual(
    await refusal(create('no', { Environment: { Variables: long } })),
    invalid(
      `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: ${JSON.stringify(long)}`,
    ),
  );
  const nearly = { LARGE_VAR: 'x'.repeat(4096 - JSON.stringify({ LARGE_VAR: '' }).length) };
  await create('nearly', { Environment: { Variables: nearly } });
  assert.match(
    (await refusal(create('no', { Environment: { Variables: { AWS_REGION: 'x' } } })))[2],
    /Reserved keys used in this request: AWS_REGION$/,
  );
  assert.deepEqual(await refusal(create('no', { Architectures: ['X86_64'] })), [
    400,
    'ValidationException',
    "1 validation error detected: Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]",
  ]);
  assert.deepEqual(await refusal(lambda.send(new GetFunctionCommand({ FunctionName: 'no' }))), [
    404,
    'ResourceNotFoundException',
    `Function not found: ${ARN}:no`,
  ]);
});

test('dead-letter queues are admitted, kept and taken away', async () => {
  const queue = await createQueue(wire, 'dlq');
  await create('letters', { DeadLetterConfig: { TargetArn: queue.arn } });
  const update = (TargetArn?: string) =>
    lambda.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: 'letters',
        DeadLetterConfig: TargetArn === undefined ? {} : { TargetArn },
      }),
    );
  assert.deepEqual((await update()).DeadLetterConfig, { TargetArn: queue.arn });
  const refused: [string, string][] = [
    [
      'arn:aws:sqs:us-east-1:000000000000:missing',
      'Error occurred while SendMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.',
    ],
    [
      'arn:aws:sqs:eu-west-1:000000000000:dlq',
      "Invalid dead letter queue ARN: The resource specified by the TargetArn must be in the same region as the Lambda function it's associated with.",
    ],
    [
      'arn:aws:kinesis:us-east-1:000000000000:stream/s',
      'Invalid dead letter queue ARN: Only Amazon SQS queues and Amazon SNS topics are supported.',
    ],
    [
      'arn:aws:sqs:us-east-1:000000000000:x.fifo',
      'Invalid dead letter queue ARN: FIFO SQS queue is not supported for dead letter configuration',
    ],
  ];
  for (const [arn, message] of refused) {
    assert.deepEqual(await refusal(update(arn)), [400, 'InvalidParameterValueException', message]);
  }
  assert.equal((await update('')).DeadLetterConfig, undefined);
});

test('logging configuration: levels come and go with the format', async () => {
  await create('logging');
  const update = async (LoggingConfig: object) =>
    (await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'logging', LoggingConfig })))
      .LoggingConfig;
  const json = { LogFormat: 'JSON', ApplicationLogLevel: 'INFO', SystemLogLevel: 'INFO' };
  assert.deepEqual(await update({ LogFormat: 'JSON' }), { ...json, LogGroup: '/aws/lambda/logging' });
  assert.deepEqual(await update({ SystemLogLevel: 'DEBUG', LogGroup: 'cool_lambda' }), {
    ...json,
    SystemLogLevel: 'DEBUG',
    LogGroup: 'cool_lambda',
  });
  assert.deepEqual(await update({ LogFormat: 'Text' }), { LogFormat: 'Text', LogGroup: 'cool_lambda' });
  assert.match((await refusal(update({ ApplicationLogLevel: 'DEBUG' })))[2], /LogFormat to JSON/);
});

test('lists come in pages, in order, without states', async () => {
  for (const name of ['list-a', 'list-b', 'list-c'])
    await createFunction(wire, name, ECHO, { Publish: name === 'list-b' });
  const names: string[] = [];
  for await (const page of paginateListFunctions({ client: lambda, pageSize: 2 }, {})) {
    assert.ok((page.Functions?.length ?? 0) <= 2);
    for (const each of page.Functions ?? []) {
      assert.equal(each.State, undefined);
      assert.equal(each.FunctionArn, `${ARN}:${each.FunctionName}`);
      names.push(each.FunctionName ?? '');
    }
  }
  assert.deepEqual(names, [...names].sort());
  assert.deepEqual(
    names.filter((name) => name.startsWith('list-')),
    ['list-a', 'list-b', 'list-c'],
  );
  const all = await lambda.send(new ListFunctionsCommand({ FunctionVersion: 'ALL' }));
  assert.deepEqual(
    all.Functions?.filter(({ FunctionName }) => FunctionName === 'list-b').map(
      ({ FunctionArn }) => FunctionArn,
    ),
    [`${ARN}:list-b:$LATEST`, `${ARN}:list-b:1`],
  );
  assert.deepEqual(
    (await refusal(lambda.send(new ListFunctionsCommand({ FunctionVersion: 'invalid' as 'ALL' }))))[2],
    "1 validation error detected: Value 'invalid' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]",
  );
});

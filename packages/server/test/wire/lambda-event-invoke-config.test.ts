/** Event invoke configs over the wire: the recorded answers and refusals. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CreateAliasCommand,
  DeleteFunctionEventInvokeConfigCommand,
  type DestinationConfig,
  GetFunctionEventInvokeConfigCommand,
  ListFunctionEventInvokeConfigsCommand,
  PublishVersionCommand,
  PutFunctionEventInvokeConfigCommand,
  type PutFunctionEventInvokeConfigCommandInput,
  UpdateFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda';
import { createQueue } from '../support/functions.ts';
import { ARN, invalid, missing, plain, refusal, startLambdaWire, violates } from './lambda-support.ts';

const wire = await startLambdaWire();
const { lambda } = wire;
await wire.create('fn');
await wire.create('other');
await lambda.send(new PublishVersionCommand({ FunctionName: 'fn' }));
await lambda.send(new CreateAliasCommand({ FunctionName: 'fn', Name: 'alias', FunctionVersion: '1' }));
const queue = await createQueue(wire, 'records');

type Input = Partial<PutFunctionEventInvokeConfigCommandInput>;
const put = (input: Input) =>
  lambda.send(new PutFunctionEventInvokeConfigCommand({ FunctionName: 'fn', ...input }));
const update = (input: Input) =>
  lambda.send(new UpdateFunctionEventInvokeConfigCommand({ FunctionName: 'fn', ...input }));
const get = (Qualifier?: string, FunctionName = 'fn') =>
  lambda.send(new GetFunctionEventInvokeConfigCommand({ FunctionName, Qualifier }));
const remove = (Qualifier?: string, FunctionName = 'fn') =>
  lambda.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName, Qualifier }));
const to = (onSuccess?: string, onFailure?: string): { DestinationConfig: DestinationConfig } => ({
  DestinationConfig: {
    OnSuccess: onSuccess === undefined ? undefined : { Destination: onSuccess },
    OnFailure: onFailure === undefined ? undefined : { Destination: onFailure },
  },
});

/** Without the date, which is checked to be one. */
function shown<T extends { LastModified?: Date }>(output: T) {
  const { LastModified, ...rest } = plain(output as T & object) as T;
  assert.ok(LastModified instanceof Date);
  return rest;
}
const NONE = { OnSuccess: {}, OnFailure: {} };

test('put replaces, update merges, delete removes', async () => {
  assert.deepEqual(shown(await put({ MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 60 })), {
    FunctionArn: `${ARN}:fn:$LATEST`,
    MaximumRetryAttempts: 2,
    MaximumEventAgeInSeconds: 60,
    DestinationConfig: NONE,
  });
  assert.deepEqual(shown(await update({ MaximumRetryAttempts: 0 })), {
    FunctionArn: `${ARN}:fn:$LATEST`,
    MaximumRetryAttempts: 0,
    MaximumEventAgeInSeconds: 60,
    DestinationConfig: NONE,
  });
  assert.deepEqual(shown(await update(to(undefined, queue.arn))).DestinationConfig, {
    OnSuccess: {},
    OnFailure: { Destination: queue.arn },
  });
  assert.deepEqual(shown(await update(to(queue.arn))).DestinationConfig, {
    OnSuccess: { Destination: queue.arn },
    OnFailure: { Destination: queue.arn },
  });
  assert.deepEqual(shown(await update(to(undefined, ''))).DestinationConfig, {
    OnSuccess: { Destination: queue.arn },
    OnFailure: {},
  });
  assert.deepEqual(shown(await put({ MaximumRetryAttempts: 0 })), {
    FunctionArn: `${ARN}:fn:$LATEST`,
    MaximumRetryAttempts: 0,
    DestinationConfig: NONE,
  });
  assert.deepEqual(shown(await get()), shown(await get('$LATEST')));
  const removed = await remove();
  assert.equal(removed.$metadata.httpStatusCode, 204);
  assert.deepEqual(
    await refusal(get()),
    missing(`The function ${ARN}:fn:$LATEST doesn't have an EventInvokeConfig`),
  );
});

test('each qualifier has its own, named in every form', async () => {
  await put({ MaximumRetryAttempts: 1 });
  for (const input of [
    { Qualifier: '1' },
    { FunctionName: 'fn:1' },
    { FunctionName: `${ARN}:fn:1`, Qualifier: '1' },
  ]) {
    assert.equal((await put({ ...input, MaximumRetryAttempts: 0 })).FunctionArn, `${ARN}:fn:1`);
  }
  assert.equal(
    (await put({ FunctionName: 'fn:alias', MaximumRetryAttempts: 2 })).FunctionArn,
    `${ARN}:fn:alias`,
  );
  const list = async (input: { MaxItems?: number; Marker?: string } = {}) =>
    lambda.send(new ListFunctionEventInvokeConfigsCommand({ FunctionName: 'fn', ...input }));
  const all = await list();
  assert.deepEqual(
    all.FunctionEventInvokeConfigs?.map(({ FunctionArn }) => FunctionArn),
    [`${ARN}:fn:$LATEST`, `${ARN}:fn:1`, `${ARN}:fn:alias`],
  );
  const first = await list({ MaxItems: 2 });
  assert.equal(first.FunctionEventInvokeConfigs?.length, 2);
  const second = await list({ MaxItems: 2, Marker: first.NextMarker });
  assert.deepEqual(
    second.FunctionEventInvokeConfigs?.map(({ FunctionArn }) => FunctionArn),
    [`${ARN}:fn:alias`],
  );
  assert.equal(second.NextMarker, undefined);
  for (const qualifier of ['$LATEST', '1', 'alias']) await remove(qualifier);
  assert.deepEqual((await list()).FunctionEventInvokeConfigs, []);
});

test('empty destinations are accepted, nothing at all is not', async () => {
  assert.deepEqual(shown(await put({ DestinationConfig: { OnSuccess: {} } })).DestinationConfig, NONE);
  assert.deepEqual(shown(await put(to(undefined, ''))).DestinationConfig, NONE);
  const nothing = invalid('You must specify at least one of error handling or destination setting.');
  assert.deepEqual(await refusal(put({})), nothing);
  assert.deepEqual(await refusal(put({ DestinationConfig: {} })), nothing);
});

test('destinations that are taken', async () => {
  for (const arn of [queue.arn, `${ARN}:other`, 'arn:aws:events:us-east-1:000000000000:event-bus/default']) {
    assert.deepEqual((await put(to(arn, arn))).DestinationConfig, {
      OnSuccess: { Destination: arn },
      OnFailure: { Destination: arn },
    });
  }
});

test('destinations that are refused', async () => {
  assert.deepEqual(
    await refusal(put(to(`${ARN}:fn`))),
    invalid("You can't specify the function as a destination for itself."),
  );
  for (const arn of [`${ARN}:doesnotexist`, 'arn:aws:sqs:us-east-1:000000000000:doesnotexist']) {
    assert.deepEqual(
      await refusal(put(to(undefined, arn))),
      invalid(`The destination ARN ${arn} is invalid.`),
    );
  }
  const iam = 'arn:aws:iam:us-east-1:000000000000:function:fn';
  assert.deepEqual(
    await refusal(put(to(iam))),
    invalid(
      `The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=${iam}), onFailure=null) is invalid.`,
    ),
  );
  assert.deepEqual(
    await refusal(put(to('arn:aws:sns:us-east-1:000000000000:t.fifo'))),
    invalid("FIFO-type Amazon SNS topics aren't supported as a destination."),
  );
  const malformed = 'arn:aws:_-/!lambda:us-east-1:000000000000:function:fn';
  assert.deepEqual(
    await refusal(put(to(undefined, malformed))),
    violates(
      `Value '${malformed}' at 'destinationConfig.onFailure.destination' failed to satisfy constraint: Member must satisfy regular expression pattern: $|kafka://([^.]([a-zA-Z0-9\\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)`,
    ),
  );
});

test('numbers out of range', async () => {
  const at = (member: string, value: number, constraint: string) =>
    violates(
      `Value '${value}' at '${member}' failed to satisfy constraint: Member must have value ${constraint}`,
    );
  assert.deepEqual(
    await refusal(put({ MaximumRetryAttempts: 3 })),
    at('maximumRetryAttempts', 3, 'less than or equal to 2'),
  );
  assert.deepEqual(
    await refusal(put({ MaximumEventAgeInSeconds: 59 })),
    at('maximumEventAgeInSeconds', 59, 'greater than or equal to 60'),
  );
  assert.deepEqual(
    await refusal(put({ MaximumEventAgeInSeconds: 21_601 })),
    at('maximumEventAgeInSeconds', 21_601, 'less than or equal to 21600'),
  );
  await put({ MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 21_600 });
});

test('functions, versions and aliases that do not exist', async () => {
  const gone = missing("The function doesn't exist.");
  const retries = { MaximumRetryAttempts: 1 };
  for (const input of [
    { FunctionName: 'nobody', ...retries },
    { FunctionName: `${ARN}:nobody`, ...retries },
    { Qualifier: 'nobody', ...retries },
    { Qualifier: '99', ...retries },
  ]) {
    assert.deepEqual(await refusal(put(input)), gone);
  }
  assert.deepEqual(await refusal(update({ FunctionName: 'nobody', ...retries })), gone);
  assert.deepEqual(
    await refusal(lambda.send(new ListFunctionEventInvokeConfigsCommand({ FunctionName: 'nobody' }))),
    gone,
  );
  const none = (name: string) => missing(`The function ${ARN}:${name} doesn't have an EventInvokeConfig`);
  assert.deepEqual(await refusal(get(undefined, 'nobody')), none('nobody:$LATEST'));
  assert.deepEqual(await refusal(get('nobody')), none('fn:nobody'));
  assert.deepEqual(await refusal(remove(undefined, 'nobody')), none('nobody:$LATEST'));
  assert.deepEqual(await refusal(update({ Qualifier: 'alias', ...retries })), none('fn:alias'));
  assert.deepEqual(
    await refusal(put({ FunctionName: 'fn:alias', Qualifier: '1', ...retries })),
    invalid('The derived qualifier from the function name does not match the specified qualifier.'),
  );
});

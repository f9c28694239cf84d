/** Versions, aliases and what hangs on them, over the wire. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CreateAliasCommand,
  type CreateAliasCommandInput,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  DeleteProvisionedConcurrencyConfigCommand,
  GetAccountSettingsCommand,
  GetAliasCommand,
  GetFunctionCommand,
  GetFunctionConcurrencyCommand,
  GetProvisionedConcurrencyConfigCommand,
  InvokeCommand,
  ListAliasesCommand,
  ListProvisionedConcurrencyConfigsCommand,
  ListVersionsByFunctionCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutProvisionedConcurrencyConfigCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { createFunction } from '../support/functions.ts';
import { makeZip } from '../support/zip.ts';
import { ARN, invalid, missing, plain, refusal, startLambdaWire, violates } from './lambda-support.ts';

const wire = await startLambdaWire();
const { lambda } = wire;

const publish = (FunctionName: string, more: object = {}) =>
  lambda.send(new PublishVersionCommand({ FunctionName, ...more }));
const describe = (FunctionName: string, Description: string) =>
  lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Description }));
const get = async (FunctionName: string, Qualifier?: string) =>
  (await lambda.send(new GetFunctionCommand({ FunctionName, Qualifier }))).Configuration;
const alias = (input: Partial<CreateAliasCommandInput>) =>
  lambda.send(
    new CreateAliasCommand({ FunctionName: 'aliased', Name: 'live', FunctionVersion: '1', ...input }),
  );

test('versions are numbered, immutable, and made only when something changed', async () => {
  await wire.create('numbers');
  const first = await publish('numbers', { Description: 'one' });
  assert.equal(first.$metadata.httpStatusCode, 201);
  assert.equal(first.FunctionArn, `${ARN}:numbers:1`);
  assert.equal(first.Version, '1');
  assert.equal(first.Description, 'one');
  assert.equal(first.State, 'Active');
  assert.equal(first.LastUpdateStatus, 'Successful');
  assert.equal((await publish('numbers', { Description: 'again' })).RevisionId, first.RevisionId);
  await describe('numbers', 'two');
  assert.equal((await publish('numbers')).Version, '2');
  assert.equal((await publish('numbers')).Version, '2');
  assert.equal((await get('numbers', '1'))?.Description, 'one');
  assert.equal((await get('numbers', '2'))?.Description, 'two');

  const list = async () =>
    (await lambda.send(new ListVersionsByFunctionCommand({ FunctionName: 'numbers' }))).Versions?.map(
      ({ FunctionArn, Description }) => `${FunctionArn} ${Description}`,
    );
  assert.deepEqual(await list(), [
    `${ARN}:numbers:$LATEST two`,
    `${ARN}:numbers:1 one`,
    `${ARN}:numbers:2 two`,
  ]);
  await lambda.send(new DeleteFunctionCommand({ FunctionName: 'numbers', Qualifier: '1' }));
  assert.deepEqual(await list(), [`${ARN}:numbers:$LATEST two`, `${ARN}:numbers:2 two`]);
  await lambda.send(new DeleteFunctionCommand({ FunctionName: 'numbers', Qualifier: '2' }));
  assert.equal((await publish('numbers')).Version, '3', 'a number is never used twice');
});

test('publishing with create, with an update of code, and against what is expected', async () => {
  const created = await wire.create('publishing', { Publish: true });
  assert.deepEqual(
    [created.Version, created.FunctionArn, created.State],
    ['1', `${ARN}:publishing`, 'Pending'],
  );
  const other = await makeZip({ 'index.mjs': 'export const handler = () => 2;' });
  const updated = await lambda.send(
    new UpdateFunctionCodeCommand({ FunctionName: 'publishing', ZipFile: other, Publish: true }),
  );
  assert.deepEqual([updated.Version, updated.FunctionArn], ['2', `${ARN}:publishing:2`]);
  assert.notEqual((await get('publishing', '1'))?.CodeSha256, (await get('publishing', '2'))?.CodeSha256);
  const current = (await get('publishing'))?.CodeSha256;
  assert.deepEqual(
    await refusal(publish('publishing', { CodeSha256: 'somenonexistentsha256' })),
    invalid(
      `CodeSHA256 (somenonexistentsha256) is different from current CodeSHA256 in $LATEST (${current}). Please try again with the CodeSHA256 in $LATEST.`,
    ),
  );
  assert.deepEqual(await refusal(publish('publishing', { RevisionId: 'wrong' })), [
    412,
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
  ]);
  assert.equal((await publish('publishing', { CodeSha256: current })).Version, '2');
});

test('aliases', async () => {
  await wire.create('aliased');
  await publish('aliased');
  await describe('aliased', 'changed');
  await publish('aliased');
  const created = await alias({
    Description: 'the live one',
    RoutingConfig: { AdditionalVersionWeights: { '2': 0.2 } },
  });
  assert.equal(created.$metadata.httpStatusCode, 201);
  const { RevisionId, ...rest } = plain(created);
  assert.deepEqual(rest, {
    AliasArn: `${ARN}:aliased:live`,
    Name: 'live',
    FunctionVersion: '1',
    Description: 'the live one',
    RoutingConfig: { AdditionalVersionWeights: { '2': 0.2 } },
  });
  assert.deepEqual(
    plain(await lambda.send(new GetAliasCommand({ FunctionName: 'aliased', Name: 'live' }))),
    plain(created),
  );
  const byAlias = await get('aliased', 'live');
  assert.deepEqual([byAlias?.Version, byAlias?.FunctionArn], ['1', `${ARN}:aliased:live`]);

  const update = (more: object) =>
    lambda.send(new UpdateAliasCommand({ FunctionName: 'aliased', Name: 'live', ...more }));
  assert.equal((await refusal(update({ RevisionId: 'wrong' })))[0], 412);
  const changed = await update({ RoutingConfig: { AdditionalVersionWeights: {} }, RevisionId });
  assert.equal(changed.RoutingConfig, undefined);
  assert.notEqual(changed.RevisionId, RevisionId);
  await alias({ Name: '2024-01-02' });
  await alias({ Name: 'latest-one', FunctionVersion: '$LATEST' });
  const list = await lambda.send(new ListAliasesCommand({ FunctionName: 'aliased', FunctionVersion: '1' }));
  assert.deepEqual(
    list.Aliases?.map(({ Name }) => Name),
    ['2024-01-02', 'live'],
  );
  assert.deepEqual(
    await refusal(lambda.send(new DeleteFunctionCommand({ FunctionName: 'aliased', Qualifier: '1' }))),
    [
      409,
      'ResourceConflictException',
      'Unable to delete version because the following aliases reference it: [2024-01-02, live]',
    ],
  );
  const remove = () => lambda.send(new DeleteAliasCommand({ FunctionName: 'aliased', Name: '2024-01-02' }));
  assert.equal((await remove()).$metadata.httpStatusCode, 204);
  assert.equal((await remove()).$metadata.httpStatusCode, 204);
  assert.deepEqual(
    await refusal(lambda.send(new GetAliasCommand({ FunctionName: 'aliased', Name: '2024-01-02' }))),
    missing(`Cannot find alias arn: ${ARN}:aliased:2024-01-02`),
  );
  assert.deepEqual(
    await refusal(lambda.send(new UpdateAliasCommand({ FunctionName: 'aliased', Name: 'nobody' }))),
    missing(`Alias not found: ${ARN}:aliased:nobody`),
  );
});

test('aliases that are refused', async () => {
  const weights = (AdditionalVersionWeights: Record<string, number>, more: object = {}) =>
    refusal(alias({ Name: 'refused', RoutingConfig: { AdditionalVersionWeights }, ...more }));
  const place = "at 'routingConfig.additionalVersionWeights' failed to satisfy constraint:";
  const values =
    'Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]';
  assert.deepEqual(
    await weights({ '1': 0.1, '2': 0.2 }),
    invalid('Number of items in AdditionalVersionWeights cannot be greater than 1'),
  );
  assert.deepEqual(await weights({ '2': 2 }), violates(`Value '{2=2.0}' ${place} ${values}`));
  assert.deepEqual(await weights({ '2': -1 }), violates(`Value '{2=-1.0}' ${place} ${values}`));
  assert.deepEqual(
    await weights({ '1': 0.5 }),
    invalid('Invalid function version 1. Function version 1 is already included in routing configuration.'),
  );
  assert.deepEqual(
    await weights({ $LATEST: 0.5 }),
    violates(
      `Value '{$LATEST=0.5}' ${place} Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]`,
    ),
  );
  assert.deepEqual(
    await weights({ '1': 0.5 }, { FunctionVersion: '$LATEST' }),
    invalid('$LATEST is not supported for an alias pointing to more than 1 version'),
  );
  assert.deepEqual(await weights({ '10': 0.5 }), missing(`Function not found: ${ARN}:aliased:10`));
  assert.deepEqual(
    await refusal(alias({ FunctionName: 'nobody' })),
    missing(`Function not found: ${ARN}:nobody:1`),
  );
  assert.deepEqual(await refusal(alias({})), [
    409,
    'ResourceConflictException',
    `Alias already exists: ${ARN}:aliased:live`,
  ]);
  assert.deepEqual(
    await refusal(alias({ Name: '2024' })),
    violates(
      "Value '2024' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)",
    ),
  );
});

test('an alias with two versions runs both; the answer says which', async () => {
  const source =
    'export const handler = (e, c) => ({ version: c.functionVersion, arn: c.invokedFunctionArn });';
  await createFunction(wire, 'canary', source, { Publish: true });
  await describe('canary', 'second');
  await publish('canary');
  await alias({
    FunctionName: 'canary',
    Name: 'live',
    RoutingConfig: { AdditionalVersionWeights: { '2': 0.5 } },
  });
  const seen = new Set<string>();
  // A fair coin shows both sides in 60 throws but once in 2^59.
  for (let i = 0; i < 60 && seen.size < 2; i++) {
    const answer = await lambda.send(new InvokeCommand({ FunctionName: 'canary', Qualifier: 'live' }));
    const { version, arn } = JSON.parse(Buffer.from(answer.Payload ?? []).toString());
    assert.equal(answer.ExecutedVersion, version);
    assert.equal(arn, `${ARN}:canary:live`);
    seen.add(version);
  }
  assert.deepEqual([...seen].sort(), ['1', '2']);
});

test('deleting versions and functions', async () => {
  const remove = (FunctionName: string, Qualifier?: string) =>
    lambda.send(new DeleteFunctionCommand({ FunctionName, Qualifier }));
  assert.deepEqual(
    await refusal(remove('nobody', '$LATEST')),
    invalid('$LATEST version cannot be deleted without deleting the function.'),
  );
  assert.deepEqual(
    await refusal(remove('nobody', 'a'.repeat(65))),
    invalid('Deletion of aliases is not currently supported.'),
  );
  assert.deepEqual(await refusal(remove('nobody', '1')), missing(`Function not found: ${ARN}:nobody`));
  await wire.create('short-lived', { Publish: true });
  assert.equal((await remove('short-lived', '9')).$metadata.httpStatusCode, 204);
  await remove('short-lived');
  assert.deepEqual(
    await refusal(lambda.send(new GetFunctionCommand({ FunctionName: 'short-lived', Qualifier: '1' }))),
    missing(`Function not found: ${ARN}:short-lived:1`),
  );
});

test('reserved concurrency leaves a hundred for the others', async () => {
  await wire.create('reserving');
  const put = (ReservedConcurrentExecutions: number, FunctionName = 'reserving') =>
    lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions }));
  assert.equal((await put(0)).ReservedConcurrentExecutions, 0);
  assert.equal((await put(900)).ReservedConcurrentExecutions, 900);
  assert.deepEqual(
    await refusal(put(901)),
    invalid(
      "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].",
    ),
  );
  assert.equal(
    (await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName: 'reserving' })))
      .ReservedConcurrentExecutions,
    900,
  );
  assert.deepEqual((await lambda.send(new GetFunctionCommand({ FunctionName: 'reserving' }))).Concurrency, {
    ReservedConcurrentExecutions: 900,
  });
  const { AccountLimit, AccountUsage } = await lambda.send(new GetAccountSettingsCommand({}));
  assert.deepEqual(
    [AccountLimit?.ConcurrentExecutions, AccountLimit?.UnreservedConcurrentExecutions],
    [1000, 100],
  );
  assert.ok((AccountUsage?.FunctionCount ?? 0) > 0 && (AccountUsage?.TotalCodeSize ?? 0) > 0);
  await put(0);
  assert.deepEqual(await refusal(put(1, 'nobody')), missing(`Function not found: ${ARN}:nobody:$LATEST`));
  assert.deepEqual(
    await refusal(put(1, `${ARN}:reserving:$LATEST`)),
    invalid(
      'This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.',
    ),
  );
});

test('provisioned concurrency', async () => {
  await wire.create('provisioned', { Publish: true });
  await alias({ FunctionName: 'provisioned', Name: 'live' });
  const put = (Qualifier: string, ProvisionedConcurrentExecutions = 1, FunctionName = 'provisioned') =>
    lambda.send(
      new PutProvisionedConcurrencyConfigCommand({
        FunctionName,
        Qualifier,
        ProvisionedConcurrentExecutions,
      }),
    );
  const read = (Qualifier: string, FunctionName = 'provisioned') =>
    lambda.send(new GetProvisionedConcurrencyConfigCommand({ FunctionName, Qualifier }));
  const remove = (Qualifier: string) =>
    lambda.send(new DeleteProvisionedConcurrencyConfigCommand({ FunctionName: 'provisioned', Qualifier }));
  const started = await put('1', 2);
  assert.equal(started.$metadata.httpStatusCode, 202);
  assert.deepEqual(
    [
      started.Status,
      started.RequestedProvisionedConcurrentExecutions,
      started.AllocatedProvisionedConcurrentExecutions,
    ],
    ['IN_PROGRESS', 2, 0],
  );
  assert.deepEqual((await read('1')).Status, 'READY');
  assert.deepEqual(
    (await refusal(put('live')))[2],
    "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
  );
  const reserve = (ReservedConcurrentExecutions: number) =>
    lambda.send(
      new PutFunctionConcurrencyCommand({ FunctionName: 'provisioned', ReservedConcurrentExecutions }),
    );
  assert.deepEqual(
    await refusal(reserve(1)),
    invalid(
      " ReservedConcurrentExecutions  1 should not be lower than function's total provisioned concurrency [2].",
    ),
  );
  await reserve(2);
  assert.deepEqual(
    await refusal(put('1', 3)),
    invalid(
      'Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function',
    ),
  );
  assert.equal((await remove('1')).$metadata.httpStatusCode, 204);
  await put('live');
  assert.deepEqual(await refusal(put('1')), [
    409,
    'ResourceConflictException',
    'Version is pointed by a Provisioned Concurrency alias',
  ]);
  assert.deepEqual(
    (
      await lambda.send(new ListProvisionedConcurrencyConfigsCommand({ FunctionName: 'provisioned' }))
    ).ProvisionedConcurrencyConfigs?.map(({ FunctionArn }) => FunctionArn),
    [`${ARN}:provisioned:live`],
  );
  assert.deepEqual(await refusal(read('1')), [
    404,
    'ProvisionedConcurrencyConfigNotFoundException',
    'No Provisioned Concurrency Config found for this function',
  ]);
  assert.deepEqual(
    await refusal(read('nobody')),
    missing(`Cannot find alias arn: ${ARN}:provisioned:nobody`),
  );
  assert.deepEqual(await refusal(read('10')), missing(`Function not found: ${ARN}:provisioned:10`));
  assert.deepEqual(
    await refusal(read('$LATEST')),
    invalid('The function resource provided must be an alias or a published version.'),
  );
  assert.deepEqual(
    await refusal(put('$LATEST')),
    invalid('Provisioned Concurrency Configs cannot be applied to unpublished function versions.'),
  );
});

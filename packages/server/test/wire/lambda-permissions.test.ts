/** Policies, tags, layers, recursion and function URLs, over the wire. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AddLayerVersionPermissionCommand,
  AddPermissionCommand,
  type AddPermissionCommandInput,
  CreateAliasCommand,
  DeleteLayerVersionCommand,
  GetFunctionCodeSigningConfigCommand,
  GetFunctionCommand,
  GetFunctionRecursionConfigCommand,
  GetLayerVersionByArnCommand,
  GetLayerVersionCommand,
  GetLayerVersionPolicyCommand,
  GetPolicyCommand,
  ListLayersCommand,
  ListLayerVersionsCommand,
  ListTagsCommand,
  PublishLayerVersionCommand,
  type PublishLayerVersionCommandInput,
  PutFunctionRecursionConfigCommand,
  RemoveLayerVersionPermissionCommand,
  RemovePermissionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { ARN, invalid, missing, plain, refusal, startLambdaWire, violates } from './lambda-support.ts';

const wire = await startLambdaWire();
const { lambda } = wire;
await wire.create('fn', { Publish: true });
await lambda.send(new CreateAliasCommand({ FunctionName: 'fn', Name: 'alias', FunctionVersion: '1' }));

const add = (input: Partial<AddPermissionCommandInput>) =>
  lambda.send(
    new AddPermissionCommand({
      FunctionName: 'fn',
      StatementId: 's3',
      Action: 'lambda:InvokeFunction',
      Principal: 's3.amazonaws.com',
      ...input,
    }),
  );
const policyOf = async (Qualifier?: string) => {
  const { Policy, RevisionId } = await lambda.send(new GetPolicyCommand({ FunctionName: 'fn', Qualifier }));
  return { ...JSON.parse(Policy ?? ''), RevisionId };
};
const drop = (StatementId: string, more: object = {}) =>
  lambda.send(new RemovePermissionCommand({ FunctionName: 'fn', StatementId, ...more }));
const NO_RESOURCE = missing('The resource you requested does not exist.');

test('permissions become statements of a policy, one policy per qualifier', async () => {
  const statement = {
    Sid: 's3',
    Effect: 'Allow',
    Principal: { Service: 's3.amazonaws.com' },
    Action: 'lambda:InvokeFunction',
    Resource: `${ARN}:fn`,
    Condition: { ArnLike: { 'AWS:SourceArn': 'arn:aws:s3:::bucket' } },
  };
  const added = await add({ SourceArn: 'arn:aws:s3:::bucket' });
  assert.equal(added.$metadata.httpStatusCode, 201);
  assert.equal(added.Statement, JSON.stringify(statement));
  const { RevisionId, ...policy } = await policyOf();
  assert.deepEqual(policy, { Version: '2012-10-17', Id: 'default', Statement: [statement] });
  assert.deepEqual(
    await refusal(lambda.send(new GetPolicyCommand({ FunctionName: 'fn', Qualifier: '1' }))),
    NO_RESOURCE,
  );
  await add({ Qualifier: 'alias' });
  assert.equal((await policyOf('alias')).Statement[0].Resource, `${ARN}:fn:alias`);
  await add({ StatementId: 'second', RevisionId });
  assert.deepEqual(await refusal(add({ StatementId: 'third', RevisionId })), [
    412,
    'PreconditionFailedException',
    'The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id',
  ]);
  assert.equal((await drop('s3')).$metadata.httpStatusCode, 204);
  assert.deepEqual(
    await refusal(drop('non-existent')),
    missing('Statement non-existent is not found in resource policy.'),
  );
  await drop('second');
  assert.deepEqual(await refusal(policyOf()), NO_RESOURCE);
  assert.deepEqual(await refusal(drop('s3')), missing('No policy is associated with the given resource.'));
});

test('principals and conditions take the recorded forms', async () => {
  const of = async (StatementId: string, input: Partial<AddPermissionCommandInput>) => {
    const { Principal, Condition } = JSON.parse((await add({ StatementId, ...input })).Statement ?? '');
    return Condition === undefined ? { Principal } : { Principal, Condition };
  };
  assert.deepEqual(await of('any', { Principal: '*', SourceAccount: '000000000000' }), {
    Principal: '*',
    Condition: { StringEquals: { 'AWS:SourceAccount': '000000000000' } },
  });
  assert.deepEqual(await of('account', { Principal: '000000000000' }), {
    Principal: { AWS: 'arn:aws:iam::000000000000:root' },
  });
  assert.deepEqual(await of('user', { Principal: 'arn:aws:iam::000000000000:user/me' }), {
    Principal: { AWS: 'arn:aws:iam::000000000000:user/me' },
  });
  assert.deepEqual(
    await of('everything', {
      Principal: '*',
      Action: 'lambda:InvokeFunctionUrl',
      SourceArn: 'arn:aws:s3:::bucket',
      SourceAccount: '000000000000',
      FunctionUrlAuthType: 'NONE',
      PrincipalOrgID: 'o-1234567890',
    }),
    {
      Principal: '*',
      Condition: {
        StringEquals: {
          'AWS:SourceAccount': '000000000000',
          'lambda:FunctionUrlAuthType': 'NONE',
          'aws:PrincipalOrgID': 'o-1234567890',
        },
        ArnLike: { 'AWS:SourceArn': 'arn:aws:s3:::bucket' },
      },
    },
  );
  assert.deepEqual(
    await of('alexa', { Principal: 'alexa-appkit.amazon.com', EventSourceToken: 'amzn1.ask.skill.x' }),
    {
      Principal: { Service: 'alexa-appkit.amazon.com' },
      Condition: { StringEquals: { 'lambda:EventSourceToken': 'amzn1.ask.skill.x' } },
    },
  );
});

test('permissions that are refused', async () => {
  assert.deepEqual(
    await refusal(add({ StatementId: 'example.com' })),
    violates(
      "Value 'example.com' at 'statementId' failed to satisfy constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)",
    ),
  );
  assert.deepEqual(
    await refusal(add({ Qualifier: '$LATEST' })),
    invalid('We currently do not support adding policies for $LATEST.'),
  );
  assert.deepEqual(
    await refusal(add({ StatementId: 'who', Principal: 'invalid.nonaws.com' })),
    invalid('The provided principal was invalid. Please check the principal and try again.'),
  );
  assert.deepEqual(
    await refusal(add({ FunctionName: 'nobody' })),
    missing(`Function not found: ${ARN}:nobody`),
  );
  assert.deepEqual(
    await refusal(add({ Qualifier: 'nobody' })),
    missing(`Cannot find alias arn: ${ARN}:fn:nobody`),
  );
  assert.deepEqual(await refusal(add({ Qualifier: '42' })), missing(`Function not found: ${ARN}:fn:42`));
  assert.deepEqual(
    await refusal(add({ Qualifier: 'valid-with-$-but-doesnotexist' })),
    missing(`Function not found: ${ARN}:fn:valid-with-$-but-doesnotexist`),
  );
  await add({ StatementId: 'twice' });
  assert.deepEqual(await refusal(add({ StatementId: 'twice' })), [
    409,
    'ResourceConflictException',
    'The statement id (twice) provided already exists. Please provide a new statement id, or remove the existing statement.',
  ]);
  assert.deepEqual(
    await refusal(drop('s3', { FunctionName: 'nobody' })),
    missing(`No policy found for: ${ARN}:nobody`),
  );
  const long = { SourceArn: `arn:aws:s3:::${'x'.repeat(9000)}` };
  await add({ StatementId: 'long-1', ...long });
  await add({ StatementId: 'long-2', ...long });
  assert.equal((await refusal(add({ StatementId: 'long-3', ...long })))[1], 'PolicyLengthExceededException');
});

test('tags', async () => {
  const resource = `${ARN}:fn`;
  const tag = (Tags: Record<string, string>, Resource = resource) =>
    lambda.send(new TagResourceCommand({ Resource, Tags }));
  const untag = (TagKeys: string[]) => lambda.send(new UntagResourceCommand({ Resource: resource, TagKeys }));
  const tags = async () => (await lambda.send(new ListTagsCommand({ Resource: resource }))).Tags;
  const revision = async () =>
    (await lambda.send(new GetFunctionCommand({ FunctionName: 'fn' }))).Configuration?.RevisionId;
  const before = await revision();
  assert.equal((await tag({ A: 'a' })).$metadata.httpStatusCode, 204);
  assert.notEqual(await revision(), before);
  await tag({ B: 'b', A: 'again' });
  assert.deepEqual(await tags(), { A: 'again', B: 'b' });
  assert.deepEqual((await lambda.send(new GetFunctionCommand({ FunctionName: 'fn' }))).Tags, {
    A: 'again',
    B: 'b',
  });
  await untag(['A', 'nonexistent']);
  await untag(['B']);
  assert.deepEqual(await tags(), {});
  assert.equal((await lambda.send(new GetFunctionCommand({ FunctionName: 'fn' }))).Tags, undefined);

  const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`${i}_key`, `${i}_value`]));
  await tag(many);
  const tooMany = invalid('Number of tags exceeds resource tag limit.');
  assert.deepEqual(await refusal(tag({ one: 'more' })), tooMany);
  assert.deepEqual(await refusal(wire.create('tagged', { Tags: { ...many, one: 'more' } })), tooMany);
  await wire.create('tagged', { Tags: { a: 'b' } });
  assert.deepEqual((await lambda.send(new ListTagsCommand({ Resource: `${ARN}:tagged` }))).Tags, { a: 'b' });
  assert.deepEqual(
    await refusal(tag({ a: 'b' }, `${ARN}:fn:1`)),
    invalid('Tags on function aliases and versions are not supported. Please specify a function ARN.'),
  );
  assert.deepEqual(
    await refusal(tag({ a: 'b' }, `${ARN}:nobody`)),
    missing(`Function not found: ${ARN}:nobody`),
  );
  assert.deepEqual(await refusal(tag({})), invalid('An error occurred and the request cannot be processed.'));
  assert.match((await refusal(tag({ a: 'b' }, 'arn:aws:something')))[2], /at 'resource' failed to satisfy/);
});

test('layers', async () => {
  const publish = (LayerName: string, more: Partial<PublishLayerVersionCommandInput> = {}) =>
    lambda.send(new PublishLayerVersionCommand({ LayerName, Content: { ZipFile: wire.zip }, ...more }));
  const layer = 'arn:aws:lambda:us-east-1:000000000000:layer';
  const published = await publish('one', {
    Description: 'mine',
    LicenseInfo: 'MIT',
    CompatibleRuntimes: ['nodejs24.x'],
    CompatibleArchitectures: ['x86_64'],
  });
  assert.equal(published.$metadata.httpStatusCode, 201);
  const { Content, CreatedDate, ...rest } = plain(published);
  assert.deepEqual(rest, {
    LayerArn: `${layer}:one`,
    LayerVersionArn: `${layer}:one:1`,
    Version: 1,
    Description: 'mine',
    LicenseInfo: 'MIT',
    CompatibleRuntimes: ['nodejs24.x'],
    CompatibleArchitectures: ['x86_64'],
  });
  assert.match(CreatedDate ?? '', /\+0000$/);
  assert.equal(Content?.CodeSize, wire.zip.length);
  const location = await fetch(Content?.Location ?? '');
  assert.deepEqual(Buffer.from(await location.arrayBuffer()), wire.zip);
  assert.equal((await publish('one')).Version, 2);
  const get = (VersionNumber: number) =>
    lambda.send(new GetLayerVersionCommand({ LayerName: 'one', VersionNumber }));
  assert.deepEqual(plain(await get(1)).LayerVersionArn, `${layer}:one:1`);
  assert.equal((await lambda.send(new GetLayerVersionByArnCommand({ Arn: `${layer}:one:2` }))).Version, 2);
  const versions = async () =>
    (await lambda.send(new ListLayerVersionsCommand({ LayerName: 'one' }))).LayerVersions?.map(
      ({ Version }) => Version,
    );
  assert.deepEqual(await versions(), [2, 1]);
  assert.deepEqual(
    (await lambda.send(new ListLayersCommand({}))).Layers?.map((each) => [
      each.LayerName,
      each.LatestMatchingVersion?.Version,
    ]),
    [['one', 2]],
  );
  assert.deepEqual(await refusal(get(9)), NO_RESOURCE);
  assert.deepEqual(await refusal(get(0)), invalid('Layer Version Cannot be less than 1'));

  const use = async (...Layers: string[]) =>
    (await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'fn', Layers }))).Layers;
  assert.deepEqual(await use(`${layer}:one:1`), [{ Arn: `${layer}:one:1`, CodeSize: wire.zip.length }]);
  for (const VersionNumber of [1, 1, 2]) {
    const removal = new DeleteLayerVersionCommand({ LayerName: 'one', VersionNumber });
    assert.equal((await lambda.send(removal)).$metadata.httpStatusCode, 204);
  }
  assert.deepEqual(await versions(), []);
  assert.deepEqual(
    (await lambda.send(new GetFunctionCommand({ FunctionName: 'fn' }))).Configuration?.Layers?.length,
    1,
  );
  assert.equal((await publish('one')).Version, 3, 'a number is never used twice');
  await publish('one');
  assert.deepEqual(
    await refusal(use(`${layer}:one:3`, `${layer}:one:4`)),
    invalid(
      `Two different versions of the same layer are not allowed to be referenced in the same function. ${layer}:one:3 and ${layer}:one:4 are versions of the same layer.`,
    ),
  );
  assert.deepEqual(
    await refusal(use(`${layer}:one:9`)),
    invalid(`Layer version ${layer}:one:9 does not exist.`),
  );
  assert.deepEqual(
    await refusal(use('arn:aws:lambda:eu-west-1:000000000000:layer:one:3')),
    invalid(
      'Layers are not in the same region as the function. Layers are expected to be in region us-east-1.',
    ),
  );
  assert.deepEqual(
    await refusal(use(...Array.from({ length: 6 }, (_, i) => `${layer}:l${i}:1`))),
    invalid('Cannot reference more than 5 layers.'),
  );
  assert.equal(await use(), undefined);
});

test('layers that fit nothing are refused in one sentence', async () => {
  const [, name, message] = await refusal(
    lambda.send(
      new PublishLayerVersionCommand({
        LayerName: 'bad',
        Content: { ZipFile: wire.zip },
        CompatibleRuntimes: ['invalidruntime' as 'nodejs24.x'],
        CompatibleArchitectures: ['invalidarch' as 'x86_64'],
      }),
    ),
  );
  assert.equal(name, 'ValidationException');
  assert.match(
    message,
    /^2 validation errors detected: Value '\[invalidruntime\]' at 'compatibleRuntimes' failed to satisfy constraint: Member must satisfy enum value set: \[nodejs20\.x, .*\]; Value '\[invalidarch\]' at 'compatibleArchitectures' failed to satisfy constraint: Member must satisfy constraint: \[Member must satisfy enum value set: \[x86_64, arm64\], Member must not be null\]$/,
  );
});

test('policies of layers', async () => {
  await lambda.send(new PublishLayerVersionCommand({ LayerName: 'shared', Content: { ZipFile: wire.zip } }));
  const place = { LayerName: 'shared', VersionNumber: 1 };
  const allow = (StatementId: string, more: object = {}) =>
    lambda.send(
      new AddLayerVersionPermissionCommand({
        ...place,
        StatementId,
        Action: 'lambda:GetLayerVersion',
        Principal: '*',
        ...more,
      }),
    );
  const policy = () => lambda.send(new GetLayerVersionPolicyCommand(place));
  const none = missing('No policy is associated with the given resource.');
  assert.deepEqual(await refusal(policy()), none);
  const first = await allow('s1');
  assert.equal(
    first.Statement,
    '{"Sid":"s1","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"arn:aws:lambda:us-east-1:000000000000:layer:shared:1"}',
  );
  assert.equal((await policy()).RevisionId, first.RevisionId);
  assert.equal((await refusal(allow('s1')))[1], 'ResourceConflictException');
  assert.deepEqual(
    (await refusal(allow('s2', { RevisionId: 'wrong' })))[2],
    'The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id',
  );
  assert.deepEqual(
    await refusal(allow('s2', { LayerName: 'nobody' })),
    missing('Layer version arn:aws:lambda:us-east-1:000000000000:layer:nobody:1 does not exist.'),
  );
  await lambda.send(new RemoveLayerVersionPermissionCommand({ ...place, StatementId: 's1' }));
  assert.deepEqual(await refusal(policy()), none);
});

test('recursion and code signing', async () => {
  const read = async () =>
    (await lambda.send(new GetFunctionRecursionConfigCommand({ FunctionName: 'fn' }))).RecursiveLoop;
  const put = (RecursiveLoop: string) =>
    lambda.send(
      new PutFunctionRecursionConfigCommand({ FunctionName: 'fn', RecursiveLoop: RecursiveLoop as 'Allow' }),
    );
  assert.equal(await read(), 'Terminate');
  await put('Allow');
  assert.equal(await read(), 'Allow');
  assert.deepEqual(
    await refusal(put('InvalidValue')),
    violates(
      "Value 'InvalidValue' at 'recursiveLoop' failed to satisfy constraint: Member must satisfy enum value set: [Terminate, Allow]",
    ),
  );
  const signing = await lambda.send(new GetFunctionCodeSigningConfigCommand({ FunctionName: 'fn' }));
  assert.equal(signing.CodeSigningConfigArn, undefined);
});

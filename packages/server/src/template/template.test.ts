/** Templates: what is understood, what is refused and where, in which order, and what deploying calls. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '../store/store.ts';
import { type Call, deployTemplate } from './deploy.ts';
import { planOrder } from './plan.ts';
import { resolveNode } from './resolve.ts';
import { readTemplate } from './template.ts';
import { TemplateError } from './template-error.ts';

function problemsOf(text: string): string[] {
  try {
    planOrder(readTemplate('t.yaml', text));
    return [];
  } catch (error) {
    assert.ok(error instanceof TemplateError, String(error));
    return error.message.split('\n');
  }
}

test('everything that is not supported is named with its place, all at once', () => {
  const problems = problemsOf(`Transform: AWS::Serverless-2016-10-31
Parameters: {}
Resources:
  Topic:
    Type: AWS::SNS::Subscription
  Queue:
    Type: AWS::SQS::Queue
    Condition: X
    Properties:
      Colour: red
      DelaySeconds: soon
  F_1:
    Type: AWS::Serverless::Function
    DependsOn: Nothing
    Properties:
      Timeout: [1]
      Environment:
        Variables: text
`);
  const expected = [
    't.yaml:2:1: section Parameters is not supported; supported: AWSTemplateFormatVersion',
    't.yaml:5:11: Resources.Topic: AWS::SNS::Subscription is not supported; supported: AWS::Serverless::Function, AWS::SQS::Queue, AWS::SNS::Topic, AWS::CloudWatch::Alarm',
    't.yaml:8:5: Resources.Queue.Condition is not supported',
    't.yaml:10:7: Resources.Queue.Properties.Colour is not supported',
    "t.yaml:11:21: Resources.Queue.Properties.DelaySeconds: expected a number, found 'soon'",
    't.yaml:12:3: Resources.F_1: a logical id has letters and digits only',
    't.yaml:16:16: Resources.F_1.Properties.Timeout: expected a number, found a list',
    "t.yaml:18:20: Resources.F_1.Properties.Environment.Variables: expected a map, found 'text'",
    't.yaml:12:3: F_1 depends on Nothing, which is not a resource',
  ];
  assert.equal(problems.length, expected.length, problems.join('\n'));
  for (const [index, start] of expected.entries())
    assert.ok(problems[index]?.startsWith(start), problems[index]);
});

test('unknown names, unknown functions and circles are refused', () => {
  const queue = (id: string, policy: string) =>
    `  ${id}:\n    Type: AWS::SQS::Queue\n    Properties:\n      RedrivePolicy: {deadLetterTargetArn: ${policy}, maxReceiveCount: 1}\n`;
  assert.match(problemsOf(`Resources:\n${queue('A', '!GetAtt X.Arn')}`)[0] ?? '', /'X' is not a resource/);
  assert.match(
    problemsOf(`Resources:\n${queue('A', '{Fn::Join: [a]}')}`)[0] ?? '',
    /Fn::Join is not supported/,
  );
  assert.match(problemsOf(`Resources:\n${queue('A', '!Ref AWS::Partitions')}`)[0] ?? '', /AWS::Partitions/);
  assert.match(
    problemsOf(`Resources:\n${queue('A', '!GetAtt B.Arn')}${queue('B', '!GetAtt A.Arn')}`)[0] ?? '',
    /t.yaml:2:3: circular dependency: A → B → A/,
  );
});

test('malformed YAML says where', () => {
  assert.match(problemsOf('Resources: [')[0] ?? '', /^t\.yaml:1:\d+: /);
  assert.match(problemsOf('a: 1\na: 2')[0] ?? '', /^t\.yaml:2:1: Map keys must be unique/);
  assert.deepEqual(problemsOf('['.repeat(20_000)), ['t.yaml: nested too deeply: 64 levels at most']);
  assert.match(problemsOf(`a: ${'x'.repeat(1_100_000)}`)[0] ?? '', /1048576 bytes at most/);
  assert.match(problemsOf('a: &a [1]\nb: [*a, *a]')[0] ?? '', /aliases are not supported/);
});

test('no text makes reading fail in another way', () => {
  const word = fc.constantFrom(
    'Resources',
    'A',
    ':',
    ' ',
    '\n',
    '  ',
    'Type',
    'AWS::SQS::Queue',
    '!Ref',
    '!Sub',
    '{',
    '}',
    '[',
    ']',
    '- ',
    "'",
    '"',
    'Properties',
    'Fn::GetAtt',
    '&a',
    '*a',
    '|',
    '#',
    'null',
    '1',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 40 }), (words) => {
      problemsOf(words.join(''));
    }),
    { numRuns: 1000 },
  );
});

test('intrinsic functions', () => {
  const template = readTemplate(
    't.yaml',
    `Resources: {Q: {Type: AWS::SQS::Queue}}
Outputs:
  A: {Value: !Ref Q}
  B: {Value: !GetAtt Q.Arn}
  C: {Value: !Sub 'x-\${Q.QueueName}-\${AWS::Region}-\${!literal}'}
  D: {Value: !Sub ['\${a}/\${Q}', {a: !Ref AWS::AccountId}]}
  E: {Value: {Fn::GetAtt: [Q, Arn]}}
  F: {Value: {x: [1, !Ref AWS::NoValue], y: !Ref AWS::NoValue}}
`,
  );
  const scope = {
    pseudo: { 'AWS::Region': 'eu', 'AWS::AccountId': '1' },
    resource: () => ({ ref: 'url', attributes: { Arn: 'arn', QueueName: 'q' } }),
  };
  const values = [...template.outputs.values()].map((node) => resolveNode(node, scope));
  assert.deepEqual(values, ['url', 'arn', `x-q-eu-\${literal}`, '1/url', 'arn', { x: [1] }]);
});

test('Globals are merged: maps joined, the function’s own values win', () => {
  const template = readTemplate(
    't.yaml',
    `Globals:
  Function:
    Timeout: 5
    Runtime: nodejs24.x
    Environment: {Variables: {A: 1, B: 2}}
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {Timeout: 9, Environment: {Variables: {B: 3}}}
`,
  );
  const scope = { pseudo: {}, resource: () => undefined };
  assert.deepEqual(resolveNode(template.resources.get('F')?.properties as never, scope), {
    Timeout: 9,
    Runtime: 'nodejs24.x',
    Environment: { Variables: { A: 1, B: 3 } },
  });
});

const APPLICATION = `Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: nodejs24.x
      Handler: index.handler
      CodeUri: .
      Environment: {Variables: {QUEUE: !Ref Dead}}
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Dead.Arn}
      EventInvokeConfig: {MaximumRetryAttempts: 1}
  Dead:
    Type: AWS::SQS::Queue
`;

/** As much of Lambda and SQS as deploying asks of them. */
function fakeServices(): { call: Call; changes: string[] } {
  const changes: string[] = [];
  const queues = new Map<string, Record<string, string>>();
  const functions = new Map<string, Record<string, Json>>();
  const settings = new Map<string, Record<string, Json>>();
  const absent = () => Object.assign(new Error('absent'), { name: 'ResourceNotFoundException' });
  // biome-ignore lint/suspicious/noExplicitAny: stands for every operation
  const operations: Record<string, (input: any) => unknown> = {
    GetQueueUrl({ QueueName }) {
      if (!queues.has(QueueName)) throw Object.assign(new Error('none'), { name: 'QueueDoesNotExist' });
      return { QueueUrl: `http://h/${QueueName}` };
    },
    CreateQueue({ QueueName, Attributes }) {
      queues.set(QueueName, { ...Attributes, QueueArn: `arn:${QueueName}` });
      return { QueueUrl: `http://h/${QueueName}` };
    },
    GetQueueAttributes: ({ QueueUrl }) => ({ Attributes: queues.get(QueueUrl.slice(9)) }),
    SetQueueAttributes({ QueueUrl, Attributes }) {
      Object.assign(queues.get(QueueUrl.slice(9)) ?? {}, Attributes);
    },
    GetFunction({ FunctionName }) {
      if (!functions.has(FunctionName)) throw absent();
      return { Configuration: functions.get(FunctionName) };
    },
    CreateFunction({ FunctionName, Code, ...rest }) {
      functions.set(FunctionName, { ...rest, FunctionArn: `arn:${FunctionName}` });
      operations.UpdateFunctionCode?.({ FunctionName, ZipFile: Code.ZipFile });
      return { FunctionArn: `arn:${FunctionName}` };
    },
    async UpdateFunctionCode({ FunctionName, ZipFile }) {
      const { createHash } = await import('node:crypto');
      const CodeSha256 = createHash('sha256').update(ZipFile).digest('base64');
      functions.set(FunctionName, { ...functions.get(FunctionName), CodeSha256 });
    },
    UpdateFunctionConfiguration({ FunctionName, ...rest }) {
      functions.set(FunctionName, { ...functions.get(FunctionName), ...rest });
    },
    GetFunctionEventInvokeConfig({ FunctionName }) {
      const found = settings.get(FunctionName);
      if (!found) throw absent();
      return { ...found, DestinationConfig: { OnSuccess: {}, OnFailure: {} } };
    },
    PutFunctionEventInvokeConfig: ({ FunctionName, ...rest }) => settings.set(FunctionName, rest),
    DeleteFunctionEventInvokeConfig: ({ FunctionName }) => settings.delete(FunctionName),
    GetFunctionConcurrency: () => ({}),
  };
  const call: Call = async (_service, operation, input) => {
    if (!operation.startsWith('Get')) changes.push(operation);
    return operations[operation]?.(input);
  };
  return { call, changes };
}

async function folderWith(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'redrive-template-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

test('deploying makes what is missing; again, it changes only what differs', async (t) => {
  const folder = await folderWith(t, {
    'template.yaml': APPLICATION,
    'index.mjs': 'export const handler = 1;',
  });
  const { call, changes } = fakeServices();
  const options = { call, region: 'us-east-1', accountId: '000000000000', stackName: 's' };
  const deploy = async (text: string) => {
    // The code is the whole folder, so the template lies beside it to keep the hash the same.
    const path = join(folder, '..', `${folder.split('/').at(-1)}.yaml`);
    await writeFile(path, text.replace('CodeUri: .', `CodeUri: ${folder}`));
    t.after(() => rm(path, { force: true }));
    changes.length = 0;
    return (await deployTemplate({ ...options, template: path })).resources.map(({ change }) => change);
  };
  assert.deepEqual(await deploy(APPLICATION), ['created', 'created']);
  assert.deepEqual(changes, ['CreateQueue', 'CreateFunction', 'PutFunctionEventInvokeConfig']);
  assert.deepEqual(await deploy(APPLICATION), ['unchanged', 'unchanged']);
  assert.deepEqual(changes, []);
  assert.deepEqual(await deploy(APPLICATION.replace('MaximumRetryAttempts: 1', 'MaximumRetryAttempts: 0')), [
    'unchanged',
    'updated',
  ]);
  assert.deepEqual(changes, ['PutFunctionEventInvokeConfig']);
  await writeFile(join(folder, 'index.mjs'), 'export const handler = 2;');
  await deploy(APPLICATION);
  assert.deepEqual(changes, ['UpdateFunctionCode', 'PutFunctionEventInvokeConfig']);
  await deploy(
    APPLICATION.replace('      EventInvokeConfig: {MaximumRetryAttempts: 1}\n', '      Timeout: 7\n'),
  );
  assert.deepEqual(changes, ['UpdateFunctionConfiguration', 'DeleteFunctionEventInvokeConfig']);
});

test('what a service refuses is told with the resource’s place', async (t) => {
  const folder = await folderWith(t, {
    'template.yaml': APPLICATION.replace('CodeUri: .', 'CodeUri: missing/'),
  });
  const { call } = fakeServices();
  await assert.rejects(
    deployTemplate({ template: join(folder, 'template.yaml'), call, region: 'r', accountId: '1' }),
    /template\.yaml:2:3: F: CodeUri: expected a folder, found nothing at /,
  );
});

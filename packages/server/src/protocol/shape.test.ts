import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadModel } from './model.ts';
import type { ServiceName } from './operation.ts';
import { compileValidator } from './shape.ts';

function check(
  service: ServiceName,
  operation: string,
  input: object,
): { name: string; message: string } | undefined {
  try {
    compileValidator(loadModel(service).operations.get(operation)!)(input as Record<string, unknown>);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

const ROLE = 'arn:aws:iam::000000000000:role/r';
const FUNCTION = { FunctionName: 'f', Role: ROLE, Code: {} };

test('a valid input passes', () => {
  assert.equal(
    check('lambda', 'CreateFunction', {
      ...FUNCTION,
      Handler: 'i.h',
      Timeout: 900,
      Architectures: ['arm64'],
    }),
    undefined,
  );
});

test('what must not be null', () => {
  assert.deepEqual(
    check('lambda', 'CreateFunction', { FunctionName: 'f' })?.message,
    "2 validation errors detected: Value null at 'role' failed to satisfy constraint: Member must not be null; " +
      "Value null at 'code' failed to satisfy constraint: Member must not be null",
  );
});

/** As recorded from AWS. */
const RECORDED: readonly (readonly [ServiceName, string, object, string])[] = [
  [
    'lambda',
    'CreateFunction',
    { ...FUNCTION, Architectures: ['X86_64'] },
    "1 validation error detected: Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]",
  ],
  [
    'lambda',
    'CreateFunction',
    { ...FUNCTION, Architectures: ['x86_64', 'arm64'] },
    "1 validation error detected: Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1",
  ],
  [
    'lambda',
    'CreateFunction',
    { ...FUNCTION, Role: 'r1' },
    "1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+",
  ],
  [
    'lambda',
    'CreateFunction',
    { ...FUNCTION, SnapStart: { ApplyOn: 'invalidOption' } },
    "1 validation error detected: Value 'invalidOption' at 'snapStart.applyOn' failed to satisfy constraint: Member must satisfy enum value set: [PublishedVersions, None]",
  ],
  [
    'lambda',
    'CreateAlias',
    { FunctionName: 'f', Name: '2024', FunctionVersion: '1' },
    "1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)",
  ],
  [
    'lambda',
    'PutProvisionedConcurrencyConfig',
    { FunctionName: 'f', Qualifier: '1', ProvisionedConcurrentExecutions: 0 },
    "1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 1",
  ],
  [
    'lambda',
    'PutFunctionRecursionConfig',
    { FunctionName: 'f', RecursiveLoop: 'InvalidValue' },
    "1 validation error detected: Value 'InvalidValue' at 'recursiveLoop' failed to satisfy constraint: Member must satisfy enum value set: [Terminate, Allow]",
  ],
];

for (const [service, operation, input, message] of RECORDED) {
  test(`as recorded: ${operation} of ${service}: ${message.slice(29, 70)}`, () => {
    assert.equal(check(service, operation, input)?.message, message);
  });
}

test('structures are printed as AWS prints them (the recording has `unit` before `dimensions`)', () => {
  const metricTransformations = [1, 2].map((n) => ({
    metricName: `metric${n}`,
    metricNamespace: `namespace${n}`,
    metricValue: '1',
  }));
  assert.equal(
    check('logs', 'PutMetricFilter', {
      logGroupName: 'g',
      filterName: 'f',
      filterPattern: '',
      metricTransformations,
    })?.message,
    "1 validation error detected: Value '[MetricTransformation(metricName=metric1, metricNamespace=namespace1, metricValue=1, defaultValue=null, dimensions=null, unit=null), MetricTransformation(metricName=metric2, metricNamespace=namespace2, metricValue=1, defaultValue=null, dimensions=null, unit=null)]' at 'metricTransformations' failed to satisfy constraint: Member must have length less than or equal to 1",
  );
});

test('members of list elements are named by their position', () => {
  assert.equal(
    check('cloudwatch', 'PutMetricData', {
      Namespace: 'n',
      MetricData: [{ MetricName: 'ok' }, { MetricName: 'm', Dimensions: [{ Name: '', Value: 'v' }] }],
    })?.message,
    "1 validation error detected: Value '' at 'metricData.2.member.dimensions.1.member.name' failed to satisfy constraint: Member must have length greater than or equal to 1",
  );
});

test('keys and values of maps', () => {
  const error = check('logs', 'TagResource', {
    resourceArn: 'arn:aws:logs:us-east-1:000000000000:log-group:g',
    tags: { 'bad{key': 'v', k: 'x'.repeat(257) },
  });
  assert.equal(error?.name, 'InvalidParameterException');
  assert.match(
    error!.message,
    /^2 validation errors detected: .*Map keys must satisfy constraint: \[Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: /,
  );
  assert.match(
    error!.message,
    /Map value must satisfy constraint: \[Member must have length less than or equal to 256, .*, Member must not be null\]$/,
  );
});

test('services with words of their own for what is missing', () => {
  const batch = check('sqs', 'SendMessageBatch', {
    QueueUrl: 'q',
    Entries: [{ Id: 'a', MessageBody: 'm' }, { Id: 'b' }],
  });
  assert.equal(batch?.name, 'MissingRequiredParameterException');
  assert.equal(
    batch?.message,
    'The request must contain the parameter SendMessageBatchRequestEntry.2.MessageBody.',
  );
  const alarm = check('cloudwatch', 'PutMetricData', {});
  assert.equal(alarm?.name, 'MissingRequiredParameterException');
});

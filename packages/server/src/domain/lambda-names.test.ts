import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatFunctionArn, parseFunctionArn, parseFunctionRef } from './lambda-names.ts';

const PLACE = { region: 'us-east-1', accountId: '111111111111' };
const ARN = 'arn:aws:lambda:us-east-1:111111111111:function:fn';

test('every form of a name', () => {
  const forms: [string, string | undefined, object][] = [
    ['fn', undefined, { name: 'fn' }],
    ['fn', '1', { name: 'fn', qualifier: '1' }],
    ['fn:live', undefined, { name: 'fn', qualifier: 'live' }],
    ['fn:live', 'live', { name: 'fn', qualifier: 'live' }],
    ['function:fn', undefined, { name: 'fn' }],
    [
      '111111111111:function:fn:$LATEST',
      undefined,
      { name: 'fn', qualifier: '$LATEST', accountId: '111111111111' },
    ],
    [ARN, undefined, { name: 'fn', region: 'us-east-1', accountId: '111111111111' }],
    [`${ARN}:7`, undefined, { name: 'fn', qualifier: '7', region: 'us-east-1', accountId: '111111111111' }],
    // Recorded: an ARN that ends too early names the function `function`.
    [
      'arn:aws:lambda:us-east-1:111111111111:function',
      undefined,
      { name: 'function', region: 'us-east-1', accountId: '111111111111' },
    ],
    [
      'arn:aws-cn:lambda:cn-north-1:111111111111:function:fn',
      undefined,
      { name: 'fn', region: 'cn-north-1', accountId: '111111111111' },
    ],
  ];
  for (const [name, qualifier, expected] of forms) {
    const parsed = JSON.parse(JSON.stringify(parseFunctionRef(name, qualifier)));
    assert.deepEqual(parsed, { kind: 'ref', ...expected }, name);
  }
});

test('what is no name', () => {
  for (const name of [
    '*',
    '',
    'fn!',
    'fn:invalid!',
    'invalid-account:function:fn',
    'arn:aws:lambda:invalid-region:111111111111:function:fn',
    'arn:aws:ec2:us-east-1:111111111111:instance:i-1',
    `${ARN}:1:2`,
    `${ARN}:$LATES`,
    'arn:aws:lambda::111111111111:function:fn',
    'arn:aws:lambda:us-east-1::function:fn',
  ]) {
    assert.deepEqual(parseFunctionRef(name), { kind: 'malformed' }, name);
  }
  assert.deepEqual(parseFunctionRef('fn:1', '2'), { kind: 'qualifierMismatch' });
});

test('a formatted ARN is read back', () => {
  const name = fc.stringMatching(/^[a-zA-Z0-9-_]{1,64}$/);
  const qualifier = fc.option(fc.oneof(fc.constant('$LATEST'), fc.stringMatching(/^[a-zA-Z0-9-_]{1,20}$/)), {
    nil: undefined,
  });
  fc.assert(
    fc.property(name, qualifier, (functionName, alias) => {
      const ref = parseFunctionArn(formatFunctionArn(PLACE, functionName, alias));
      assert.deepEqual(
        { name: ref?.name, qualifier: ref?.qualifier, region: ref?.region, accountId: ref?.accountId },
        { name: functionName, qualifier: alias, ...PLACE },
      );
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRefusal } from './refusal.ts';
import { addPermission, removePermission } from './sqs-policy.ts';

const queueArn = 'arn:aws:sqs:us-east-1:000000000000:q';
const grant = (label: string, accountIds = ['111111111111'], actions = ['ReceiveMessage']) => ({
  queueArn,
  label,
  accountIds,
  actions,
});
const granted = (policy: string | undefined, ...rest: Parameters<typeof grant>): string => {
  const result = addPermission(policy, grant(...rest));
  assert.ok(!isRefusal(result), JSON.stringify(result));
  return result;
};
const words = (result: unknown): string => {
  assert.ok(isRefusal(result));
  return result.message;
};

test('a life of permissions, as recorded', () => {
  const one = granted(undefined, 'a', ['111111111111', '222222222222']);
  assert.deepEqual(JSON.parse(one), {
    Version: '2008-10-17',
    Id: `${queueArn}/SQSDefaultPolicy`,
    Statement: [
      {
        Sid: 'a',
        Effect: 'Allow',
        Principal: { AWS: ['arn:aws:iam::111111111111:root', 'arn:aws:iam::222222222222:root'] },
        Action: 'SQS:ReceiveMessage',
        Resource: queueArn,
      },
    ],
  });
  assert.equal(
    words(addPermission(one, grant('a'))),
    'Value a for parameter Label is invalid. Reason: Already exists.',
  );
  const two = granted(one, 'b', ['111111111111'], ['SendMessage', 'DeleteMessage']);
  assert.deepEqual(JSON.parse(two).Statement[1].Action, ['SQS:SendMessage', 'SQS:DeleteMessage']);
  const left = removePermission(two, 'a') as string;
  assert.deepEqual(
    JSON.parse(left).Statement.map((each: { Sid: string }) => each.Sid),
    ['b'],
  );
  assert.equal(removePermission(left, 'b'), '');
  assert.equal(
    words(removePermission(undefined, 'b')),
    "Value b for parameter Label is invalid. Reason: can't find label.",
  );
});

test('permissions that AWS refuses', () => {
  assert.equal(
    words(addPermission(undefined, grant('a', ['1'.repeat(12)], []))),
    'The request must contain the parameter ActionName.',
  );
  assert.match(
    words(addPermission(undefined, grant('a', ['1'.repeat(12)], ['SendMessageBatch']))),
    /refer to the appropriate WSDL/,
  );
  assert.match(
    words(addPermission(undefined, grant('a', ['1'.repeat(12)], ['CreateQueue']))),
    /Only the queue owner/,
  );
  let policy: string | undefined;
  for (let i = 0; i < 20; i++) policy = granted(policy, `p${i}`);
  assert.equal(
    words(addPermission(policy, grant('p20'))),
    '21 Statements were found, maximum allowed is 20.',
  );
});

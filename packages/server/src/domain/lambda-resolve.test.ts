import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Resources } from '../store/store.ts';
import { createRecord } from './lambda-configuration.ts';
import { LAMBDA_COLLECTIONS } from './lambda-function.ts';
import { publish } from './lambda-publish.ts';
import { chooseVersion, resolveTarget } from './lambda-resolve.ts';

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:fn';
const record = createRecord(
  { name: 'fn', region: 'us-east-1', accountId: '000000000000', revisionId: 'r', lastModifiedAt: 0 },
  { codeSha256: 'aa', codeSize: 1 },
  { runtime: 'nodejs24.x', handler: 'index.handler', role: 'role', deadLetterTargetArn: 'dlq-1' },
);
const { version, latest } = publish(record, undefined, ['v1', 'r2']);
const C = LAMBDA_COLLECTIONS;

const stored: [string, string, object][] = [
  [C.functions, 'fn', { ...latest, deadLetterTargetArn: 'dlq-latest' }],
  [C.versions, 'fn:1', version],
  [C.versions, 'fn:2', { ...version, version: '2' }],
  [
    C.aliases,
    'fn:live',
    {
      name: 'live',
      functionVersion: '1',
      description: '',
      revisionId: 'a',
      additionalVersionWeights: { '2': 0.25 },
    },
  ],
  [C.aliases, 'fn:broken', { name: 'broken', functionVersion: '9', description: '', revisionId: 'b' }],
  [C.eventInvokeConfigs, 'fn:live', { maximumRetryAttempts: 0, lastModifiedAt: 0 }],
  [C.concurrency, 'fn', { reserved: 3 }],
];

const byKey = new Map(
  stored.map(([collection, key, value]) => [`${collection} ${key}`, { key, version: 1, value }]),
);
const resources = {
  get: (collection: string, key: string) => byKey.get(`${collection} ${key}`),
} as unknown as Resources;
const draw = (next: number) => ({ next: () => next, bytes: () => Buffer.alloc(0) });
const resolve = (qualifier?: string, random = 0.9) => resolveTarget(resources, 'fn', qualifier, draw(random));

test('unqualified: $LATEST, with its own dead-letter queue; the ARN in records is qualified', () => {
  const target = resolve();
  assert.ok(target.kind === 'target');
  assert.deepEqual(
    [target.invokedFunctionArn, target.qualifiedArn, target.executedVersion, target.deadLetterArn],
    [ARN, `${ARN}:$LATEST`, '$LATEST', 'dlq-latest'],
  );
  assert.equal(target.eventInvokeConfig, undefined);
  assert.equal(target.reservedConcurrency, 3);
});

test('an alias: its own settings, its name in both ARNs, the version it drew', () => {
  for (const [random, expected] of [
    [0.9, '1'],
    [0.1, '2'],
  ] as const) {
    const target = resolve('live', random);
    assert.ok(target.kind === 'target');
    assert.deepEqual(
      [target.invokedFunctionArn, target.qualifiedArn, target.executedVersion, target.deadLetterArn],
      [`${ARN}:live`, `${ARN}:live`, expected, 'dlq-1'],
    );
    assert.equal(target.eventInvokeConfig?.maximumRetryAttempts, 0);
  }
});

test('what does not exist', () => {
  assert.deepEqual(resolveTarget(resources, 'nobody', undefined, draw(0)), {
    kind: 'notFound',
    name: 'nobody',
    qualifier: '$LATEST',
  });
  for (const qualifier of ['7', 'nobody', 'broken']) assert.equal(resolve(qualifier).kind, 'notFound');
});

test('the snapshot for the executor is made once per record', () => {
  const [first, second] = [resolve('1'), resolve('1')];
  assert.ok(first.kind === 'target' && second.kind === 'target');
  assert.equal(first.spec, second.spec);
});

test('weights are shares', () => {
  const alias = { name: 'a', functionVersion: '1', description: '', revisionId: 'r' };
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (weight) => {
      const weighted = { ...alias, additionalVersionWeights: { '2': weight } };
      const draws = Array.from({ length: 1000 }, (_, i) => i / 1000);
      const share = draws.filter((each) => chooseVersion(weighted, each) === '2').length / draws.length;
      assert.ok(Math.abs(share - weight) <= 0.001, `${share} of ${weight}`);
    }),
  );
});

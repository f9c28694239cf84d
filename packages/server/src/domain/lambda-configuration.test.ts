import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  applyCode,
  applyConfiguration,
  type ConfigurationChange,
  checkConfiguration,
  createRecord,
  sameContent,
} from './lambda-configuration.ts';
import { publish } from './lambda-publish.ts';

const base = createRecord(
  { name: 'fn', region: 'us-east-1', accountId: '000000000000', revisionId: 'r1', lastModifiedAt: 1 },
  { codeSha256: 'aa', codeSize: 1 },
  { runtime: 'nodejs24.x', handler: 'index.handler', role: 'role', deadLetterTargetArn: 'dlq' },
);
const revision = { revisionId: 'r2', lastModifiedAt: 2 };
const change: fc.Arbitrary<ConfigurationChange> = fc.record(
  {
    handler: fc.constantFrom('index.handler', 'other.handler'),
    description: fc.string({ maxLength: 5 }),
    timeoutSeconds: fc.integer({ min: 1, max: 900 }),
    memoryMb: fc.integer({ min: 128, max: 10_240 }),
    environment: fc.dictionary(fc.constantFrom('A', 'B'), fc.string({ maxLength: 3 })),
    deadLetterTargetArn: fc.constantFrom('', 'dlq', 'other'),
    logging: fc.record({ format: fc.constantFrom('Text' as const, 'JSON' as const) }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

test('defaults of a new function', () => {
  assert.deepEqual(
    [base.timeoutSeconds, base.memoryMb, base.ephemeralStorageMb, base.tracingMode, base.architectures],
    [3, 128, 512, 'PassThrough', ['x86_64']],
  );
  assert.deepEqual(base.logging, { format: 'Text', group: '/aws/lambda/fn' });
});

test('an empty change changes nothing but the revision', () => {
  const next = applyConfiguration(base, {}, revision);
  assert.ok(sameContent(base, next));
  assert.equal(next.runRevision, base.runRevision);
  assert.equal(next.revisionId, 'r2');
});

test('applying a change twice is applying it once; what it does not name stays', () => {
  fc.assert(
    fc.property(change, (given) => {
      const once = applyConfiguration(base, given, revision);
      assert.ok(sameContent(once, applyConfiguration(once, given, revision)));
      if (given.timeoutSeconds === undefined) assert.equal(once.timeoutSeconds, base.timeoutSeconds);
      if (given.deadLetterTargetArn === undefined) assert.equal(once.deadLetterTargetArn, 'dlq');
      if (given.deadLetterTargetArn === '') assert.equal(once.deadLetterTargetArn, undefined);
    }),
  );
});

test('processes are replaced, and a new version is due, exactly when the content changed', () => {
  const { latest } = publish(base, undefined, ['v', 'r1']);
  fc.assert(
    fc.property(change, (given) => {
      const next = applyConfiguration(latest, given, revision);
      const same = sameContent(latest, next);
      assert.equal(next.runRevision === latest.runRevision, same);
      assert.equal(next.publishedAs === '1', same);
      assert.equal(next.lastPublished, 1, 'numbers are never used twice');
    }),
  );
});

test('content is the same after the store has had it', () => {
  fc.assert(
    fc.property(change, (given) => {
      const next = applyConfiguration(base, given, revision);
      assert.ok(sameContent(next, JSON.parse(JSON.stringify(next))));
    }),
  );
});

test('code: the same zip is no change', () => {
  assert.equal(applyCode(base, { codeSha256: 'aa', codeSize: 1 }, revision).runRevision, base.runRevision);
  assert.equal(applyCode(base, { codeSha256: 'bb', codeSize: 1 }, revision).runRevision, 'r2');
});

test('log levels exist in JSON only', () => {
  const json = applyConfiguration(base, { logging: { format: 'JSON', systemLevel: 'DEBUG' } }, revision);
  assert.deepEqual(json.logging, {
    format: 'JSON',
    group: '/aws/lambda/fn',
    applicationLevel: 'INFO',
    systemLevel: 'DEBUG',
  });
  const text = applyConfiguration(json, { logging: { format: 'Text' } }, revision);
  assert.deepEqual(text.logging, { format: 'Text', group: '/aws/lambda/fn' });
  assert.ok(checkConfiguration({ logging: { systemLevel: 'DEBUG' } }, base));
  assert.equal(checkConfiguration({ logging: { systemLevel: 'DEBUG' } }, json), undefined);
});

test('ranges are refused one past their ends, and not at them', () => {
  const ranges = [
    ['timeoutSeconds', 'timeout', 1, 900],
    ['memoryMb', 'memorySize', 128, 10_240],
    ['ephemeralStorageMb', 'ephemeralStorage.size', 512, 10_240],
  ] as const;
  for (const [member, name, min, max] of ranges) {
    for (const value of [min, max]) assert.equal(checkConfiguration({ [member]: value }), undefined);
    assert.match(
      checkConfiguration({ [member]: max + 1 })?.message ?? '',
      new RegExp(`Value '${max + 1}' at '${name}' .* less than or equal to ${max}`),
    );
    assert.match(checkConfiguration({ [member]: min - 1 })?.message ?? '', /greater than or equal to/);
  }
});

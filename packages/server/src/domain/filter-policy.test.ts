import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkFilterPolicy, compileFilterPolicy, type FilterPolicyScope } from './filter-policy.ts';

function refusal(policy: unknown, scope: FilterPolicyScope = 'MessageAttributes'): string | undefined {
  const text = typeof policy === 'string' ? policy : JSON.stringify(policy);
  return checkFilterPolicy(text, scope)?.message;
}

/** [policy, message, column] as recorded from AWS. */
const RECORDED: readonly [string, string, number][] = [
  ['{"key":[["value"]]}', 'Match value must be String, number, true, false, or null', 10],
  ['{"key":[{"wrong-operator":true}]}', 'Unrecognized match type wrong-operator', 31],
  ['{"key":[{"suffix":"value","prefix":"value2"}]}', 'Only one key allowed in match expression', 37],
  ['{"key":[{"suffix":100}]}', 'suffix match pattern must be a string', 22],
  ['{"key":[{"suffix":null}]}', 'suffix match pattern must be a string', 23],
  ['{"key":[{"suffix":[]}]}', 'suffix match pattern must be a string', 20],
  ['{"key":[{"suffix":["test","test2"]}]}', 'suffix match pattern must be a string', 20],
  ['{"key":{"suffix":"value"}}', '"suffix" must be an object or an array', 19],
  ['{"key":{"suffix":"value","prefix":"value"}}', '"suffix" must be an object or an array', 19],
  ['{"key":{"not-an-operator":"value"}}', '"not-an-operator" must be an object or an array', 28],
  ['{"key_a":"value_one"}', '"key_a" must be an object or an array', 11],
  ['{"key":[{"numeric":[]}]}', 'Invalid member in numeric match: ]', 22],
  ['{"key":[{"numeric":["operator"]}]}', 'Unrecognized numeric range operator: operator', 32],
  ['{"key":[{"numeric":[1,"<="]}]}', 'Invalid member in numeric match: 1', 22],
  ['{"key":[{"numeric":["=","000"]}]}', 'Value of equals must be numeric', 26],
  ['{"key":[{"numeric":[">="]}]}', 'Value of >= must be numeric', 26],
  ['{"key":[{"numeric":["<",100,">",10]}]}', 'Too many elements in numeric expression', 30],
  ['{"key":[{"numeric":[">=",1,">",2]}]}', 'Bad numeric range operator: >', 31],
  ['{"key":[{"numeric":[">",3,"<",1]}]}', 'Bottom must be less than top', 33],
  ['{"key":[{"numeric":[">",20,"<="]}]}', 'Value of <= must be numeric', 33],
  ['{"key":[{"numeric":[">",20,30]}]}', 'Bad value in numeric range: 30', 30],
  ['{"key":[{"numeric":[">",20,"test"]}]}', 'Bad numeric range operator: test', 34],
  ['{"key":[{"numeric":[">","20","<","30"]}]}', 'Value of > must be numeric', 26],
  ['{"key":[{"numeric":[">",20,"<","30"]}]}', 'Value of < must be numeric', 33],
  ['{"key":[{"numeric":[">",20,"<",30,"<",50]}]}', 'Too many terms in numeric range expression', 36],
  ['{"key":[{"exists":null}]}', 'exists match pattern must be either true or false.', 23],
  ['{"key":[{"exists":"no"}]}', 'exists match pattern must be either true or false.', 20],
  [
    '{"key":[{"anything-but":{"wrong-operator":null}}]}',
    'Unsupported anything-but pattern: wrong-operator',
    47,
  ],
  ['{"key":[{"anything-but":{"suffix":"test"}}]}', 'Unsupported anything-but pattern: suffix', 36],
  ['{"key":[{"anything-but":{"exists":false}}]}', 'Unsupported anything-but pattern: exists', 40],
  ['{"key":[{"anything-but":{"prefix":false}}]}', 'prefix match pattern must be a string', 40],
];
/** Likewise, of texts that are no JSON. */
const NO_JSON: readonly [string, string, number][] = [
  [
    '{invalidjson}',
    "Unexpected character ('i' (code 105)): was expecting double-quote to start field name",
    2,
  ],
  [
    'invalid',
    "Unrecognized token 'invalid': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
    8,
  ],
];

test('refusals, with the place that AWS names', () => {
  for (const [policy, message, column] of RECORDED) {
    const at = `\n at [Source: (String)"${policy}"; line: 1, column: ${column}]`;
    assert.equal(refusal(policy, 'MessageBody'), `Invalid parameter: FilterPolicy: ${message}${at}`);
  }
  for (const [policy, fault, column] of NO_JSON) {
    const at = `\n at [Source: REDACTED (\`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION\` disabled); line: 1, column: ${column}]`;
    assert.equal(refusal(policy), `Invalid parameter: FilterPolicy: failed to parse JSON. ${fault}${at}`);
  }
});

test('limits', () => {
  const six = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`k${i}`, ['v']]));
  assert.equal(refusal(six), 'Invalid parameter: FilterPolicy: Filter policy can not have more than 5 keys');
  const values = (count: number) => Array.from({ length: count }, (_, i) => `v${i}`);
  assert.equal(refusal({ a: values(150) }), undefined);
  assert.equal(refusal({ a: values(151) }), 'Invalid parameter: FilterPolicy: Filter policy is too complex');
  assert.match(refusal({ a: values(13), b: values(12) }) ?? '', /too complex/);
  // The documentation's example: (3 × 4) × (2 × 2) × 1 …
  assert.equal(refusal({ a: { b: { c: values(4) } }, d: { e: values(3) } }, 'MessageBody'), undefined);
  assert.match(
    refusal({ a: { b: { c: values(4) } }, d: { e: values(7) } }, 'MessageBody') ?? '',
    /too complex/,
  );
  assert.equal(
    refusal({ a: { b: ['x'] } }),
    'Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy',
  );
});

const number = (value: string) => ({ DataType: 'Number', StringValue: value });
const text = (value: string) => ({ DataType: 'String', StringValue: value });

test('policies on attributes', () => {
  const passes = (policy: unknown, attributes: object) =>
    compileFilterPolicy(
      JSON.stringify(policy),
      'MessageAttributes',
    )({ body: '', attributes: attributes as never });
  const range = { attr1: [{ numeric: ['>', 0, '<=', 100] }] };
  assert.ok(passes(range, { attr1: number('99.12') }));
  assert.ok(!passes(range, { attr1: number('111') }));
  assert.ok(!passes(range, { attr1: text('99') }));
  assert.ok(!passes(range, {}));
  assert.ok(passes({ store: [{ exists: true }] }, { store: number('99') }));
  assert.ok(passes({ store: [{ exists: false }] }, { def: number('99') }));
  const list = { DataType: 'String.Array', StringValue: '["value1","value2",3,null]' };
  assert.ok(passes({ store: ['value1'] }, { store: list }));
  assert.ok(passes({ store: [3] }, { store: list }));
  assert.ok(!passes({ store: ['value3'] }, { store: list }));
  assert.ok(passes({ 'a.b': ['x'] }, { 'a.b': text('x') }));
  assert.ok(!passes({ b: [{ exists: true }] }, { b: { DataType: 'Binary', BinaryValue: 'AA==' } }));
  assert.ok(passes({ $or: [{ a: ['x'] }, { b: [{ prefix: 'y' }] }] }, { b: text('yz') }));
});

test('policies on bodies', () => {
  const passes = (policy: unknown, body: unknown) =>
    compileFilterPolicy(
      JSON.stringify(policy),
      'MessageBody',
    )({
      body: typeof body === 'string' ? body : JSON.stringify(body),
      attributes: {},
    });
  assert.ok(passes({ object: { key: [{ prefix: 'auto-' }, 'x'] } }, { object: { key: 'auto-test' } }));
  assert.ok(!passes({ object: { key: [{ prefix: 'auto-' }] } }, 'not json'));
  assert.ok(!passes({ object: { key: [{ prefix: 'auto-' }] } }, '"text"'));
  // Dots and nesting are one (observed).
  for (const body of [
    { object: { nested: { test: 'string.value' } } },
    { 'object.nested.test': 'string.value' },
    { 'object.nested': { test: 'string.value' } },
    { object: { 'nested.test': 'string.value' } },
  ]) {
    assert.ok(passes({ 'object.nested.test': ['string.value'] }, body));
    assert.ok(passes({ object: { nested: { test: ['string.value'] } } }, body));
  }
  const routes = (...names: string[]) => ({ headers: { 'route-to': names } });
  assert.ok(passes({ headers: { 'route-to': ['queue1'] } }, routes('queue2', 'queue1')));
  assert.ok(!passes({ headers: { 'route-to': ['queue1'] } }, routes('queue2')));
  const s3 = {
    Records: { eventName: [{ prefix: 'ObjectCreated:' }], s3: { object: { key: [{ prefix: 'auto-' }] } } },
  };
  const record = (eventName: string, object: unknown) => ({ eventName, s3: { object } });
  assert.ok(
    passes(s3, {
      Records: [record('ObjectCreated:Put', [[{ key: 'auto-1' }]]), record('ObjectRemoved', {})],
    }),
  );
  assert.ok(
    !passes(s3, {
      Records: [record('ObjectCreated:Put', { key: 'home' }), record('ObjectRemoved', { key: 'auto-1' })],
    }),
  );
});

test('no text breaks the check, and what passes compiles', () => {
  const scopes: FilterPolicyScope[] = ['MessageAttributes', 'MessageBody'];
  const policies = fc.oneof(
    fc.string(),
    fc.json(),
    fc.object({ withNullPrototype: false }).map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(policies, fc.constantFrom(...scopes), (policy, scope) => {
      if (checkFilterPolicy(policy, scope)) return;
      compileFilterPolicy(policy, scope)({ body: '{}', attributes: {} });
    }),
  );
});

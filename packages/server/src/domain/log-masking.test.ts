/** Embedded metrics and data protection: what is found in lines, and that nothing hostile in them takes long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEmbedded } from './embedded-metrics.ts';
import { compilePolicy, PolicyError } from './log-masking.ts';

const DOCUMENT = {
  _aws: {
    Timestamp: 1574109732004,
    CloudWatchMetrics: [
      {
        Namespace: 'app',
        Dimensions: [['functionVersion'], []],
        Metrics: [
          { Name: 'time', Unit: 'Milliseconds' },
          { Name: 'sizes', StorageResolution: 1 },
        ],
      },
    ],
  },
  functionVersion: '$LATEST',
  time: 100,
  sizes: [1, 2],
};

test('an embedded document is a sample for each value and set of dimensions', () => {
  const found = readEmbedded(`2026-01-01T00:00:00Z\tid\tINFO\t${JSON.stringify(DOCUMENT)}\n`);
  assert.equal(found.kind, 'samples');
  const samples = found.kind === 'samples' ? found.samples : [];
  assert.equal(samples.length, 6);
  assert.deepEqual(samples[0], {
    namespace: 'app',
    name: 'time',
    unit: 'Milliseconds',
    dimensions: { functionVersion: '$LATEST' },
    value: 100,
    at: 1574109732004,
    periodMs: 60_000,
  });
  assert.deepEqual(
    samples.filter(({ name }) => name === 'sizes').map(({ value, periodMs }) => [value, periodMs]),
    [
      [1, 1000],
      [2, 1000],
      [1, 1000],
      [2, 1000],
    ],
  );
});

test('a document that breaks the rules is told from an ordinary line', () => {
  const without = (change: object) => readEmbedded(JSON.stringify({ ...DOCUMENT, ...change })).kind;
  assert.equal(without({ time: 'fast' }), 'invalid');
  assert.equal(without({ functionVersion: 1 }), 'invalid');
  assert.equal(without({ _aws: { CloudWatchMetrics: [] } }), 'invalid');
  assert.equal(readEmbedded('talks about "CloudWatchMetrics" only').kind, 'none');
  assert.equal(readEmbedded('{"a":1}').kind, 'none');
});

const policy = (identifiers: string[], custom: object[] = []) =>
  JSON.stringify({
    Name: 'p',
    Version: '2021-06-01',
    Statement: [
      { DataIdentifier: identifiers, Operation: { Audit: { FindingsDestination: {} } } },
      { DataIdentifier: identifiers, Operation: { Deidentify: { MaskConfig: {} } } },
    ],
    Configuration: { CustomDataIdentifier: custom },
  });

test('what the policy names is masked, letter for letter', () => {
  const mask = compilePolicy(
    policy(
      ['arn:aws:dataprotection::aws:data-identifier/EmailAddress', 'CreditCardNumber', 'IpAddress', 'Badge'],
      [{ Name: 'Badge', Regex: 'B-\\d+' }],
    ),
  );
  assert.equal(mask('mail ann@example.com now'), 'mail *************** now');
  assert.equal(mask('card 4111 1111 1111 1111.'), 'card *******************.');
  // Fails Luhn's check: an order number, not a card.
  assert.equal(mask('order 4111 1111 1111 1112.'), 'order 4111 1111 1111 1112.');
  assert.equal(mask('from 10.0.0.255 badge B-42'), 'from ********** badge ****');
  assert.equal(mask('nothing here'), 'nothing here');
});

test('a policy that cannot be kept is refused', () => {
  for (const bad of [
    '',
    '{}',
    policy([]),
    policy(['Mystery']),
    policy(['X'], [{ Name: 'X', Regex: '(?=a)' }]),
  ]) {
    assert.throws(() => compilePolicy(bad), PolicyError, bad);
  }
});

test('hostile lines take linear time', () => {
  const mask = compilePolicy(policy(['EmailAddress', 'CreditCardNumber', 'AwsSecretKey', 'PkcsPrivateKey']));
  const began = performance.now();
  for (const line of [
    'a.'.repeat(20_000),
    '1 '.repeat(20_000),
    '-----BEGIN PRIVATE KEY-----'.repeat(500),
    'x@'.repeat(20_000),
  ]) {
    mask(line);
    readEmbedded(`"CloudWatchMetrics"${line}{`);
  }
  assert.ok(performance.now() - began < 3000);
});

/** The tables of "Configuring how CloudWatch alarms treat missing data", and rules of composite alarms. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AlarmPolicy, evaluateAlarm, type RangePoint } from './alarm-evaluation.ts';
import { formatReason } from './alarm-reason.ts';
import { evaluateRule, parseRule, RuleError } from './alarm-rule.ts';

const policy = (m: number, treatMissingData: string, n = 3): AlarmPolicy => ({
  evaluationPeriods: n,
  datapointsToAlarm: m,
  threshold: 0,
  comparison: 'GreaterThanThreshold',
  treatMissingData,
});
/** `0` fine, `X` breaching, `-` no data; the newest is on the right. */
const range = (drawn: string): RangePoint[] =>
  drawn
    .split(' ')
    .map((mark, index) => ({ at: index * 60_000, value: mark === '-' ? undefined : mark === 'X' ? 1 : 0 }));

const KEEP = 'keep';
const TABLE: readonly [
  m: number,
  points: string,
  missing: string,
  ignore: string,
  breaching: string,
  notBreaching: string,
][] = [
  [3, '0 - X - X', 'OK', 'OK', 'OK', 'OK'],
  [3, '0 - - - -', 'OK', 'OK', 'OK', 'OK'],
  [3, '- - - - -', 'INSUFFICIENT_DATA', KEEP, 'ALARM', 'OK'],
  [3, '0 X X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  [3, '- - X - -', 'ALARM', KEEP, 'ALARM', 'OK'],
  [2, '0 - X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  [2, '0 0 X 0 X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  [2, '0 - X - -', 'OK', 'OK', 'ALARM', 'OK'],
  [2, '- - - - 0', 'OK', 'OK', 'ALARM', 'OK'],
  [2, '- - - X -', 'ALARM', KEEP, 'ALARM', 'OK'],
];

for (const [m, points, ...expected] of TABLE) {
  test(`${m} of 3: ${points}`, () => {
    const found = ['missing', 'ignore', 'breaching', 'notBreaching'].map((rule) => {
      const evaluation = evaluateAlarm(policy(m, rule), range(points));
      return evaluation.kind === 'keep' ? KEEP : evaluation.value;
    });
    assert.deepEqual(found, expected);
  });
}

test('too little that breaches does not fire before its time', () => {
  for (const points of ['- - - - X', '- - - X -']) {
    const evaluation = evaluateAlarm(policy(3, 'missing'), range(points));
    assert.notEqual(evaluation.kind === 'state' && evaluation.value, 'ALARM', points);
  }
});

test('with enough points the rule for missing data never matters', () => {
  const marks = fc.array(fc.constantFrom('0', 'X', '-'), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(marks, fc.integer({ min: 1, max: 3 }), (drawn, m) => {
      if (drawn.filter((mark) => mark !== '-').length < 3) return;
      const states = ['missing', 'ignore', 'breaching', 'notBreaching'].map((rule) =>
        JSON.stringify(evaluateAlarm(policy(m, rule), range(drawn.join(' ')))),
      );
      assert.equal(new Set(states).size, 1);
    }),
  );
});

test('reasons are AWS’s', () => {
  const at = Date.UTC(2026, 1, 26, 10, 13);
  const single = { ...policy(1, 'missing', 1), threshold: 21 };
  const one = evaluateAlarm(single, [{ at, value: 21.5 }]);
  assert.equal(
    one.kind === 'state' && formatReason(single, one, 'OK'),
    'Threshold Crossed: 1 datapoint [21.5 (26/02/26 10:13:00)] was greater than the threshold (21.0).',
  );
  const none = evaluateAlarm(policy(2, 'breaching', 2), range('- - - -'));
  assert.equal(
    none.kind === 'state' && formatReason(policy(2, 'breaching', 2), none, 'OK'),
    'Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching].',
  );
});

test('rules of composite alarms', () => {
  const states: Record<string, 'OK' | 'ALARM' | 'INSUFFICIENT_DATA'> = {
    a: 'ALARM',
    b: 'OK',
    'c d': 'INSUFFICIENT_DATA',
  };
  const holds = (rule: string) => evaluateRule(parseRule(rule), (name) => states[name]);
  assert.ok(holds('ALARM(a)'));
  assert.ok(holds('ALARM(a) AND OK("b") AND NOT ALARM(b)'));
  assert.ok(holds('FALSE OR (INSUFFICIENT_DATA("c d") AND TRUE)'));
  assert.ok(holds('ALARM(b) AND FALSE OR ALARM(a)'));
  assert.ok(holds('ALARM(arn:aws:cloudwatch:us-east-1:000000000000:alarm:a)'));
  assert.ok(!holds('OK(unknown)'));
  for (const bad of [
    '',
    'ALARM(a',
    'ALARM a',
    'ALARM(a) ALARM(b)',
    'NOT',
    '(TRUE',
    'TRUE)',
    'maybe',
    `${'('.repeat(200)}TRUE${')'.repeat(200)}`,
  ]) {
    assert.throws(() => parseRule(bad), RuleError, bad);
  }
});

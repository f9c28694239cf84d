/** Why an alarm is in its state, in AWS's words. Source: recordings; "Using Amazon CloudWatch alarms". */
import type { AlarmStateValue } from './alarm.ts';
import type { AlarmPolicy, Evaluation } from './alarm-evaluation.ts';

const WORDS: Readonly<Record<string, string>> = {
  GreaterThanThreshold: 'greater than',
  GreaterThanOrEqualToThreshold: 'greater than or equal to',
  LessThanThreshold: 'less than',
  LessThanOrEqualToThreshold: 'less than or equal to',
};

/** Numbers as Java prints doubles: `21.0`. */
function double(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** `26/02/26 10:13:00`: day, month, year. */
function shortDate(at: number): string {
  const [date = '', time = ''] = new Date(at).toISOString().slice(0, 19).split('T');
  const [year = '', month, day] = date.split('-');
  return `${day}/${month}/${year.slice(2)} ${time}`;
}

export function formatReason(
  policy: AlarmPolicy,
  evaluation: Evaluation & { kind: 'state' },
  old: AlarmStateValue,
): string {
  const { value, points, filled } = evaluation;
  const { evaluationPeriods: n, datapointsToAlarm: m } = policy;
  if (value === 'INSUFFICIENT_DATA') {
    return n === 1
      ? 'Insufficient Data: 1 datapoint was unknown.'
      : `Insufficient Data: ${n} datapoints were unknown.`;
  }
  if (points.length === 0) {
    const rule = policy.treatMissingData === 'breaching' ? 'Breaching' : 'NonBreaching';
    return `Threshold Crossed: no datapoints were received for ${periods(n)} and ${missing(filled)} treated as [${rule}].`;
  }
  const shown = points.map((point) => `${double(point.value)} (${shortDate(point.at)})`).join(', ');
  const crossed = `${value === 'ALARM' ? '' : 'not '}${WORDS[policy.comparison]} the threshold (${double(policy.threshold)})`;
  if (n === 1) return `Threshold Crossed: 1 datapoint [${shown}] was ${crossed}.`;
  const needed = value === 'ALARM' ? m : n - m + 1;
  const minimum = `(minimum ${needed} ${needed === 1 ? 'datapoint' : 'datapoints'} for ${old} -> ${value} transition)`;
  const verb = points.length === 1 ? 'was' : 'were';
  return `Threshold Crossed: ${points.length} out of the last ${n} datapoints [${shown}] ${verb} ${crossed} ${minimum}.`;
}

function periods(count: number): string {
  return count === 1 ? '1 period' : `${count} periods`;
}
function missing(count: number): string {
  return count === 1 ? '1 missing datapoint was' : `${count} missing datapoints were`;
}

/** `2026-02-26T10:14:00.123+0000` */
export function awsTime(at: number): string {
  return new Date(at).toISOString().replace('Z', '+0000');
}

/** JSON text that goes with the reason. */
export function formatReasonData(
  policy: AlarmPolicy,
  evaluation: Evaluation & { kind: 'state' },
  facts: {
    readonly now: number;
    readonly statistic?: string;
    readonly unit?: string;
    readonly period: number;
    readonly samples: ReadonlyMap<number, number>;
  },
): string {
  const oldestFirst = [...evaluation.points].reverse();
  const first = oldestFirst[0];
  return JSON.stringify({
    version: '1.0',
    queryDate: awsTime(facts.now),
    startDate: first && awsTime(first.at),
    unit: facts.unit,
    statistic: facts.statistic,
    period: facts.period,
    recentDatapoints: oldestFirst.map(({ value }) => value),
    threshold: policy.threshold,
    evaluatedDatapoints: evaluation.points.map(({ at, value }) => ({
      timestamp: awsTime(at),
      sampleCount: facts.samples.get(at),
      value,
    })),
  });
}

/**
 * What state a metric alarm's points mean. Source: "Alarm evaluation" and "Configuring how CloudWatch alarms treat
 * missing data"; the tables of those pages are the tests.
 */
import type { AlarmStateValue } from './alarm.ts';

export interface AlarmPolicy {
  /** N: periods that count. */
  readonly evaluationPeriods: number;
  /** M: of those, how many must breach. */
  readonly datapointsToAlarm: number;
  readonly threshold: number;
  readonly comparison: string;
  readonly treatMissingData: string;
}

/** One period of the evaluation range; `value` is absent where no data came. */
export interface RangePoint {
  /** Start of the period, epoch ms. */
  readonly at: number;
  readonly value?: number;
}

export type Evaluation =
  | {
      readonly kind: 'state';
      readonly value: AlarmStateValue;
      /** Real points that were looked at, newest first. */
      readonly points: readonly Required<RangePoint>[];
      /** Gaps that were treated as the rule says. */
      readonly filled: number;
    }
  /** The state stays what it is (`ignore`). */
  | { readonly kind: 'keep' };

/** Periods that are fetched beyond N, so that late data still counts. AWS does not publish the number; 5 for N = 3. */
const EXTRA_PERIODS = 2;

export function evaluationRange(policy: Pick<AlarmPolicy, 'evaluationPeriods'>): number {
  return policy.evaluationPeriods + EXTRA_PERIODS;
}

const COMPARISONS: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};
export const SUPPORTED_COMPARISONS = Object.keys(COMPARISONS);

export function breaches(policy: AlarmPolicy, value: number): boolean {
  return COMPARISONS[policy.comparison]?.(value, policy.threshold) ?? false;
}

/** @param range the whole evaluation range, oldest first */
export function evaluateAlarm(policy: AlarmPolicy, range: readonly RangePoint[]): Evaluation {
  const { evaluationPeriods: n, datapointsToAlarm: m, treatMissingData } = policy;
  const real = range
    .filter((point): point is Required<RangePoint> => point.value !== undefined)
    .reverse()
    .slice(0, n);
  const breaching = real.filter(({ value }) => breaches(policy, value)).length;
  const state = (value: AlarmStateValue, filled = 0): Evaluation => ({
    kind: 'state',
    value,
    points: real,
    filled,
  });

  if (real.length >= n) return state(breaching >= m ? 'ALARM' : 'OK');
  const gaps = n - real.length;
  if (treatMissingData === 'breaching') return state(breaching + gaps >= m ? 'ALARM' : 'OK', gaps);
  if (treatMissingData === 'notBreaching') return state(breaching >= m ? 'ALARM' : 'OK', gaps);
  if (breaching >= m) return state('ALARM');
  if (real.length === 0) return treatMissingData === 'ignore' ? { kind: 'keep' } : state('INSUFFICIENT_DATA');
  if (breaching < real.length) return state('OK');
  // Everything that came breaches, but less came than is needed.
  if (treatMissingData === 'ignore') return { kind: 'keep' };
  const window = range.slice(-n);
  const oldest = window.findIndex(({ value }) => value !== undefined);
  const age = oldest === -1 ? 0 : window.length - oldest;
  return state(age >= m ? 'ALARM' : 'OK');
}

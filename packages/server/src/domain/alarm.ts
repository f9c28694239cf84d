/** Alarms as they are kept. Source: PutMetricAlarm, PutCompositeAlarm. */
import type { JsonObject } from '../store/store.ts';

/** Keyed by the alarm's name. */
export const ALARMS = 'alarms';
/** Store group of the history's lines, one stream an alarm; no log group has a colon in its name. */
export const ALARM_HISTORY_GROUP = 'redrive:alarm-history';
/** Source: DescribeAlarmHistory. */
export const ALARM_HISTORY_MS = 14 * 86_400_000;

export type AlarmStateValue = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export interface AlarmState extends JsonObject {
  value: AlarmStateValue;
  reason: string;
  /** JSON text. */
  reasonData?: string;
  /** Epoch ms: last written; last changed to another value. */
  updatedAt: number;
  transitionedAt: number;
}

/** A query of `Metrics`, in the form it came in. */
export interface AlarmQuery extends JsonObject {
  Id: string;
  Expression?: string;
  Label?: string;
  ReturnData?: boolean;
  Period?: number;
  MetricStat?: {
    Metric: { Namespace: string; MetricName: string; Dimensions?: { Name: string; Value: string }[] };
    Period: number;
    Stat: string;
    Unit?: string;
  };
}

export interface MetricAlarmSettings extends JsonObject {
  kind: 'metric';
  namespace?: string;
  metricName?: string;
  dimensions?: { Name: string; Value: string }[];
  statistic?: string;
  extendedStatistic?: string;
  unit?: string;
  /** Seconds. */
  period: number;
  queries?: AlarmQuery[];
  evaluationPeriods: number;
  datapointsToAlarm?: number;
  threshold: number;
  comparison: string;
  treatMissingData?: string;
  lowSamples?: string;
}
export interface CompositeAlarmSettings extends JsonObject {
  kind: 'composite';
  rule: string;
  suppressor?: string;
  suppressorWaitSeconds?: number;
  suppressorExtensionSeconds?: number;
}

export interface AlarmRecord extends JsonObject {
  arn: string;
  description?: string;
  actionsEnabled: boolean;
  okActions: string[];
  alarmActions: string[];
  insufficientDataActions: string[];
  /** Epoch ms. */
  configuredAt: number;
  state: AlarmState;
  settings: MetricAlarmSettings | CompositeAlarmSettings;
  tags?: { [key: string]: string };
}

export function alarmArn(region: string, accountId: string, name: string): string {
  return `arn:aws:cloudwatch:${region}:${accountId}:alarm:${name}`;
}

/** Name of the alarm that a name or ARN stands for. */
export function alarmNameOf(identifier: string): string {
  return /^arn:[^:]+:cloudwatch:[^:]*:[^:]*:alarm:(.+)$/s.exec(identifier)?.[1] ?? identifier;
}

export const INITIAL_REASON = 'Unchecked: Initial alarm creation';

export function actionsFor(alarm: AlarmRecord, value: AlarmStateValue): readonly string[] {
  if (!alarm.actionsEnabled) return [];
  if (value === 'OK') return alarm.okActions;
  return value === 'ALARM' ? alarm.alarmActions : alarm.insufficientDataActions;
}

export interface HistoryItem {
  readonly at: number;
  readonly type: 'ConfigurationUpdate' | 'StateUpdate' | 'Action';
  readonly summary: string;
  /** JSON text. */
  readonly data: string;
}

export function formatStateHistory(old: AlarmState, next: AlarmState): HistoryItem {
  const show = ({ value, reason, reasonData }: AlarmState) => ({
    stateValue: value,
    stateReason: reason,
    ...(reasonData === undefined ? {} : { stateReasonData: JSON.parse(reasonData) }),
  });
  return {
    at: next.updatedAt,
    type: 'StateUpdate',
    summary: `Alarm updated from ${old.value} to ${next.value}`,
    data: JSON.stringify({ version: '1.0', oldState: show(old), newState: show(next) }),
  };
}

/**
 * What an alarm tells its targets when it changes state: the message to a topic and the event to a function.
 * Source: recordings of both.
 */
import type { AlarmQuery, AlarmRecord, AlarmState, MetricAlarmSettings } from './alarm.ts';
import { awsTime } from './alarm-reason.ts';

export interface AlarmChange {
  readonly name: string;
  readonly alarm: AlarmRecord;
  readonly old: AlarmState;
  readonly next: AlarmState;
  readonly region: string;
  readonly accountId: string;
}

/** Long names of regions, as messages show them. Source: "AWS Regions". */
const REGIONS: Readonly<Record<string, string>> = {
  'us-east-1': 'US East (N. Virginia)',
  'us-east-2': 'US East (Ohio)',
  'us-west-1': 'US West (N. California)',
  'us-west-2': 'US West (Oregon)',
  'ca-central-1': 'Canada (Central)',
  'sa-east-1': 'South America (Sao Paulo)',
  'eu-west-1': 'EU (Ireland)',
  'eu-west-2': 'EU (London)',
  'eu-west-3': 'EU (Paris)',
  'eu-central-1': 'EU (Frankfurt)',
  'eu-north-1': 'EU (Stockholm)',
  'eu-south-1': 'EU (Milan)',
  'ap-south-1': 'Asia Pacific (Mumbai)',
  'ap-northeast-1': 'Asia Pacific (Tokyo)',
  'ap-northeast-2': 'Asia Pacific (Seoul)',
  'ap-northeast-3': 'Asia Pacific (Osaka)',
  'ap-southeast-1': 'Asia Pacific (Singapore)',
  'ap-southeast-2': 'Asia Pacific (Sydney)',
};

/** Subjects have fewer than 100 characters. Source: SNS, Publish. */
const MAX_SUBJECT = 99;

export function formatAlarmSubject({ name, next, region }: AlarmChange): string {
  return `${next.value}: "${name}" in ${REGIONS[region] ?? region}`.slice(0, MAX_SUBJECT);
}

const UPPER: Readonly<Record<string, string>> = { SampleCount: 'SAMPLE_COUNT' };

/** The JSON in the message to a topic. */
export function formatAlarmMessage(change: AlarmChange): string {
  const { name, alarm, old, next, region, accountId } = change;
  return JSON.stringify({
    AlarmName: name,
    AlarmDescription: alarm.description ?? null,
    AWSAccountId: accountId,
    AlarmConfigurationUpdatedTimestamp: awsTime(alarm.configuredAt),
    NewStateValue: next.value,
    NewStateReason: next.reason,
    StateChangeTime: awsTime(next.transitionedAt),
    Region: REGIONS[region] ?? region,
    AlarmArn: alarm.arn,
    OldStateValue: old.value,
    OKActions: alarm.okActions,
    AlarmActions: alarm.alarmActions,
    InsufficientDataActions: alarm.insufficientDataActions,
    ...(alarm.settings.kind === 'metric'
      ? { ActionExecutedAfterMuteWindow: false, Trigger: triggerOf(alarm.settings) }
      : { AlarmRule: alarm.settings.rule, NewStateReasonData: next.reasonData }),
  });
}

function triggerOf(settings: MetricAlarmSettings): object {
  const common = {
    Period: settings.period,
    EvaluationPeriods: settings.evaluationPeriods,
    ...(settings.datapointsToAlarm === undefined ? {} : { DatapointsToAlarm: settings.datapointsToAlarm }),
    ComparisonOperator: settings.comparison,
    Threshold: settings.threshold,
    TreatMissingData: settings.treatMissingData ?? 'missing',
    EvaluateLowSampleCountPercentile: settings.lowSamples ?? '',
  };
  const named = (dimensions: readonly { Name: string; Value: string }[] | undefined) =>
    (dimensions ?? []).map(({ Name, Value }) => ({ value: Value, name: Name }));
  if (settings.queries) {
    const metrics = settings.queries.map((query) => ({
      ...query,
      MetricStat: query.MetricStat && {
        ...query.MetricStat,
        Metric: { ...query.MetricStat.Metric, Dimensions: named(query.MetricStat.Metric.Dimensions) },
      },
    }));
    return { ...common, Metrics: metrics };
  }
  return {
    MetricName: settings.metricName,
    Namespace: settings.namespace,
    StatisticType: settings.extendedStatistic ? 'ExtendedStatistic' : 'Statistic',
    ...(settings.extendedStatistic
      ? { ExtendedStatistic: settings.extendedStatistic }
      : { Statistic: UPPER[settings.statistic ?? ''] ?? settings.statistic?.toUpperCase() }),
    Unit: settings.unit ?? null,
    Dimensions: named(settings.dimensions),
    ...common,
  };
}

/** The event that a function gets. */
export function formatAlarmEvent(change: AlarmChange): string {
  const { name, alarm, old, next, region, accountId } = change;
  const show = ({ value, reason, reasonData, updatedAt }: AlarmState) => ({
    value,
    reason,
    ...(reasonData === undefined ? {} : { reasonData }),
    timestamp: awsTime(updatedAt),
  });
  return JSON.stringify({
    source: 'aws.cloudwatch',
    alarmArn: alarm.arn,
    accountId,
    time: awsTime(next.transitionedAt),
    region,
    alarmData: {
      alarmName: name,
      state: show(next),
      previousState: show(old),
      configuration: {
        description: alarm.description,
        ...(alarm.settings.kind === 'metric'
          ? { metrics: metricsOf(alarm.settings) }
          : { alarmRule: alarm.settings.rule }),
      },
    },
  });
}

function metricsOf(settings: MetricAlarmSettings): object[] {
  const stat = (
    metric: { Namespace?: string; MetricName?: string; Dimensions?: { Name: string; Value: string }[] },
    period: number,
    name: string | undefined,
  ) => ({
    metric: {
      namespace: metric.Namespace,
      name: metric.MetricName,
      dimensions: Object.fromEntries((metric.Dimensions ?? []).map(({ Name, Value }) => [Name, Value])),
    },
    period,
    stat: name,
  });
  if (!settings.queries) {
    const metric = {
      Namespace: settings.namespace,
      MetricName: settings.metricName,
      Dimensions: settings.dimensions,
    };
    return [
      {
        id: 'm1',
        metricStat: stat(metric, settings.period, settings.extendedStatistic ?? settings.statistic),
        returnData: true,
      },
    ];
  }
  return settings.queries.map((query: AlarmQuery) => ({
    id: query.Id,
    ...(query.MetricStat
      ? { metricStat: stat(query.MetricStat.Metric, query.MetricStat.Period, query.MetricStat.Stat) }
      : { expression: query.Expression }),
    label: query.Label,
    returnData: query.ReturnData ?? true,
  }));
}

/** DescribeAlarms, DescribeAlarmsForMetric, DescribeAlarmHistory. */

import { isDeepStrictEqual } from 'node:util';
import type {
  CompositeAlarm,
  DescribeAlarmHistoryInput,
  DescribeAlarmHistoryOutput,
  DescribeAlarmsForMetricInput,
  DescribeAlarmsForMetricOutput,
  DescribeAlarmsInput,
  DescribeAlarmsOutput,
  MetricAlarm,
} from '@aws-sdk/client-cloudwatch';
import { ALARM_HISTORY_GROUP, ALARMS, type AlarmRecord } from '../../../domain/alarm.ts';
import { childrenOf, parseRule } from '../../../domain/alarm-rule.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { Resource } from '../../../store/store.ts';
import { type CloudWatchDeps, dimensionsOf, fromMs, pageFrom, pageToken, toMs } from '../deps.ts';

const PAGE = 50;
const HISTORY_PAGE = 100;

type Alarm = Resource<AlarmRecord>;

export function describeAlarms(deps: CloudWatchDeps): Handler<DescribeAlarmsInput, DescribeAlarmsOutput> {
  return (input) => {
    const all = deps.store.resources.list<AlarmRecord>(ALARMS);
    const kinds = (input.AlarmTypes ?? ['MetricAlarm']).map((type) =>
      type === 'MetricAlarm' ? 'metric' : 'composite',
    );
    const children =
      input.ChildrenOfAlarmName === undefined ? undefined : childrenNamed(all, input.ChildrenOfAlarmName);
    const hasPrefix = (actions: readonly string[]) =>
      actions.some((arn) => arn.startsWith(input.ActionPrefix as string));
    const found = all.filter(
      ({ key, value }) =>
        (children || input.ParentsOfAlarmName !== undefined || kinds.includes(value.settings.kind)) &&
        (!input.AlarmNames?.length || input.AlarmNames.includes(key)) &&
        key.startsWith(input.AlarmNamePrefix ?? '') &&
        (input.StateValue === undefined || value.state.value === input.StateValue) &&
        (input.ActionPrefix === undefined ||
          [value.okActions, value.alarmActions, value.insufficientDataActions].some(hasPrefix)) &&
        (!children || children.includes(key)) &&
        (input.ParentsOfAlarmName === undefined ||
          (value.settings.kind === 'composite' &&
            childrenOf(parseRule(value.settings.rule)).includes(input.ParentsOfAlarmName))),
    );
    const start = pageFrom(input.NextToken);
    const size = input.MaxRecords ?? PAGE;
    const page = found.slice(start, start + size);
    return {
      MetricAlarms: page.filter(({ value }) => value.settings.kind === 'metric').map(showMetricAlarm),
      CompositeAlarms: page
        .filter(({ value }) => value.settings.kind === 'composite')
        .map(showCompositeAlarm),
      LogAlarms: [],
      NextToken: pageToken(start + size, found.length),
    };
  };
}

function childrenNamed(all: readonly Alarm[], parent: string): string[] {
  const settings = all.find(({ key }) => key === parent)?.value.settings;
  return settings?.kind === 'composite' ? childrenOf(parseRule(settings.rule)) : [];
}

function common({ key, value }: Alarm) {
  const { state } = value;
  return {
    AlarmName: key,
    AlarmArn: value.arn,
    AlarmDescription: value.description,
    AlarmConfigurationUpdatedTimestamp: fromMs(value.configuredAt),
    ActionsEnabled: value.actionsEnabled,
    OKActions: value.okActions,
    AlarmActions: value.alarmActions,
    InsufficientDataActions: value.insufficientDataActions,
    StateValue: state.value,
    StateReason: state.reason,
    StateReasonData: state.reasonData,
    StateUpdatedTimestamp: fromMs(state.updatedAt),
    StateTransitionedTimestamp: fromMs(state.transitionedAt),
  };
}

function showMetricAlarm(alarm: Alarm): MetricAlarm {
  const { settings } = alarm.value;
  if (settings.kind !== 'metric') throw new Error(`${alarm.key} is not a metric alarm`);
  return {
    ...common(alarm),
    MetricName: settings.metricName,
    Namespace: settings.namespace,
    Statistic: settings.statistic as MetricAlarm['Statistic'],
    ExtendedStatistic: settings.extendedStatistic,
    Dimensions: settings.dimensions ?? [],
    Period: settings.queries ? undefined : settings.period,
    Unit: settings.unit as MetricAlarm['Unit'],
    EvaluationPeriods: settings.evaluationPeriods,
    DatapointsToAlarm: settings.datapointsToAlarm,
    Threshold: settings.threshold,
    ComparisonOperator: settings.comparison as MetricAlarm['ComparisonOperator'],
    TreatMissingData: settings.treatMissingData,
    EvaluateLowSampleCountPercentile: settings.lowSamples,
    Metrics: settings.queries as MetricAlarm['Metrics'],
  };
}

function showCompositeAlarm(alarm: Alarm): CompositeAlarm {
  const { settings } = alarm.value;
  return { ...common(alarm), AlarmRule: settings.kind === 'composite' ? settings.rule : undefined };
}

export function describeAlarmsForMetric(
  deps: CloudWatchDeps,
): Handler<DescribeAlarmsForMetricInput, DescribeAlarmsForMetricOutput> {
  return (input) => {
    const dimensions = dimensionsOf(input.Dimensions);
    const found = deps.store.resources.list<AlarmRecord>(ALARMS).filter(({ value: { settings } }) => {
      if (settings.kind !== 'metric') return false;
      return (
        settings.metricName === input.MetricName &&
        settings.namespace === input.Namespace &&
        isDeepStrictEqual(dimensionsOf(settings.dimensions), dimensions) &&
        (input.Statistic === undefined || settings.statistic === input.Statistic) &&
        (input.ExtendedStatistic === undefined || settings.extendedStatistic === input.ExtendedStatistic) &&
        (input.Period === undefined || settings.period === input.Period) &&
        (input.Unit === undefined || settings.unit === input.Unit)
      );
    });
    return { MetricAlarms: found.map(showMetricAlarm) };
  };
}

interface HistoryLine {
  readonly alarmType: 'MetricAlarm' | 'CompositeAlarm';
  readonly type: 'ConfigurationUpdate' | 'StateUpdate' | 'Action';
  readonly summary: string;
  readonly data: string;
}

export function describeAlarmHistory(
  deps: CloudWatchDeps,
): Handler<DescribeAlarmHistoryInput, DescribeAlarmHistoryOutput> {
  return async (input) => {
    const start = pageFrom(input.NextToken);
    const size = input.MaxRecords ?? HISTORY_PAGE;
    const types = input.AlarmTypes ?? ['MetricAlarm'];
    const lines = await deps.store.readLines({
      group: ALARM_HISTORY_GROUP,
      streams: input.AlarmName === undefined ? undefined : [input.AlarmName],
      from: input.StartDate === undefined ? undefined : toMs(input.StartDate),
      to: input.EndDate === undefined ? undefined : toMs(input.EndDate),
      order: input.ScanBy === 'TimestampAscending' ? 'ascending' : 'descending',
      limit: 10_000,
    });
    const items = lines
      .map((line) => ({ line, item: JSON.parse(line.text) as HistoryLine }))
      .filter(
        ({ item }) =>
          types.includes(item.alarmType) &&
          (input.HistoryItemType === undefined || item.type === input.HistoryItemType),
      );
    return {
      AlarmHistoryItems: items.slice(start, start + size).map(({ line, item }) => ({
        AlarmName: line.stream,
        AlarmType: item.alarmType,
        Timestamp: fromMs(line.at),
        HistoryItemType: item.type,
        HistorySummary: item.summary,
        HistoryData: item.data,
      })),
      NextToken: pageToken(start + size, items.length),
    };
  };
}

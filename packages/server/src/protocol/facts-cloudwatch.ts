/** Constraints of CloudWatch's members. */
import type { Facts, FactTable } from './constraints.ts';
import { METRIC_UNITS } from './metric-units.ts';

const NAME: Facts = { length: [1, 255] };
const NAMESPACE: Facts = { length: [1, 255], pattern: '[^:].*' };
const ACTIONS: Facts = { length: [undefined, 5], each: { length: [1, 1024] } };
const ALARM_NAMES: Facts = { length: [undefined, 100], each: NAME };
const ARN: Facts = { length: [1, 1024] };
const STATISTIC: Facts = { values: ['SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum'] };
const SCAN_BY: Facts = { values: ['TimestampDescending', 'TimestampAscending'] };
const AT_LEAST_ONE: Facts = { range: [1] };

export const CLOUDWATCH_FACTS: FactTable = {
  // Metrics
  '*.Namespace': NAMESPACE,
  '*.MetricName': NAME,
  '*.Dimensions': { length: [undefined, 30] },
  'ListMetricsInput.Dimensions': { length: [undefined, 10] },
  'Dimension.Name': NAME,
  'Dimension.Value': { length: [1, 1024] },
  'DimensionFilter.Name': NAME,
  'DimensionFilter.Value': { length: [1, 1024] },
  '*.Unit': { values: METRIC_UNITS },
  '*.Period': AT_LEAST_ONE,
  'MetricDatum.StorageResolution': AT_LEAST_ONE,
  'Entity.KeyAttributes': { length: [2, 4], keys: { length: [1, 32] }, each: { length: [1, 2048] } },
  'Entity.Attributes': { length: [0, 10], keys: { length: [1, 256] }, each: { length: [1, 2048] } },
  'MetricDataQuery.Id': NAME,
  'MetricDataQuery.Expression': { length: [1, 2048] },
  'MetricDataQuery.AccountId': NAME,
  'GetMetricStatisticsInput.Statistics': { length: [1, 5], each: STATISTIC },
  'GetMetricStatisticsInput.ExtendedStatistics': { length: [1, 10] },
  'ListMetricsInput.RecentlyActive': { values: ['PT3H'] },
  'ListMetricsInput.OwningAccount': NAME,
  '*.ScanBy': SCAN_BY,

  // Alarms
  '*.AlarmName': NAME,
  '*.AlarmNames': ALARM_NAMES,
  '*.AlarmDescription': { length: [0, 1024] },
  '*.OKActions': ACTIONS,
  '*.AlarmActions': ACTIONS,
  '*.InsufficientDataActions': ACTIONS,
  '*.Statistic': STATISTIC,
  'PutMetricAlarmInput.EvaluationPeriods': AT_LEAST_ONE,
  'PutMetricAlarmInput.DatapointsToAlarm': AT_LEAST_ONE,
  'PutMetricAlarmInput.ComparisonOperator': {
    values: [
      'GreaterThanOrEqualToThreshold',
      'GreaterThanThreshold',
      'LessThanThreshold',
      'LessThanOrEqualToThreshold',
      'LessThanLowerOrGreaterThanUpperThreshold',
      'LessThanLowerThreshold',
      'GreaterThanUpperThreshold',
    ],
  },
  'PutMetricAlarmInput.TreatMissingData': NAME,
  'PutMetricAlarmInput.EvaluateLowSampleCountPercentile': NAME,
  'PutMetricAlarmInput.ThresholdMetricId': NAME,
  'PutMetricAlarmInput.EvaluationInterval': { range: [10, 3600] },
  'AlarmPromQLCriteria.Query': { length: [1, 10_000] },
  'AlarmPromQLCriteria.PendingPeriod': { range: [0, 86_400] },
  'AlarmPromQLCriteria.RecoveryPeriod': { range: [0, 86_400] },
  'PutCompositeAlarmInput.AlarmRule': { length: [1, 10_240] },
  'PutCompositeAlarmInput.ActionsSuppressor': { length: [1, 1600] },
  'DescribeAlarmsInput.AlarmNamePrefix': NAME,
  '*.AlarmTypes': { each: { values: ['CompositeAlarm', 'MetricAlarm'] } },
  'DescribeAlarmsInput.ChildrenOfAlarmName': NAME,
  'DescribeAlarmsInput.ParentsOfAlarmName': NAME,
  // The order is that of the recorded message.
  '*.StateValue': { values: ['INSUFFICIENT_DATA', 'ALARM', 'OK'] },
  'DescribeAlarmsInput.ActionPrefix': { length: [1, 1024] },
  '*.MaxRecords': { range: [1, 100] },
  'DescribeAlarmHistoryInput.AlarmContributorId': { length: [1, 16] },
  'DescribeAlarmHistoryInput.HistoryItemType': {
    values: [
      'ConfigurationUpdate',
      'StateUpdate',
      'Action',
      'AlarmContributorStateUpdate',
      'AlarmContributorAction',
    ],
  },
  'SetAlarmStateInput.StateReason': { length: [0, 1023] },
  'SetAlarmStateInput.StateReasonData': { length: [0, 4000] },

  // Tags
  '*.ResourceARN': ARN,
  'Tag.Key': { length: [1, 128] },
  'Tag.Value': { length: [0, 256] },
  'UntagResourceInput.TagKeys': { each: { length: [1, 128] } },
};

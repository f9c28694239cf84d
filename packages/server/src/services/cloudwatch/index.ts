/** CloudWatch: the table of its operations. Metrics are read after everything measured so far is stored. */
import type { Service } from '../../protocol/operation.ts';
import type { CloudWatchDeps } from './deps.ts';
import { CLOUDWATCH_ERRORS } from './errors.ts';
import {
  deleteAlarms,
  disableAlarmActions,
  enableAlarmActions,
  setAlarmState,
} from './operations/change-alarms.ts';
import { deleteDashboards, getDashboard, listDashboards, putDashboard } from './operations/dashboards.ts';
import {
  describeAlarmHistory,
  describeAlarms,
  describeAlarmsForMetric,
} from './operations/describe-alarms.ts';
import { getMetricData } from './operations/get-metric-data.ts';
import { getMetricStatistics } from './operations/get-metric-statistics.ts';
import { listMetrics } from './operations/list-metrics.ts';
import { putCompositeAlarm, putMetricAlarm } from './operations/put-alarms.ts';
import { putMetricData } from './operations/put-metric-data.ts';
import { listTagsForResource, tagResource, untagResource } from './operations/tags.ts';

export function createCloudWatchService(deps: CloudWatchDeps): Service {
  return {
    name: 'cloudwatch',
    errors: CLOUDWATCH_ERRORS,
    operations: {
      DeleteAlarms: deleteAlarms(deps),
      DeleteDashboards: deleteDashboards(deps),
      DescribeAlarmHistory: describeAlarmHistory(deps),
      DescribeAlarms: describeAlarms(deps),
      DescribeAlarmsForMetric: describeAlarmsForMetric(deps),
      DisableAlarmActions: disableAlarmActions(deps),
      EnableAlarmActions: enableAlarmActions(deps),
      GetDashboard: getDashboard(deps),
      GetMetricData: getMetricData(deps),
      GetMetricStatistics: getMetricStatistics(deps),
      ListDashboards: listDashboards(deps),
      ListMetrics: listMetrics(deps),
      ListTagsForResource: listTagsForResource(deps),
      PutCompositeAlarm: putCompositeAlarm(deps),
      PutDashboard: putDashboard(deps),
      PutMetricAlarm: putMetricAlarm(deps),
      PutMetricData: putMetricData(deps),
      SetAlarmState: setAlarmState(deps),
      TagResource: tagResource(deps),
      UntagResource: untagResource(deps),
    },
  };
}

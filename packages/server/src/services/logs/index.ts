/** CloudWatch Logs: the table of its operations. Answers from the store. */
import type { Service } from '../../protocol/operation.ts';
import type { LogsDeps } from './deps.ts';
import { LOGS_ERRORS } from './errors.ts';
import {
  deleteDataProtectionPolicy,
  getDataProtectionPolicy,
  putDataProtectionPolicy,
} from './operations/data-protection.ts';
import { filterLogEvents } from './operations/filter-log-events.ts';
import { getLogEvents } from './operations/get-log-events.ts';
import {
  createLogGroup,
  deleteLogGroup,
  describeLogGroups,
  listLogGroups,
  putLogGroupDeletionProtection,
} from './operations/log-groups.ts';
import { createLogStream, deleteLogStream, describeLogStreams } from './operations/log-streams.ts';
import {
  deleteMetricFilter,
  describeMetricFilters,
  putMetricFilter,
  testMetricFilter,
} from './operations/metric-filters.ts';
import { putLogEvents } from './operations/put-log-events.ts';
import {
  describeQueries,
  getLogGroupFields,
  getLogRecord,
  getQueryResults,
  startQuery,
  stopQuery,
} from './operations/queries.ts';
import { deleteRetentionPolicy, putRetentionPolicy } from './operations/retention-policy.ts';
import { startLiveTail } from './operations/start-live-tail.ts';
import {
  deleteSubscriptionFilter,
  describeSubscriptionFilters,
  putSubscriptionFilter,
} from './operations/subscription-filters.ts';
import {
  listTagsForResource,
  listTagsLogGroup,
  tagLogGroup,
  tagResource,
  untagLogGroup,
  untagResource,
} from './operations/tags.ts';

import { QueryRuns } from './query-runs.ts';

export function createLogsService(deps: LogsDeps): Service {
  const runs = new QueryRuns(deps);
  return {
    name: 'logs',
    errors: LOGS_ERRORS,
    operations: {
      CreateLogGroup: createLogGroup(deps),
      CreateLogStream: createLogStream(deps),
      DeleteDataProtectionPolicy: deleteDataProtectionPolicy(deps),
      DeleteLogGroup: deleteLogGroup(deps),
      DeleteLogStream: deleteLogStream(deps),
      DeleteMetricFilter: deleteMetricFilter(deps),
      DeleteRetentionPolicy: deleteRetentionPolicy(deps),
      DeleteSubscriptionFilter: deleteSubscriptionFilter(deps),
      DescribeLogGroups: describeLogGroups(deps),
      DescribeLogStreams: describeLogStreams(deps),
      DescribeMetricFilters: describeMetricFilters(deps),
      DescribeQueries: describeQueries(runs),
      DescribeSubscriptionFilters: describeSubscriptionFilters(deps),
      FilterLogEvents: filterLogEvents(deps),
      GetDataProtectionPolicy: getDataProtectionPolicy(deps),
      GetLogEvents: getLogEvents(deps),
      GetLogGroupFields: getLogGroupFields(deps),
      GetLogRecord: getLogRecord(deps),
      GetQueryResults: getQueryResults(runs),
      ListLogGroups: listLogGroups(deps),
      ListTagsForResource: listTagsForResource(deps),
      ListTagsLogGroup: listTagsLogGroup(deps),
      PutDataProtectionPolicy: putDataProtectionPolicy(deps),
      PutLogEvents: putLogEvents(deps),
      PutLogGroupDeletionProtection: putLogGroupDeletionProtection(deps),
      PutMetricFilter: putMetricFilter(deps),
      PutRetentionPolicy: putRetentionPolicy(deps),
      PutSubscriptionFilter: putSubscriptionFilter(deps),
      StartLiveTail: startLiveTail(deps),
      StartQuery: startQuery(deps, runs),
      StopQuery: stopQuery(runs),
      TagLogGroup: tagLogGroup(deps),
      TagResource: tagResource(deps),
      TestMetricFilter: testMetricFilter(),
      UntagLogGroup: untagLogGroup(deps),
      UntagResource: untagResource(deps),
    },
  };
}

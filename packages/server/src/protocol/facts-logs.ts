/** Constraints of CloudWatch Logs' members. */
import type { Facts, FactTable } from './constraints.ts';
import { METRIC_UNITS } from './metric-units.ts';

const GROUP_NAME: Facts = { length: [1, 512], pattern: String.raw`[\.\-_/#A-Za-z0-9]+` };
const GROUP_IDENTIFIER: Facts = { length: [1, 2048], pattern: String.raw`[\w#+=/:,.@-]*` };
const STREAM_NAME: Facts = { length: [1, 512], pattern: '[^:*]*' };
const FILTER_NAME: Facts = { length: [1, 512], pattern: '[^:*]*' };
const FILTER_PATTERN: Facts = { length: [0, 1024] };
const TOKEN: Facts = { length: [1] };
const TIME: Facts = { range: [0] };
const TAG_KEY: Facts = { length: [1, 128], pattern: String.raw`^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$` };
const TAG_VALUE: Facts = { length: [undefined, 256], pattern: String.raw`^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$` };
const TAGS: Facts = { length: [1, 50], keys: TAG_KEY, each: TAG_VALUE };
const RESOURCE_ARN: Facts = { length: [1, 1011], pattern: String.raw`[\w+=/:,.@-]*` };
const METRIC_NAME: Facts = { length: [undefined, 255], pattern: '[^:*$]*' };
const ACCOUNTS: Facts = { length: [0, 20], each: { length: [12, 12], pattern: String.raw`^\d{12}$` } };
const LANGUAGE: Facts = { values: ['CWLI', 'SQL', 'PPL'] };

const page = (max: number): Facts => ({ range: [1, max] });

export const LOGS_FACTS: FactTable = {
  '*.logGroupName': GROUP_NAME,
  '*.logGroupIdentifier': GROUP_IDENTIFIER,
  '*.logStreamName': STREAM_NAME,
  '*.nextToken': TOKEN,
  '*.startTime': TIME,
  '*.endTime': TIME,
  '*.limit': page(50),
  '*.accountIdentifiers': ACCOUNTS,

  // Groups and streams
  '*.logGroupClass': { values: ['STANDARD', 'INFREQUENT_ACCESS', 'DELIVERY'] },
  'CreateLogGroupRequest.kmsKeyId': { length: [undefined, 256] },
  '*.logGroupNamePrefix': GROUP_NAME,
  'DescribeLogGroupsRequest.logGroupNamePattern': {
    length: [0, 512],
    pattern: String.raw`[\.\-_/#A-Za-z0-9]*`,
  },
  'DescribeLogGroupsRequest.logGroupIdentifiers': { length: [1, 50], each: GROUP_IDENTIFIER },
  'ListLogGroupsRequest.logGroupNamePattern': {
    length: [3, 129],
    pattern: String.raw`(\^?[\.\-_\/#A-Za-z0-9]{3,24})(\|\^?[\.\-_\/#A-Za-z0-9]{3,24}){0,4}`,
  },
  'ListLogGroupsRequest.limit': page(1000),
  'ListLogGroupsRequest.dataSources': { length: [1, 5] },
  'ListLogGroupsRequest.fieldIndexNames': { length: [1, 20], each: GROUP_NAME },
  'ListLogGroupsRequest.logGroupTags': { length: [1, 5] },
  'TagFilter.key': TAG_KEY,
  'TagFilter.values': {
    length: [0, 5],
    each: { length: [0, 259], pattern: String.raw`^!?\*?([\p{L}\p{Z}\p{N}_.:/=+\-@]*)\*?$` },
  },
  'DescribeLogStreamsRequest.logStreamNamePrefix': STREAM_NAME,
  'DescribeLogStreamsRequest.orderBy': { values: ['LogStreamName', 'LastEventTime'] },

  // Events
  'FilterLogEventsRequest.logStreamNames': { length: [1, 100], each: STREAM_NAME },
  'FilterLogEventsRequest.logStreamNamePrefix': STREAM_NAME,
  '*.filterPattern': FILTER_PATTERN,
  'FilterLogEventsRequest.limit': page(10_000),
  'GetLogEventsRequest.limit': page(10_000),
  'PutLogEventsRequest.logEvents': { length: [1, 10_000] },
  'PutLogEventsRequest.sequenceToken': TOKEN,
  'InputLogEvent.timestamp': TIME,
  'InputLogEvent.message': { length: [1] },
  'Entity.keyAttributes': { length: [2, 4], keys: { length: [1, 32] }, each: { length: [1, 512] } },
  'Entity.attributes': { length: [0, 10], keys: { length: [1, 256] }, each: { length: [1, 512] } },
  'StartLiveTailRequest.logGroupIdentifiers': { length: [1, 10], each: GROUP_IDENTIFIER },
  'StartLiveTailRequest.logStreamNames': { length: [1, 100], each: STREAM_NAME },
  'StartLiveTailRequest.logStreamNamePrefixes': { length: [1, 100], each: STREAM_NAME },
  'StartLiveTailRequest.logEventFilterPattern': FILTER_PATTERN,

  // Tags
  'CreateLogGroupRequest.tags': TAGS,
  'TagLogGroupRequest.tags': TAGS,
  'TagResourceRequest.tags': TAGS,
  'UntagLogGroupRequest.tags': { length: [1], each: TAG_KEY },
  'UntagResourceRequest.tagKeys': { length: [0, 50], each: TAG_KEY },
  'TagResourceRequest.resourceArn': RESOURCE_ARN,
  'UntagResourceRequest.resourceArn': RESOURCE_ARN,
  'ListTagsForResourceRequest.resourceArn': RESOURCE_ARN,

  // Metric and subscription filters
  '*.filterName': FILTER_NAME,
  '*.filterNamePrefix': FILTER_NAME,
  'PutMetricFilterRequest.metricTransformations': { length: [1, 1] },
  '*.metricName': METRIC_NAME,
  '*.metricNamespace': METRIC_NAME,
  'MetricTransformation.metricValue': { length: [undefined, 100] },
  'MetricTransformation.dimensions': {
    keys: { length: [undefined, 255] },
    each: { length: [undefined, 255] },
  },
  'MetricTransformation.unit': { values: METRIC_UNITS },
  '*.fieldSelectionCriteria': { length: [0, 2000] },
  'TestMetricFilterRequest.logEventMessages': { length: [1, 50], each: { length: [1] } },
  'PutSubscriptionFilterRequest.destinationArn': { length: [1] },
  'PutSubscriptionFilterRequest.roleArn': { length: [1] },
  'PutSubscriptionFilterRequest.distribution': { values: ['Random', 'ByLogStream'] },

  // Insights
  '*.queryLanguage': LANGUAGE,
  'StartQueryRequest.logGroupNames': { each: GROUP_NAME },
  'StartQueryRequest.logGroupIdentifiers': { each: GROUP_IDENTIFIER },
  'StartQueryRequest.queryString': { length: [0, 10_000] },
  'StartQueryRequest.limit': page(100_000),
  '*.queryId': { length: [1, 256] },
  'GetQueryResultsRequest.nextToken': { length: [undefined, 1024] },
  'GetQueryResultsRequest.maxItems': { range: [0, 10_000] },
  'DescribeQueriesRequest.status': {
    values: ['Scheduled', 'Running', 'Complete', 'Failed', 'Cancelled', 'Timeout', 'Unknown'],
  },
  'DescribeQueriesRequest.maxResults': page(1000),
  'DescribeQueryDefinitionsRequest.maxResults': page(1000),
  'PutQueryDefinitionRequest.name': { length: [1, 255] },
  '*.queryDefinitionId': { length: [1, 256] },
  '*.queryDefinitionNamePrefix': { length: [1, 255] },
  'PutQueryDefinitionRequest.logGroupNames': { each: GROUP_NAME },
  'PutQueryDefinitionRequest.queryString': { length: [1, 10_000] },
  'PutQueryDefinitionRequest.clientToken': { length: [36, 128], pattern: String.raw`\S{36,128}` },
  'PutQueryDefinitionRequest.parameters': { length: [undefined, 20] },
  'QueryParameter.name': { length: [1, 128], pattern: '^[a-zA-Z_][a-zA-Z0-9_]*' },
  'QueryParameter.defaultValue': { length: [undefined, 1024] },
  'QueryParameter.description': { length: [undefined, 512] },
  'GetLogGroupFieldsRequest.time': TIME,
};

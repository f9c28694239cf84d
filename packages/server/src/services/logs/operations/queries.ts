/** StartQuery, GetQueryResults, StopQuery, DescribeQueries, GetLogRecord, GetLogGroupFields: Logs Insights. */
import type {
  DescribeQueriesRequest,
  DescribeQueriesResponse,
  GetLogGroupFieldsRequest,
  GetLogGroupFieldsResponse,
  GetLogRecordRequest,
  GetLogRecordResponse,
  GetQueryResultsRequest,
  GetQueryResultsResponse,
  StartQueryRequest,
  StartQueryResponse,
  StopQueryRequest,
  StopQueryResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { LogRecord } from '../../../domain/insights-record.ts';
import { toText } from '../../../domain/insights-value.ts';
import { groupNameOf, LOG_GROUPS } from '../../../domain/log-groups.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import {
  checkLength,
  checkRange,
  groupOf,
  invalidParameter,
  invalidToken,
  type LogsDeps,
  requireGroup,
  takePage,
} from '../deps.ts';
import { parsePointer, placeOf, type QueryRun, type QueryRuns } from '../query-runs.ts';

const MAX_GROUPS = 50;
const MAX_QUERY_CHARS = 10_000;
const MAX_LIMIT = 100_000;
const PAGE_ROWS = 10_000;
const FIELD_SAMPLE_LINES = 1_000;
const FIELD_WINDOW_MS = 15 * 60_000;

export function startQuery(deps: LogsDeps, runs: QueryRuns): Handler<StartQueryRequest, StartQueryResponse> {
  return (input, context) => {
    if (input.queryLanguage !== undefined && input.queryLanguage !== 'CWLI') {
      throw invalidParameter(`Only the query language CWLI is supported, found ${input.queryLanguage}.`);
    }
    const text = input.queryString as string;
    checkLength(text, 'queryString', MAX_QUERY_CHARS);
    checkRange(input.limit, 'limit', 1, MAX_LIMIT);
    const given = [
      input.logGroupName && [input.logGroupName],
      input.logGroupNames,
      input.logGroupIdentifiers,
    ].filter((list) => list !== undefined);
    if (given.length !== 1) {
      throw invalidParameter(
        'Exactly one of logGroupName, logGroupNames and logGroupIdentifiers is required.',
      );
    }
    const groups = (given[0] as string[]).map(groupNameOf);
    if (groups.length < 1 || groups.length > MAX_GROUPS) {
      throw invalidParameter(`Expected 1 to ${MAX_GROUPS} log groups, found ${groups.length}.`);
    }
    const startTime = input.startTime as number;
    const endTime = input.endTime as number;
    if (startTime > endTime) throw invalidParameter('Query start time must not be after its end time.');
    for (const group of groups) {
      if (!deps.store.resources.get(LOG_GROUPS, group)) {
        throw new ApiError(
          'ResourceNotFoundException',
          `Log group '${group}' does not exist for account ID '${context.accountId}' (Service: AWSLogs; Status Code: 400; Error Code: ResourceNotFoundException; Request ID: ${context.requestId}; Proxy: null)`,
        );
      }
    }
    return { queryId: runs.start({ groups, text, startTime, endTime, limit: input.limit }).id };
  };
}

function requireRun(runs: QueryRuns, id: string | undefined): QueryRun {
  const run = runs.find(id ?? '');
  if (!run) throw new ApiError('ResourceNotFoundException', `The query ${id} does not exist.`);
  return run;
}

export function getQueryResults(runs: QueryRuns): Handler<GetQueryResultsRequest, GetQueryResultsResponse> {
  return (input) => {
    const run = requireRun(runs, input.queryId);
    const start = input.nextToken === undefined ? 0 : Number(input.nextToken);
    if (!Number.isInteger(start) || start < 0) throw invalidToken();
    const end = start + (input.maxItems ?? PAGE_ROWS);
    return {
      queryLanguage: 'CWLI',
      results: run.rows.slice(start, end).map((row) => row.map((field) => ({ ...field }))),
      statistics: {
        recordsMatched: run.matched,
        recordsScanned: run.scanned,
        estimatedRecordsSkipped: 0,
        bytesScanned: run.bytes,
        estimatedBytesSkipped: 0,
        logGroupsScanned: run.groups.length,
      },
      status: run.status,
      nextToken: end < run.rows.length ? String(end) : undefined,
    };
  };
}

export function stopQuery(runs: QueryRuns): Handler<StopQueryRequest, StopQueryResponse> {
  return (input) => {
    const run = requireRun(runs, input.queryId);
    if (run.status !== 'Running') {
      throw invalidParameter(`The query ${run.id} has ended already, its status is ${run.status}.`);
    }
    run.status = 'Cancelled';
    return { success: true };
  };
}

export function describeQueries(runs: QueryRuns): Handler<DescribeQueriesRequest, DescribeQueriesResponse> {
  return (input) => {
    const found = runs
      .list()
      .filter(
        (run) =>
          (input.logGroupName === undefined || run.groups.includes(input.logGroupName)) &&
          (input.status === undefined || run.status === input.status) &&
          (input.queryLanguage === undefined || input.queryLanguage === 'CWLI'),
      );
    const page = takePage(found, (run) => run.id, input.maxResults ?? 1000, input.nextToken);
    return {
      queries: page.items.map((run) => ({
        queryLanguage: 'CWLI',
        queryId: run.id,
        queryString: run.description,
        status: run.status,
        createTime: run.createdAt,
        logGroupName: run.groups[0],
      })),
      nextToken: page.nextToken,
    };
  };
}

export function getLogRecord(deps: LogsDeps): Handler<GetLogRecordRequest, GetLogRecordResponse> {
  return async (input) => {
    const place = parsePointer(input.logRecordPointer as string);
    if (!place) throw invalidParameter('The specified log record pointer is invalid.');
    requireGroup(deps, place.group);
    const lines = await deps.store.readLines({
      group: place.group,
      from: place.at,
      to: place.at + 1,
      order: 'ascending',
      limit: PAGE_ROWS,
    });
    const line = lines.find(({ id }) => id === place.id);
    if (!line) throw new ApiError('ResourceNotFoundException', 'The specified log record does not exist.');
    const fields = Object.entries(new LogRecord(line, placeOf(deps, place.group)).all());
    return { logRecord: Object.fromEntries(fields.map(([name, value]) => [name, toText(value)])) };
  };
}

export function getLogGroupFields(
  deps: LogsDeps,
): Handler<GetLogGroupFieldsRequest, GetLogGroupFieldsResponse> {
  return async (input) => {
    const group = groupOf(input);
    requireGroup(deps, group);
    // Around the time asked for, as AWS does: eight minutes before and after; else the last fifteen.
    const middle = input.time === undefined ? undefined : input.time * 1000;
    const to = middle === undefined ? deps.clock.now() : middle + FIELD_WINDOW_MS / 2;
    const lines = await deps.store.readLines({
      group,
      from: to - FIELD_WINDOW_MS,
      to: to + 1,
      order: 'descending',
      limit: FIELD_SAMPLE_LINES,
    });
    const counts = new Map<string, number>();
    const place = placeOf(deps, group);
    for (const line of lines) {
      const fields = new LogRecord(line, place).all();
      for (const [name, value] of Object.entries(fields)) {
        if (value !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
    return {
      logGroupFields: [...counts]
        .sort(([, a], [, b]) => b - a)
        .map(([name, count]) => ({ name, percent: Math.round((100 * count) / lines.length) })),
    };
  };
}

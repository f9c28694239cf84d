/** CreateLogStream, DeleteLogStream, DescribeLogStreams. */
import type {
  CreateLogStreamRequest,
  DeleteLogStreamRequest,
  DescribeLogStreamsRequest,
  DescribeLogStreamsResponse,
  LogStream as WireStream,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  LOG_STREAMS,
  type LogStream,
  MAX_NAME_CHARS,
  STREAM_NAME,
  streamArn,
  streamKey,
} from '../../../domain/log-groups.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import {
  checkLength,
  checkRange,
  constraintBroken,
  groupOf,
  invalidParameter,
  type LogsDeps,
  requireGroup,
  requireStream,
  streamExists,
  takePage,
} from '../deps.ts';

const MAX_PAGE = 50;

export function createLogStream(deps: LogsDeps): Handler<CreateLogStreamRequest> {
  return async (input) => {
    const group = input.logGroupName as string;
    const stream = input.logStreamName as string;
    checkLength(stream, 'logStreamName', MAX_NAME_CHARS);
    if (!STREAM_NAME.test(stream)) {
      throw constraintBroken(
        stream,
        'logStreamName',
        'Member must satisfy regular expression pattern: [^:*]*',
      );
    }
    requireGroup(deps, group);
    const value: LogStream = { createdAt: deps.clock.now() };
    const exists =
      (await streamExists(deps, group, stream)) ||
      (
        await deps.store.commit([
          { kind: 'put', collection: LOG_STREAMS, key: streamKey(group, stream), value, ifVersion: 0 },
        ])
      ).kind === 'conflict';
    if (exists) {
      throw new ApiError('ResourceAlreadyExistsException', 'The specified log stream already exists');
    }
    return {};
  };
}

export function deleteLogStream(deps: LogsDeps): Handler<DeleteLogStreamRequest> {
  return async (input) => {
    const group = input.logGroupName as string;
    const stream = input.logStreamName as string;
    requireGroup(deps, group);
    await requireStream(deps, group, stream);
    await deps.store.commit([
      { kind: 'remove', collection: LOG_STREAMS, key: streamKey(group, stream) },
      { kind: 'erase', group, stream },
    ]);
    return {};
  };
}

export function describeLogStreams(
  deps: LogsDeps,
): Handler<DescribeLogStreamsRequest, DescribeLogStreamsResponse> {
  return async (input, context) => {
    checkRange(input.limit, 'limit', 1, MAX_PAGE);
    const group = groupOf(input);
    requireGroup(deps, group);
    const byTime = input.orderBy === 'LastEventTime';
    if (byTime && input.logStreamNamePrefix !== undefined) {
      throw invalidParameter('Cannot order by LastEventTime with a logStreamNamePrefix.');
    }
    const streams = new Map<string, WireStream>();
    const prefix = streamKey(group, '');
    for (const { key, value } of deps.store.resources.list<LogStream>(
      LOG_STREAMS,
      prefix + (input.logStreamNamePrefix ?? ''),
    )) {
      const name = key.slice(prefix.length);
      streams.set(name, { logStreamName: name, creationTime: value.createdAt });
    }
    for (const summary of await deps.store.listStreams(group, input.logStreamNamePrefix)) {
      streams.set(summary.stream, {
        logStreamName: summary.stream,
        creationTime: streams.get(summary.stream)?.creationTime ?? summary.createdAt,
        firstEventTimestamp: summary.firstAt,
        lastEventTimestamp: summary.lastAt,
        lastIngestionTime: summary.lastIngestedAt,
      });
    }
    const keyOf = (stream: WireStream) =>
      byTime
        ? `${String(stream.lastEventTimestamp ?? 0).padStart(16, '0')}${stream.logStreamName}`
        : (stream.logStreamName as string);
    const sorted = [...streams.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    if (input.descending) sorted.reverse();
    const page = takePage(sorted, keyOf, input.limit ?? MAX_PAGE, input.nextToken);
    return {
      logStreams: page.items.map((stream) => ({
        ...stream,
        arn: streamArn(context, group, stream.logStreamName as string),
        // AWS has answered 0 since June 2019 (DescribeLogStreams, storedBytes).
        storedBytes: 0,
      })),
      nextToken: page.nextToken,
    };
  };
}

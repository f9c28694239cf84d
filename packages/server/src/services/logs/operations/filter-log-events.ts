/**
 * FilterLogEvents: lines of a group in order of time, those that match a filter pattern.
 * One call scans a bounded number of lines; a page may be empty and still name the next one.
 */
import type {
  FilteredLogEvent,
  FilterLogEventsRequest,
  FilterLogEventsResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { eventBytes, MAX_BATCH_BYTES } from '../../../domain/log-batch.ts';
import { parseFilterPattern } from '../../../domain/log-filter-pattern.ts';
import { LOG_STREAMS, streamKey } from '../../../domain/log-groups.ts';
import { formatPosition, parsePosition } from '../../../domain/log-position.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { LineQuery } from '../../../store/store.ts';
import {
  checkRange,
  constraintBroken,
  groupOf,
  invalidParameter,
  invalidToken,
  type LogsDeps,
  requireGroup,
  streamExists,
} from '../deps.ts';
import { maskOf } from '../masking.ts';
import { MAX_PAGE_EVENTS } from './get-log-events.ts';

const MAX_STREAMS = 100;
/** Lines read from the store at a time; other requests run in between. */
const SCAN_LINES = 2_000;
/** Lines looked at for one page. */
const MAX_SCANNED = 100_000;

export function filterLogEvents(deps: LogsDeps): Handler<FilterLogEventsRequest, FilterLogEventsResponse> {
  return async (input) => {
    checkRange(input.limit, 'limit', 1, MAX_PAGE_EVENTS);
    const group = groupOf(input);
    const parsed = parseFilterPattern(input.filterPattern ?? '');
    if (parsed.kind === 'invalid') throw invalidParameter(`Invalid filter pattern: ${parsed.message}`);
    const position = input.nextToken === undefined ? undefined : parsePosition(input.nextToken);
    if (input.nextToken !== undefined && position?.kind !== 'line') throw invalidToken();
    requireGroup(deps, group);
    const streams = await selectStreams(deps, group, input);

    const mask = maskOf(deps.store, group, input.unmask);
    const order = input.startFromHead === false ? 'descending' : 'ascending';
    const limit = input.limit ?? MAX_PAGE_EVENTS;
    const events: FilteredLogEvent[] = [];
    let after: LineQuery['after'] = position?.kind === 'line' ? position : undefined;
    let bytes = 0;
    for (let scanned = 0; scanned < MAX_SCANNED; ) {
      const lines = await deps.store.readLines({
        group,
        streams,
        from: input.startTime,
        to: input.endTime === undefined ? undefined : input.endTime + 1,
        order,
        after,
        limit: SCAN_LINES,
      });
      scanned += lines.length;
      for (const line of lines) {
        if (parsed.pattern.matches(line.text)) {
          bytes += eventBytes(line.text);
          if (events.length === limit || (bytes > MAX_BATCH_BYTES && events.length > 0)) {
            return page(events, after);
          }
          events.push({
            logStreamName: line.stream,
            timestamp: line.at,
            message: mask(line.text),
            ingestionTime: line.ingestedAt,
            eventId: line.id,
          });
        }
        after = { at: line.at, id: line.id };
      }
      if (lines.length < SCAN_LINES) return page(events, undefined);
    }
    return page(events, after);
  };
}

function page(events: FilteredLogEvent[], after: LineQuery['after']): FilterLogEventsResponse {
  return {
    events,
    searchedLogStreams: [],
    nextToken: after && formatPosition({ kind: 'line', ...after }),
  };
}

/** The streams to look at; undefined means all. */
async function selectStreams(
  deps: LogsDeps,
  group: string,
  input: FilterLogEventsRequest,
): Promise<string[] | undefined> {
  const { logStreamNames: names, logStreamNamePrefix: prefix } = input;
  if (names && prefix !== undefined) {
    throw invalidParameter('Parameters logStreamNames and logStreamNamePrefix are mutually exclusive.');
  }
  if (names) {
    if (names.length > MAX_STREAMS) {
      throw constraintBroken(
        `[${names.join(', ')}]`,
        'logStreamNames',
        `Member must have length less than or equal to ${MAX_STREAMS}`,
      );
    }
    for (const name of names) {
      if (!(await streamExists(deps, group, name))) {
        throw new ApiError('ResourceNotFoundException', 'The specified log stream does not exist.');
      }
    }
    return names;
  }
  if (prefix === undefined) return undefined;
  const written = await deps.store.listStreams(group, prefix);
  const created = deps.store.resources.list(LOG_STREAMS, streamKey(group, prefix));
  if (written.length + created.length === 0) {
    throw new ApiError('ResourceNotFoundException', 'The specified log stream does not exist.');
  }
  return written.map((summary) => summary.stream);
}

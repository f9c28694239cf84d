/**
 * GetLogEvents: the lines of one stream, page by page in both directions.
 * At either end the token comes back unchanged; a later call with it returns what has arrived since.
 */
import type { GetLogEventsRequest, GetLogEventsResponse } from '@aws-sdk/client-cloudwatch-logs';
import { eventBytes, MAX_BATCH_BYTES } from '../../../domain/log-batch.ts';
import { formatPosition, type Position, parsePosition } from '../../../domain/log-position.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { LineQuery, StoredLine } from '../../../store/store.ts';
import { checkRange, groupOf, invalidToken, type LogsDeps, requireGroup, requireStream } from '../deps.ts';
import { maskOf } from '../masking.ts';

/** Events in a page at most; a page also ends at 1 MB. */
export const MAX_PAGE_EVENTS = 10_000;

interface Token {
  readonly forward: boolean;
  readonly position: Position;
}

export function getLogEvents(deps: LogsDeps): Handler<GetLogEventsRequest, GetLogEventsResponse> {
  return async (input) => {
    checkRange(input.limit, 'limit', 1, MAX_PAGE_EVENTS);
    const group = groupOf(input);
    const stream = input.logStreamName as string;
    const token = input.nextToken === undefined ? undefined : parseToken(input.nextToken);
    requireGroup(deps, group);
    await requireStream(deps, group, stream);

    const forward = token?.forward ?? input.startFromHead ?? false;
    const query = bounds(token, forward, input);
    const found = await deps.store.readLines({
      ...query,
      group,
      streams: [stream],
      order: forward ? 'ascending' : 'descending',
      limit: input.limit ?? MAX_PAGE_EVENTS,
    });
    const mask = maskOf(deps.store, group, input.unmask);
    const lines = withinBytes(found);
    if (!forward) lines.reverse();

    const here: Position = token?.position ?? { kind: 'instant', at: input.startTime ?? 0 };
    const first = lines[0];
    const last = lines.at(-1);
    return {
      events: lines.map((line) => ({
        timestamp: line.at,
        message: mask(line.text),
        ingestionTime: line.ingestedAt,
      })),
      nextForwardToken: formatToken({ forward: true, position: last ? positionOf(last) : here }),
      nextBackwardToken: formatToken({ forward: false, position: first ? positionOf(first) : here }),
    };
  };
}

/** Where reading goes on, within the times asked for. */
function bounds(
  token: Token | undefined,
  forward: boolean,
  input: GetLogEventsRequest,
): Pick<LineQuery, 'from' | 'to' | 'after'> {
  const times = { from: input.startTime, to: input.endTime };
  if (!token) return times;
  const { position } = token;
  if (position.kind === 'line') return { ...times, after: position };
  return forward
    ? { ...times, from: Math.max(position.at, input.startTime ?? 0) }
    : { ...times, to: Math.min(position.at, input.endTime ?? Number.MAX_SAFE_INTEGER) };
}

function positionOf(line: StoredLine): Position {
  return { kind: 'line', at: line.at, id: line.id };
}

/** The lines that fit into a page of 1 MB; always one at least. */
function withinBytes(lines: readonly StoredLine[]): StoredLine[] {
  let bytes = 0;
  const over = lines.findIndex((line, index) => {
    bytes += eventBytes(line.text);
    return bytes > MAX_BATCH_BYTES && index > 0;
  });
  return over === -1 ? [...lines] : lines.slice(0, over);
}

function formatToken(token: Token): string {
  return `${token.forward ? 'f' : 'b'}/${formatPosition(token.position)}/s`;
}

function parseToken(text: string): Token {
  const parts = /^([fb])\/([A-Za-z0-9_-]+)\/s$/.exec(text);
  const position = parts && parsePosition(parts[2] as string);
  if (!position) throw invalidToken();
  return { forward: parts[1] === 'f', position };
}

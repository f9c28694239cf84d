/**
 * StartLiveTail: lines of up to ten groups as they are stored, in updates of at most 500 a second; what is more
 * is left out and the update says so. The session ends with the client, or after three hours as on AWS.
 */
import type {
  LiveTailSessionLogEvent,
  StartLiveTailRequest,
  StartLiveTailResponseStream,
} from '@aws-sdk/client-cloudwatch-logs';
import { parseFilterPattern } from '../../../domain/log-filter-pattern.ts';
import { groupArn, groupNameOf } from '../../../domain/log-groups.ts';
import type { WrittenLines } from '../../../engine/log-taps.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import { invalidParameter, type LogsDeps, requireGroup } from '../deps.ts';
import { maskOf } from '../masking.ts';

const MAX_GROUPS = 10;
/** Lines in one update; source: "Live Tail" limits. */
const MAX_LINES = 500;
const UPDATE_EVERY_MS = 1_000;
const MAX_SESSION_MS = 3 * 3_600_000;

type Answer = { responseStream: AsyncIterable<StartLiveTailResponseStream> };

export function startLiveTail(deps: LogsDeps): Handler<StartLiveTailRequest, Answer> {
  return (input, context) => {
    const groups = (input.logGroupIdentifiers ?? []).map(groupNameOf);
    if (groups.length < 1 || groups.length > MAX_GROUPS) {
      throw invalidParameter(`Expected 1 to ${MAX_GROUPS} log groups, found ${groups.length}.`);
    }
    for (const group of groups) requireGroup(deps, group);
    const { logStreamNames: names, logStreamNamePrefixes: prefixes } = input;
    if (names && prefixes) {
      throw invalidParameter('logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.');
    }
    if ((names || prefixes) && groups.length > 1) {
      throw invalidParameter('Log streams can be named only when there is exactly one log group.');
    }
    const parsed = parseFilterPattern(input.logEventFilterPattern ?? '');
    if (parsed.kind === 'invalid') throw invalidParameter(`Invalid filter pattern: ${parsed.message}`);
    const wants = ({ group, stream }: WrittenLines) =>
      groups.includes(group) &&
      (!names || names.includes(stream)) &&
      (!prefixes || prefixes.some((prefix) => stream.startsWith(prefix)));
    const toEvents = (written: WrittenLines): LiveTailSessionLogEvent[] =>
      written.lines
        .filter((line) => parsed.pattern.matches(line.text))
        .map((line) => ({
          logStreamName: written.stream,
          logGroupIdentifier: `${context.accountId}:${written.group}`,
          message: maskOf(deps.store, written.group)(line.text),
          timestamp: line.at,
          ingestionTime: written.at,
        }));
    const start = {
      requestId: context.requestId,
      sessionId: deps.ids.uuid(),
      logGroupIdentifiers: groups.map((group) => groupArn(context, group)),
      logStreamNames: names ?? [],
      logStreamNamePrefixes: prefixes ?? [],
      logEventFilterPattern: input.logEventFilterPattern ?? '',
    };
    // Listening begins before the answer does, so nothing written after the call is missed.
    return {
      responseStream: tail(deps, context, start, (written) => (wants(written) ? toEvents(written) : [])),
    };
  };
}

async function* tail(
  deps: LogsDeps,
  context: RequestContext,
  start: object,
  read: (written: WrittenLines) => LiveTailSessionLogEvent[],
): AsyncGenerator<StartLiveTailResponseStream> {
  let events: LiveTailSessionLogEvent[] = [];
  let sampled = false;
  const stop = deps.taps?.listen((written) => {
    for (const event of read(written)) {
      if (events.length < MAX_LINES) events.push(event);
      else sampled = true;
    }
  });
  try {
    yield { sessionStart: start };
    // A session is watched by a person: it goes by real time, whatever the server's clock says.
    const updates = Math.floor(MAX_SESSION_MS / UPDATE_EVERY_MS);
    for (let update = 0; update < updates && !context.signal.aborted; update++) {
      const ready = events;
      const sessionMetadata = { sampled };
      events = [];
      sampled = false;
      yield { sessionUpdate: { sessionMetadata, sessionResults: ready } };
      await pauseUnlessAborted(UPDATE_EVERY_MS, context.signal);
    }
  } finally {
    stop?.();
  }
}

function pauseUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

/** PutLogEvents: lines from outside; durable when answered. */
import type {
  InputLogEvent,
  PutLogEventsRequest,
  PutLogEventsResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { decideBatch, type InputEvent, MAX_BATCH_EVENTS } from '../../../domain/log-batch.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { constraintBroken, invalidParameter, type LogsDeps, requireGroup, requireStream } from '../deps.ts';

/** Width of the sequence tokens that AWS still sends; nothing reads them any more. */
const TOKEN_DIGITS = 56;

export function putLogEvents(deps: LogsDeps): Handler<PutLogEventsRequest, PutLogEventsResponse> {
  return async (input) => {
    const group = input.logGroupName as string;
    const stream = input.logStreamName as string;
    const events = checkEvents(input.logEvents ?? []);
    const { value } = requireGroup(deps, group);
    await requireStream(deps, group, stream);
    const now = deps.clock.now();
    const decision = decideBatch(events, now, value.retentionInDays);
    if (decision.kind === 'refused') throw invalidParameter(decision.message);
    if (decision.events.length > 0) {
      const lines = decision.events.map((event) => ({ at: event.timestamp, text: event.message }));
      const written = { group, stream, at: now, lines };
      await deps.store.commit([{ kind: 'write', ...written }, ...(deps.taps?.plan(written) ?? [])]);
      deps.taps?.announce(written);
    }
    return {
      nextSequenceToken: String(now).padStart(TOKEN_DIGITS, '4'),
      rejectedLogEventsInfo: decision.rejected,
    };
  };
}

function checkEvents(events: readonly InputLogEvent[]): InputEvent[] {
  if (events.length === 0) {
    throw constraintBroken('[]', 'logEvents', 'Member must have length greater than or equal to 1');
  }
  if (events.length > MAX_BATCH_EVENTS) {
    throw constraintBroken(
      '[...]',
      'logEvents',
      `Member must have length less than or equal to ${MAX_BATCH_EVENTS}`,
    );
  }
  return events.map(({ timestamp, message }, index) => {
    const member = `logEvents.${index + 1}.member`;
    if (message === undefined) throw constraintBroken('null', `${member}.message`, 'Member must not be null');
    if (message === '') {
      throw constraintBroken('', `${member}.message`, 'Member must have length greater than or equal to 1');
    }
    if (timestamp === undefined)
      throw constraintBroken('null', `${member}.timestamp`, 'Member must not be null');
    if (timestamp < 0) {
      throw constraintBroken(
        timestamp,
        `${member}.timestamp`,
        'Member must have value greater than or equal to 0',
      );
    }
    return { timestamp, message };
  });
}

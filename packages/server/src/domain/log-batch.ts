/**
 * What PutLogEvents accepts: limits of a batch, and which events are too old or too new to keep.
 * Source: PutLogEvents (CloudWatch Logs API reference) and recordings of its answers.
 */
import { DAY_MS } from './log-groups.ts';

export const MAX_BATCH_EVENTS = 10_000;
export const MAX_BATCH_BYTES = 1_048_576;
/** Counted for each event on top of its UTF-8 length. */
const EVENT_OVERHEAD_BYTES = 26;
const MAX_SPAN_MS = DAY_MS;
const MAX_AHEAD_MS = 2 * 3_600_000;
const MAX_AGE_MS = 14 * DAY_MS;

export interface InputEvent {
  readonly timestamp: number;
  readonly message: string;
}

interface Rejected {
  /** First index that is too far in the future. */
  readonly tooNewLogEventStartIndex?: number;
  /** One past the last index that is older than 14 days. */
  readonly tooOldLogEventEndIndex?: number;
  /** One past the last index that is older than the group's retention. */
  readonly expiredLogEventEndIndex?: number;
}

export type BatchDecision =
  | { readonly kind: 'accepted'; readonly events: readonly InputEvent[]; readonly rejected?: Rejected }
  | { readonly kind: 'refused'; readonly message: string };

export function eventBytes(message: string): number {
  return Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES;
}

/** Decides over a batch; events outside the window are left out, anything else wrong refuses the whole. */
export function decideBatch(
  events: readonly InputEvent[],
  now: number,
  retentionDays: number | undefined,
): BatchDecision {
  let bytes = 0;
  for (const event of events) bytes += eventBytes(event.message);
  if (bytes > MAX_BATCH_BYTES) {
    return {
      kind: 'refused',
      message: `Upload too large: ${bytes} bytes exceeds limit of ${MAX_BATCH_BYTES}`,
    };
  }
  for (let i = 1; i < events.length; i++) {
    if ((events[i] as InputEvent).timestamp < (events[i - 1] as InputEvent).timestamp) {
      return {
        kind: 'refused',
        message: 'Log events in a single PutLogEvents request must be in chronological order.',
      };
    }
  }
  const first = events[0]?.timestamp ?? now;
  const last = events.at(-1)?.timestamp ?? now;
  if (last - first > MAX_SPAN_MS) {
    return {
      kind: 'refused',
      message: 'The batch of log events in a single PutLogEvents request cannot span more than 24 hours.',
    };
  }
  const tooNew = events.findIndex((event) => event.timestamp > now + MAX_AHEAD_MS);
  const tooOld = countBefore(events, now - MAX_AGE_MS);
  const expired = retentionDays === undefined ? 0 : countBefore(events, now - retentionDays * DAY_MS);
  if (tooNew === -1 && tooOld === 0 && expired === 0) return { kind: 'accepted', events };
  return {
    kind: 'accepted',
    events: events.slice(Math.max(tooOld, expired), tooNew === -1 ? undefined : tooNew),
    rejected: {
      ...(tooNew === -1 ? {} : { tooNewLogEventStartIndex: tooNew }),
      ...(tooOld === 0 ? {} : { tooOldLogEventEndIndex: tooOld }),
      ...(expired === 0 ? {} : { expiredLogEventEndIndex: expired }),
    },
  };
}

/** Events are in order of time, so those before an instant stand at the front. */
function countBefore(events: readonly InputEvent[], instant: number): number {
  const at = events.findIndex((event) => event.timestamp >= instant);
  return at === -1 ? events.length : at;
}

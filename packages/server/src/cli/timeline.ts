/** One event's story as text: what happened, when, how long after it was accepted. */
import { formatDuration } from '../platform/duration.ts';
import type { AttemptInfo, EventDetail, EventInfo, TimelineEntry } from './client.ts';
import { formatInstant, formatOffset, printable } from './output.ts';

/** `Succeeded`, `Discarded (RetriesExhausted)`, `pending`. */
export function formatFate(event: EventInfo): string {
  if (!event.fate) return 'pending';
  return event.fate.reason ? `${event.fate.kind} (${event.fate.reason})` : event.fate.kind;
}

/** The last part of an ARN: name, and qualifier where there is one. */
export function functionOf(arn: string): string {
  return arn.split(':function:')[1] ?? arn;
}

export function formatHeader(event: EventDetail): string[] {
  return [
    `${event.requestId}  ${functionOf(event.functionArn)}`,
    `  accepted ${formatInstant(event.acceptedAt)}`,
  ];
}

/** The lines of the story in order; the last one names the fate once there is one. */
export function formatTimeline(event: EventDetail): string[] {
  // The event itself says when it was accepted and what became of it.
  const story = event.timeline?.filter(({ kind }) => kind !== 'accepted' && kind !== 'fate');
  const lines = story
    ? story.flatMap((entry) => formatEntry(event.acceptedAt, entry))
    : event.attempts.flatMap((attempt) => formatAttempt(event.acceptedAt, attempt));
  if (event.fate) lines.push(`  ${formatOffset(event.acceptedAt, event.fate.at)}  ${formatFate(event)}`);
  return lines;
}

const OUTCOMES: Readonly<Record<string, string>> = {
  functionError: 'failed',
  gone: 'found no function',
};

function formatAttempt(acceptedAt: number, attempt: AttemptInfo): string[] {
  // On a virtual clock a run takes no time; how long it really took is measured beside.
  const took = formatDuration(attempt.durationMs ?? attempt.endedAt - attempt.startedAt);
  const what = OUTCOMES[attempt.outcome] ?? attempt.outcome;
  const error = attempt.errorType ? `: ${attempt.errorType}: ${firstLine(attempt.errorMessage ?? '')}` : '';
  return [
    `  ${formatOffset(acceptedAt, attempt.startedAt)}  attempt ${attempt.number} ${what} in ${took}${error}`,
  ];
}

function formatEntry(acceptedAt: number, entry: TimelineEntry): string[] {
  const data = entry.data ?? {};
  const at = formatOffset(acceptedAt, entry.at);
  const text = (name: string) => printable(String(data[name] ?? ''));
  switch (entry.kind) {
    case 'attempt': {
      const attempt = {
        number: Number(data.number),
        startedAt: Number(data.startedAt ?? entry.at),
        endedAt: Number(data.endedAt ?? entry.at),
        outcome: text('outcome'),
        durationMs: data.durationMs === undefined ? undefined : Number(data.durationMs),
        errorType: data.errorType === undefined ? undefined : text('errorType'),
        errorMessage: data.errorMessage === undefined ? undefined : text('errorMessage'),
      };
      return formatAttempt(acceptedAt, attempt);
    }
    case 'retryScheduled': {
      const why = data.why === 'functionError' ? '' : ` (${text('why')})`;
      return [`  ${at}  due again in ${formatDuration(Number(data.delayMs ?? 0))}${why}`];
    }
    case 'delivered':
      return [`  ${at}  sent to ${targetOf(data)} (${text('role')})`];
    case 'deliveryFailed':
      return [`  ${at}  could not be sent to ${targetOf(data)} (${text('role')}): ${text('message')}`];
    case 'throttled':
      return [`  ${at}  throttled: ${text('reason')}`];
    case 'systemError':
      return [`  ${at}  system error: ${text('message')}`];
    default: {
      const facts = Object.entries(data)
        .filter(([, value]) => value !== undefined && value !== null && typeof value !== 'object')
        .map(([key, value]) => `${key}=${firstLine(String(value))}`);
      return [`  ${at}  ${[entry.kind, ...facts].join(' ')}`];
    }
  }
}

/** Name of a queue or function: the last part of its ARN. */
function targetOf(data: Readonly<Record<string, unknown>>): string {
  return printable(
    String(data.target ?? '')
      .split(':')
      .slice(5)
      .join(':'),
  );
}

function firstLine(text: string): string {
  const line = printable(text.split('\n', 1)[0] ?? '');
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

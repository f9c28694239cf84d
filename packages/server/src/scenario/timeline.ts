/**
 * What happened in a run, as text: the steps and, under them, every event's story. Holds nothing that is measured,
 * so the same seed gives the same text, byte for byte.
 */
import { formatDuration } from '../platform/duration.ts';
import type { EventStory } from '../testing/index.ts';

/** Lines of one event's story that depend on the machine, or that say again what others say. */
const UNTOLD = new Set(['accepted', 'attemptStarted']);

export function formatStories(stories: readonly EventStory[], startedAt: number): string[] {
  return stories.flatMap((story) => [
    `${offset(startedAt, story.acceptedAt)} event ${story.requestId} for ${story.functionName} (${story.source})`,
    ...story.timeline.flatMap((entry) =>
      UNTOLD.has(entry.kind)
        ? []
        : `  ${offset(story.acceptedAt, entry.at)} ${formatEntry(entry.kind, entry.data ?? {})}`,
    ),
    ...(story.fate ? [] : ['  pending']),
  ]);
}

function formatEntry(kind: string, data: Readonly<Record<string, unknown>>): string {
  const text = (name: string) => firstLine(String(data[name] ?? ''));
  switch (kind) {
    case 'attempt': {
      const error = data.errorType === undefined ? '' : `: ${text('errorType')}: ${text('errorMessage')}`;
      return `attempt ${text('number')} ${text('outcome')}${error}`;
    }
    case 'retryScheduled':
      return `due again in ${formatDuration(Number(data.delayMs ?? 0))} (${text('why')})`;
    case 'delivered':
      return `delivered to ${text('target')} (${text('role')})`;
    case 'deliveryFailed':
      return `not delivered to ${text('target')} (${text('role')}): ${text('code')}`;
    case 'throttled':
      return `throttled: ${text('reason')}`;
    case 'fault':
      return `fault ${text('fault')}: ${text('target')} ${text('effect')}`;
    case 'fate':
      return data.reason === undefined ? text('fate') : `${text('fate')} (${text('reason')})`;
    default:
      return kind;
  }
}

/** `+1m`; `+0s` for the beginning. */
export function offset(from: number, at: number): string {
  return `+${at - from < 1_000 ? `${at - from}ms` : formatDuration(at - from)}`.replace('+0ms', '+0s');
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** An event's story line by line: what, when after it was accepted, and why. */
import { Anchor, Collapse, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { EventDetail } from './api.ts';
import { duration, exact, pretty } from './format.ts';
import { Time, To } from './parts.tsx';
import { TargetLink } from './target-link.tsx';

type Entry = EventDetail['timeline'][number];

export function Timeline({ event }: { readonly event: EventDetail }) {
  return (
    <>
      <ol className="timeline">
        {event.timeline.map((entry, i) => {
          const { color, what } = tell(entry);
          return (
            <li key={i}>
              <Text size="sm" className="muted number" title={exact(entry.at)}>
                {i === 0 ? <Time at={entry.at} /> : `+${duration(entry.at - event.acceptedAt)}`}
              </Text>
              <span className="rail">
                <span className="dot" style={{ background: `var(--mantine-color-${color}-6)` }} />
              </span>
              <div className="what">{what}</div>
            </li>
          );
        })}
      </ol>
      {event.nextAttemptAt !== undefined && (
        <Text size="sm" className="muted" mt={4}>
          The next attempt is due <Time at={event.nextAttemptAt} />.
        </Text>
      )}
    </>
  );
}

function tell({ kind, data = {} }: Entry): { color: string; what: ReactNode } {
  const text = (name: string) => (data[name] === undefined ? '' : String(data[name]));
  switch (kind) {
    case 'accepted':
      return { color: 'blue', what: <Line title="Accepted" note={`from ${text('source')}`} /> };
    case 'attemptStarted':
      return { color: 'blue', what: <Line title={`Attempt ${text('number')} is running`} /> };
    case 'attempt':
      return { color: data.outcome === 'succeeded' ? 'green' : 'red', what: <Attempt data={data} /> };
    case 'retryScheduled':
      return {
        color: 'yellow',
        what: (
          <Line
            title={`Due again in ${duration(Number(data.delayMs))}`}
            note={WHY[text('why')] ?? text('why')}
          />
        ),
      };
    case 'throttled':
      return { color: 'yellow', what: <Line title="Throttled: no free slot" note={text('reason')} /> };
    case 'systemError':
      return { color: 'orange', what: <Line title="Could not be run" note={text('message')} /> };
    case 'redelivered':
      return {
        color: 'gray',
        what: (
          <Line
            title="Handed out again"
            note="who held it before went away without a result; this is no retry"
          />
        ),
      };
    case 'delivered':
      return {
        color: 'gray',
        what: (
          <>
            <Text size="sm">
              {text('role') === 'DeadLetterQueue'
                ? 'Put into the dead-letter queue '
                : `Record for ${text('role')} sent to `}
              <TargetLink arn={text('target')} />
            </Text>
          </>
        ),
      };
    case 'deliveryFailed':
      return {
        color: 'red',
        what: (
          <>
            <Text size="sm" fw={600}>
              {text('role')} could not be delivered to <TargetLink arn={text('target')} />
            </Text>
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {text('code')}: {text('message')}
            </Text>
          </>
        ),
      };
    case 'fate':
      return {
        color: text('fate') === 'Succeeded' ? 'green' : 'red',
        what: (
          <Line
            title={FATES[text('fate')] ?? text('fate')}
            note={[text('reason'), text('note')].filter(Boolean).join(': ')}
          />
        ),
      };
    case 'redriven':
      return {
        color: 'blue',
        what: (
          <Text size="sm">
            <b>Sent again</b>
            {data.edited ? ' with an edited payload' : ''}
            {data.as !== undefined && (
              <>
                {' as '}
                <To href={`/events/${text('as')}`} mono>
                  {text('as')}
                </To>
              </>
            )}
            {data.to !== undefined && (
              <>
                {' to '}
                <TargetLink arn={text('to')} />
              </>
            )}
            {data.by !== undefined && <span className="muted"> by {text('by')}</span>}
          </Text>
        ),
      };
    case 'deadLetterDiscarded':
      return {
        color: 'gray',
        what: <Line title="Its dead letter was discarded" note={`${text('reason')} (${text('by')})`} />,
      };
    default:
      return { color: 'gray', what: <Line title={kind} note={JSON.stringify(data)} /> };
  }
}

const WHY: Readonly<Record<string, string>> = {
  functionError: 'after the error',
  throttled: 'no free slot',
  systemError: 'could not be run',
};
const FATES: Readonly<Record<string, string>> = {
  Succeeded: 'Succeeded',
  DeadLettered: 'Given up: it is a dead letter',
  SentToDestination: 'Given up: sent to the failure destination',
  Discarded: 'Discarded',
};

function Line({ title, note }: { readonly title: string; readonly note?: string }) {
  return (
    <>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      {note && (
        <Text size="sm" className="muted" style={{ overflowWrap: 'anywhere' }}>
          {note}
        </Text>
      )}
    </>
  );
}

function Attempt({ data }: { readonly data: NonNullable<Entry['data']> }) {
  const [opened, setOpened] = useState(false);
  const ok = data.outcome === 'succeeded';
  const facts = [
    data.durationMs !== undefined && `${data.durationMs} ms`,
    data.initMs !== undefined && `cold start ${data.initMs} ms`,
    data.maxMemoryMb !== undefined && `${data.maxMemoryMb} MB`,
    data.executedVersion !== undefined && `version ${data.executedVersion}`,
    data.environmentId !== undefined && `environment ${String(data.environmentId).slice(0, 8)}`,
  ].filter(Boolean);
  return (
    <>
      <Text size="sm" fw={600}>
        Attempt {String(data.number)} {ok ? 'succeeded' : 'failed'}
      </Text>
      {data.errorType !== undefined && (
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          <b>{String(data.errorType)}</b>: {String(data.errorMessage).slice(0, 2_000)}
        </Text>
      )}
      <Text size="xs" className="muted">
        {facts.join(' · ')}
      </Text>
      {data.response !== undefined && (
        <>
          <Anchor
            component="button"
            type="button"
            size="sm"
            aria-expanded={opened}
            onClick={() => setOpened(!opened)}
          >
            {opened ? 'Hide the error' : 'Show the whole error'}
          </Anchor>
          <Collapse expanded={opened}>
            <pre className="text-block">{stackOf(String(data.response))}</pre>
          </Collapse>
        </>
      )}
    </>
  );
}

/** The stack as lines; else the error as it was answered. */
function stackOf(response: string): string {
  try {
    const { trace, stackTrace } = JSON.parse(response) as Record<string, unknown>;
    const lines = Array.isArray(trace) ? trace : stackTrace;
    if (Array.isArray(lines) && lines.length > 0)
      return lines.map((line) => String(line).trimEnd()).join('\n');
  } catch {
    // Not JSON: shown as it is.
  }
  return pretty(response).text;
}

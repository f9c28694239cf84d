/** Is anything wrong, where, since when. */
import { Group, SimpleGrid, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo } from 'react';
import { type EventItem, get, type Overview, query } from '../api.ts';
import { EventTable } from '../event-table.tsx';
import { count } from '../format.ts';
import { Empty, Loaded, Page, Section, Stat, Time, To } from '../parts.tsx';

const Chart = lazy(() => import('../chart.tsx'));

export function OverviewPage() {
  const overview = useQuery({ queryKey: ['overview'], queryFn: () => get<Overview>('overview') });
  return (
    <Loaded query={overview} rows={8}>
      {(data) => <Shown overview={data} />}
    </Loaded>
  );
}

const COLORS = { critical: 'red', warning: 'orange', info: 'blue' } as const;
const WORDS = { critical: 'Critical', warning: 'Warning', info: 'Note' } as const;

function Shown({ overview }: { readonly overview: Overview }) {
  const { problems, ledger, lastHour } = overview;
  const worst = problems[0]?.severity;
  return (
    <Page
      title={
        worst === undefined
          ? 'Everything is fine'
          : worst === 'info'
            ? 'Nothing is wrong'
            : `${problems.filter(({ severity }) => severity !== 'info').length} things need attention`.replace(
                /^1 things need/,
                '1 thing needs',
              )
      }
      lead={`${count(ledger.accepted)} events accepted, each accounted for`}
    >
      {problems.length > 0 && (
        <div className="surface">
          {problems.map((problem) => (
            <div className="problem" key={`${problem.kind} ${problem.subject}`}>
              <span
                className="dot"
                style={{ background: `var(--mantine-color-${COLORS[problem.severity]}-6)` }}
              />
              <div style={{ minWidth: 0 }}>
                <Text span fw={600} style={{ overflowWrap: 'anywhere' }}>
                  <To href={linkOf(problem)}>{nameOf(problem)}</To>
                </Text>
                <Text size="sm">{problem.text}</Text>
              </div>
              <Text size="sm" className="muted" ta="right" component="div">
                <div>{WORDS[problem.severity]}</div>
                {problem.since !== undefined && (
                  <div>
                    began <Time at={problem.since} />
                  </div>
                )}
              </Text>
            </div>
          ))}
        </div>
      )}
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
        <Stat
          label="Pending events"
          value={ledger.pending}
          href="/events?fate=Pending"
          hint={<Oldest at={overview.oldestPendingAt} />}
        />
        <Stat
          label="Dead letters"
          value={overview.deadLetters}
          href="/dead-letters"
          hint={overview.deadLetters === 0 ? 'none waits' : 'wait for someone'}
        />
        <Stat
          label="Given up, last hour"
          value={lastHour.failed}
          href={`/events${query({ fate: 'Failed', from: lastHour.since })}`}
          hint={`of ${count(lastHour.accepted)} accepted`}
        />
        <Stat
          label="Running now"
          value={overview.running}
          href="/functions"
          hint={`${count(overview.environments)} environments`}
        />
      </SimpleGrid>
      <Section title="Events over the last hour">
        <Rates overview={overview} />
      </Section>
      <RecentFailures />
    </Page>
  );
}

function Oldest({ at }: { readonly at?: number }) {
  return at === undefined ? (
    <>none waits</>
  ) : (
    <>
      the oldest <Time at={at} />
    </>
  );
}

function Rates({ overview: { rates } }: { readonly overview: Overview }) {
  const series = useMemo(
    () => [
      { label: 'Accepted', color: 'blue', values: rates.accepted },
      { label: 'Succeeded', color: 'green', values: rates.succeeded },
      { label: 'Given up', color: 'red', values: rates.failed },
    ],
    [rates],
  );
  if (rates.accepted.every((value) => value === 0) && rates.failed.every((value) => value === 0)) {
    return (
      <Empty title="No events in this hour">
        Invoke a function with type Event, and it shows here: <code>redrive invoke NAME --event</code>
      </Empty>
    );
  }
  return (
    <Group p="sm" grow>
      <Suspense fallback={<Skeleton height={180} />}>
        <Chart at={rates.at} series={series} label="Events over the last hour" />
      </Suspense>
    </Group>
  );
}

function RecentFailures() {
  const events = useQuery({
    queryKey: ['events', 'recent-failures'],
    queryFn: async () => {
      const of = (fate: string) =>
        get<{ events: EventItem[] }>(`events${query({ fate, limit: 5, details: 'true' })}`);
      const found = await Promise.all(['DeadLettered', 'SentToDestination', 'Discarded'].map(of));
      return found
        .flatMap((page) => page.events)
        .sort((a, b) => (b.fate?.at ?? 0) - (a.fate?.at ?? 0))
        .slice(0, 5);
    },
  });
  if (events.data?.length === 0) return null;
  return (
    <Section title="Given up last">
      <Loaded query={events}>{(data) => <EventTable events={data} />}</Loaded>
    </Section>
  );
}

type Problem = Overview['problems'][number];

function linkOf({ kind, subject }: Problem): string {
  switch (kind) {
    case 'deadLetters':
    case 'expiring':
      return `/dead-letters/${subject}`;
    case 'jobStopped':
      return '/jobs';
    case 'alarm':
      return `/alarms${query({ name: subject })}`;
    case 'unaccounted':
      return '/events';
    default:
      return `/functions/${subject}`;
  }
}

function nameOf({ kind, subject }: Problem): string {
  if (kind === 'alarm') return `Alarm: ${subject}`;
  if (kind === 'jobStopped') return 'A redrive stopped itself';
  if (kind === 'unaccounted') return 'The books do not balance';
  return subject;
}

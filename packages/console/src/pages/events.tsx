/** Accepted events, newest first: filtered by what an index knows, searched by what is in them. */
import { Button, Group, NativeSelect, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import { type EventItem, type FunctionInfo, get, query } from '../api.ts';
import { EventTable } from '../event-table.tsx';
import { Empty, Loaded, Page, Section } from '../parts.tsx';

interface Found {
  readonly events: EventItem[];
  readonly nextBefore?: string;
}

const FATES = [
  { value: '', label: 'Any fate' },
  { value: 'Pending', label: 'Pending' },
  { value: 'Succeeded', label: 'Succeeded' },
  { value: 'Failed', label: 'Given up' },
  { value: 'DeadLettered', label: 'Dead-lettered' },
  { value: 'SentToDestination', label: 'Sent to destination' },
  { value: 'Discarded', label: 'Discarded' },
];
const REASONS = [
  'RetriesExhausted',
  'EventAgeExceeded',
  'ZeroReservedConcurrency',
  'RecursiveInvocation',
  'Operator',
];
const WINDOWS = [
  { value: '', label: 'Any time' },
  { value: '900000', label: 'Last 15 minutes' },
  { value: '3600000', label: 'Last hour' },
  { value: '86400000', label: 'Last day' },
];
const PAGE = 50;

export default function EventsPage() {
  const [params, setParams] = useSearchParams();
  const [, navigate] = useLocation();
  const set = (name: string, value: string) =>
    setParams((old) => {
      const next = new URLSearchParams(old);
      if (value === '') next.delete(name);
      else next.set(name, value);
      if (name === 'within') next.delete('from');
      return next;
    });
  const filter = {
    function: params.get('function') ?? '',
    fate: params.get('fate') ?? '',
    reason: params.get('reason') ?? '',
    text: params.get('text') ?? '',
    error: params.get('error') ?? '',
    within: params.get('within') ?? '',
    from: params.get('from') ?? '',
  };
  const functions = useQuery({
    queryKey: ['functions'],
    queryFn: () => get<{ functions: FunctionInfo[] }>('functions'),
  });
  const events = useInfiniteQuery({
    queryKey: ['events', filter],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam }) => {
      const clock = filter.within === '' ? undefined : await get<{ now: number }>('clock');
      const { fate, within, ...rest } = filter;
      return get<Found>(
        `events${query({
          ...rest,
          fate,
          from: clock ? clock.now - Number(within) : rest.from,
          before: pageParam,
          limit: PAGE,
          details: 'true',
        })}`,
      );
    },
    getNextPageParam: (page) => page.nextBefore,
    placeholderData: keepPreviousData,
  });
  const searching = filter.text !== '' || filter.error !== '' || filter.reason !== '';
  const shown = events.data?.pages.flatMap((page) => page.events);
  return (
    <Page
      title="Events"
      lead="Everything handed to a function to be run later"
      actions={
        Object.values(filter).some((value) => value !== '') && (
          <Button variant="default" size="xs" onClick={() => navigate('/events')}>
            Clear filters
          </Button>
        )
      }
    >
      <div className="filters">
        <NativeSelect
          label="Function"
          value={filter.function}
          onChange={(event) => set('function', event.currentTarget.value)}
          data={[
            { value: '', label: 'Any function' },
            ...(functions.data?.functions.map(({ name }) => name) ?? []),
          ]}
        />
        <NativeSelect
          label="Fate"
          value={filter.fate}
          onChange={(event) => set('fate', event.currentTarget.value)}
          data={FATES}
        />
        <NativeSelect
          label="Condition"
          value={filter.reason}
          onChange={(event) => set('reason', event.currentTarget.value)}
          data={[{ value: '', label: 'Any condition' }, ...REASONS]}
        />
        <NativeSelect
          label="Accepted"
          value={filter.within}
          onChange={(event) => set('within', event.currentTarget.value)}
          data={filter.from === '' ? WINDOWS : [{ value: '', label: 'Since the link' }, ...WINDOWS.slice(1)]}
        />
        <Typed label="Payload contains" value={filter.text} onChange={(value) => set('text', value)} />
        <Typed
          label="Timeline contains"
          placeholder="error, version, log stream"
          value={filter.error}
          onChange={(value) => set('error', value)}
        />
      </div>
      <Section>
        <Loaded query={{ ...events, data: shown }} rows={10}>
          {(data) =>
            data.length === 0 ? (
              <Empty title={events.hasNextPage ? 'None among the newest' : 'No such events'}>
                {events.hasNextPage
                  ? 'Older ones have not been searched yet.'
                  : 'Nothing matches. Fewer filters show more; ended events are kept for the retention time.'}
              </Empty>
            ) : (
              <EventTable events={data} />
            )
          }
        </Loaded>
      </Section>
      {events.hasNextPage && (
        <Group>
          <Button
            variant="default"
            loading={events.isFetchingNextPage}
            onClick={() => events.fetchNextPage()}
          >
            {searching ? 'Search older events' : 'Show older events'}
          </Button>
          {shown && (
            <Text size="sm" className="muted">
              {shown.length} shown
            </Text>
          )}
        </Group>
      )}
    </Page>
  );
}

/** Takes effect when typing pauses. */
function Typed({
  label,
  value,
  placeholder,
  onChange,
}: {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly onChange: (value: string) => void;
}) {
  const [text, setText] = useState(value);
  const [settled] = useDebouncedValue(text, 350);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (settled !== value) onChange(settled);
  }, [settled]);
  return (
    <TextInput
      label={label}
      value={text}
      placeholder={placeholder}
      onChange={(event) => setText(event.currentTarget.value)}
    />
  );
}

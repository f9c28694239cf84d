/** What functions write: by group, filtered as CloudWatch Logs filters, followed as it comes. */
import { Button, Group, NativeSelect, Switch, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useSearchParams } from 'wouter';
import { get, query } from '../api.ts';
import { count } from '../format.ts';
import { Empty, Loaded, Page, Scroll, Section, To } from '../parts.tsx';

interface Line {
  readonly id: string;
  readonly at: number;
  readonly stream: string;
  readonly text: string;
}

const PAGE = 200;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

export default function LogsPage() {
  const [params, setParams] = useSearchParams();
  const [pattern, setPattern] = useState(params.get('pattern') ?? '');
  const [settled] = useDebouncedValue(pattern, 350);
  const [following, setFollowing] = useState(true);
  const groups = useQuery({
    queryKey: ['log-groups'],
    queryFn: () => get<{ groups: string[] }>('logs'),
  });
  const group = params.get('group') ?? groups.data?.groups[0];
  const lines = useInfiniteQuery({
    queryKey: [following ? 'logs' : 'logs-held', group, settled],
    initialPageParam: undefined as string | undefined,
    enabled: group !== undefined,
    queryFn: ({ pageParam }) =>
      get<{ lines: Line[]; next?: string }>(
        `logs/lines${query({ group, pattern: settled, before: pageParam, limit: PAGE })}`,
      ),
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    refetchInterval: following ? 2_000 : false,
  });
  const shown = lines.data?.pages.flatMap((page) => page.lines);
  return (
    <Page title="Logs" lead="Newest first; a request id leads to its event">
      <Group gap="xs" align="flex-end">
        <NativeSelect
          label="Group"
          value={group ?? ''}
          onChange={(event) => setParams({ group: event.currentTarget.value }, { replace: true })}
          data={groups.data?.groups ?? []}
          disabled={!groups.data || groups.data.groups.length === 0}
        />
        <TextInput
          label="Filter pattern"
          description={undefined}
          placeholder={'ERROR, "two words", { $.level = "error" }'}
          value={pattern}
          onChange={(event) => setPattern(event.currentTarget.value)}
          w={320}
        />
        <Switch
          label="Follow"
          checked={following}
          onChange={(event) => setFollowing(event.currentTarget.checked)}
          pb={8}
        />
      </Group>
      <Section>
        {groups.data?.groups.length === 0 ? (
          <Empty title="Nothing has been written yet">When a function runs, its output is here.</Empty>
        ) : (
          <Loaded query={{ ...lines, data: shown }} rows={10}>
            {(rows) =>
              rows.length === 0 ? (
                <Empty title="No such lines">
                  {settled === '' ? 'The group is empty.' : 'Nothing matches the pattern.'}
                </Empty>
              ) : (
                <Scroll label="Log lines" maxHeight="68vh">
                  {rows.map((line) => (
                    <div className="log-line" key={line.id}>
                      <span className="muted" title={`${new Date(line.at).toISOString()} ${line.stream}`}>
                        {new Date(line.at).toISOString().slice(11, 23)}
                      </span>
                      <span>
                        <Linked text={line.text} />
                      </span>
                    </div>
                  ))}
                </Scroll>
              )
            }
          </Loaded>
        )}
      </Section>
      {lines.hasNextPage && (
        <Group>
          <Button variant="default" loading={lines.isFetchingNextPage} onClick={() => lines.fetchNextPage()}>
            Older lines
          </Button>
          <Text size="sm" className="muted">
            {count(shown?.length ?? 0)} shown
          </Text>
        </Group>
      )}
    </Page>
  );
}

const LONGEST = 10_000;

function Linked({ text }: { readonly text: string }) {
  const short =
    text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${count(text.length)} characters)` : text;
  const id = UUID.exec(short)?.[0];
  if (id === undefined) return short;
  const [before, ...after] = short.split(id);
  return (
    <>
      {before}
      <To href={`/events/${id}`}>{id}</To>
      {after.join(id)}
    </>
  );
}

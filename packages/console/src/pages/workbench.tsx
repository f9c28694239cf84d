/** One dead-letter queue as work: its letters by failure, and what can be done with a group or with some of them. */
import { Anchor, Button, Checkbox, Group, Stack, Table, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useSearchParams } from 'wouter';
import { API, type Group as FailureGroup, get, type Job, type LetterSummary, query } from '../api.ts';
import { count } from '../format.ts';
import { JobProgress } from '../job-progress.tsx';
import { DiscardButton, RedriveButton } from '../letter-actions.tsx';
import { Empty, Loaded, Page, Section, Tag, Time, To } from '../parts.tsx';

const PAGE = 50;

export default function WorkbenchPage({ queue }: { readonly queue: string }) {
  const [params, setParams] = useSearchParams();
  const chosen = params.get('group') ?? undefined;
  const groups = useQuery({
    queryKey: ['groups', queue],
    queryFn: () => get<{ total: number; groups: FailureGroup[] }>(`dead-letters/${queue}/groups`),
  });
  const jobs = useQuery({
    queryKey: ['jobs', queue],
    queryFn: () => get<{ jobs: Job[] }>(`jobs${query({ queue })}`),
  });
  const recent =
    jobs.data?.jobs.filter((job, i) => i === 0 || job.status === 'Running' || job.status === 'Paused') ?? [];
  const total = groups.data?.total ?? 0;
  return (
    <Page
      title={queue}
      lead={
        <>
          {groups.data ? `${count(total)} dead ${total === 1 ? 'letter' : 'letters'} · ` : ''}
          <To href={`/queues/${queue}`}>the queue</To>
          {total > 0 && (
            <>
              {' · '}
              <Anchor href={`${API}/dead-letters/${encodeURIComponent(queue)}/export`} download inherit>
                export
              </Anchor>
            </>
          )}
        </>
      }
      actions={
        total > 0 && (
          <>
            <DiscardButton
              queue={queue}
              selection={{ kind: 'all' }}
              letters={total}
              what={`all of ${queue}`}
            />
            <RedriveButton
              queue={queue}
              selection={{ kind: 'all' }}
              letters={total}
              what={`all of ${queue}`}
            />
          </>
        )
      }
    >
      {recent.length > 0 && (
        <Section title="Latest work on this queue">
          {recent.map((job) => (
            <JobProgress key={job.jobId} job={job} />
          ))}
        </Section>
      )}
      <Section title="By failure">
        <Loaded query={groups} rows={6}>
          {({ groups: rows }) =>
            rows.length === 0 ? (
              <Empty title="Nothing waits here">
                What fails for good and belongs to this queue will be grouped here.
              </Empty>
            ) : (
              <Stack gap={0}>
                {rows.map((group) => (
                  <GroupRow
                    key={group.fingerprint}
                    queue={queue}
                    group={group}
                    opened={group.fingerprint === chosen}
                    onToggle={() =>
                      setParams(group.fingerprint === chosen ? {} : { group: group.fingerprint }, {
                        replace: true,
                      })
                    }
                  />
                ))}
              </Stack>
            )
          }
        </Loaded>
      </Section>
    </Page>
  );
}

function GroupRow({
  queue,
  group,
  opened,
  onToggle,
}: {
  readonly queue: string;
  readonly group: FailureGroup;
  readonly opened: boolean;
  readonly onToggle: () => void;
}) {
  const where = Object.entries(group.sources).map(([name, n]) =>
    n === group.count ? name : `${name} (${n})`,
  );
  const versions = Object.keys(group.versions);
  return (
    <div style={{ borderBottom: '1px solid var(--line)' }}>
      <Group p="sm" gap="md" wrap="nowrap" align="flex-start">
        <Text fw={700} size="lg" className="number" miw={56} aria-label={`${group.count} letters`}>
          {count(group.count)}
        </Text>
        <div style={{ flex: 1, minWidth: 0 }}>
          <Anchor
            component="button"
            type="button"
            ta="left"
            fw={600}
            aria-expanded={opened}
            onClick={onToggle}
            style={{ overflowWrap: 'anywhere' }}
          >
            {group.type}: {group.message || 'no message'}
          </Anchor>
          <Text size="sm" className="muted" component="div">
            {group.frames[0] && <span className="mono">at {group.frames[0]} · </span>}
            {where.length > 0 && <span>{where.join(', ')} · </span>}
            {versions.length > 0 && (
              <span>
                {versions.length === 1 ? 'version' : 'versions'} {versions.join(', ')} ·{' '}
              </span>
            )}
            first <Time at={group.firstSeenAt} />, last <Time at={group.lastSeenAt} />
          </Text>
        </div>
        <Group gap={6} wrap="nowrap">
          <DiscardButton
            queue={queue}
            size="compact-sm"
            selection={{ kind: 'group', fingerprint: group.fingerprint }}
            letters={group.count}
            what="this group"
          />
          <RedriveButton
            queue={queue}
            size="compact-sm"
            selection={{ kind: 'group', fingerprint: group.fingerprint }}
            letters={group.count}
            what="this group"
          />
        </Group>
      </Group>
      {opened && <Letters queue={queue} group={group} />}
    </div>
  );
}

function Letters({ queue, group }: { readonly queue: string; readonly group: FailureGroup }) {
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const letters = useInfiniteQuery({
    queryKey: ['letters', queue, group.fingerprint],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      get<{ messages: LetterSummary[]; next?: string }>(
        `dead-letters/${queue}/messages${query({ group: group.fingerprint, after: pageParam, limit: PAGE })}`,
      ),
    getNextPageParam: (page) => page.next,
  });
  const shown = letters.data?.pages.flatMap((page) => page.messages);
  const present = shown?.filter(({ ref }) => marked.has(ref)).map(({ ref }) => ref) ?? [];
  const toggle = (ref: string) => {
    const next = new Set(marked);
    if (!next.delete(ref)) next.add(ref);
    setMarked(next);
  };
  return (
    <div style={{ background: 'var(--ground)', borderTop: '1px solid var(--line)' }}>
      <Loaded query={{ ...letters, data: shown }}>
        {(rows) => (
          <div className="scroll">
            <Table miw={720} className="fixed" highlightOnHover>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th w={44}>
                    <Checkbox
                      aria-label="Mark all that are shown"
                      checked={present.length > 0 && present.length === rows.length}
                      indeterminate={present.length > 0 && present.length < rows.length}
                      onChange={(event) =>
                        setMarked(
                          event.currentTarget.checked ? new Set(rows.map(({ ref }) => ref)) : new Set(),
                        )
                      }
                    />
                  </Table.Th>
                  <Table.Th w={110}>Dead since</Table.Th>
                  <Table.Th w={320}>Event</Table.Th>
                  <Table.Th>Payload</Table.Th>
                  <Table.Th w={112}>
                    <span className="muted">State</span>
                  </Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {rows.map((letter) => (
                  <Table.Tr key={letter.ref}>
                    <Table.Td>
                      <Checkbox
                        aria-label={`Mark ${letter.requestId ?? letter.messageId}`}
                        checked={marked.has(letter.ref)}
                        onChange={() => toggle(letter.ref)}
                      />
                    </Table.Td>
                    <Table.Td>
                      <Time at={letter.deadLetteredAt} />
                    </Table.Td>
                    <Table.Td>
                      <To href={`/dead-letters/${queue}/${letter.ref}`} mono>
                        {letter.requestId ?? letter.messageId}
                      </To>
                    </Table.Td>
                    <Table.Td>
                      <span className="clip mono">{letter.preview}</span>
                    </Table.Td>
                    <Table.Td>
                      {letter.held ? (
                        <Tag color="gray">held</Tag>
                      ) : letter.edited ? (
                        <Tag color="blue">edited</Tag>
                      ) : (
                        ''
                      )}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        )}
      </Loaded>
      <Group p="sm" gap="xs">
        {letters.hasNextPage && (
          <Button
            size="xs"
            variant="default"
            loading={letters.isFetchingNextPage}
            onClick={() => letters.fetchNextPage()}
          >
            Show more
          </Button>
        )}
        {shown && (
          <Text size="sm" className="muted">
            {count(shown.length)} of {count(group.count)} shown
          </Text>
        )}
        {present.length > 0 && (
          <>
            <DiscardButton
              queue={queue}
              size="xs"
              selection={{ kind: 'messages', refs: present }}
              letters={present.length}
              what={`${present.length} marked`}
            />
            <RedriveButton
              queue={queue}
              size="xs"
              selection={{ kind: 'messages', refs: present }}
              letters={present.length}
              what={`${present.length} marked`}
            />
          </>
        )}
      </Group>
    </div>
  );
}

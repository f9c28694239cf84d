/** Who did what, when. */
import { Button, Group, Table } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type AuditEntry, get, query } from '../api.ts';
import { Empty, Loaded, Page, Section, Time, To } from '../parts.tsx';

const ACTIONS: Readonly<Record<string, string>> = {
  redrive: 'Sent a dead letter again',
  discard: 'Discarded a dead letter',
  edit: 'Edited a payload',
  try: 'Tried a dead letter',
  import: 'Imported dead letters',
  export: 'Exported dead letters',
  'job.start': 'Started work on dead letters',
  'job.pause': 'Paused the work',
  'job.resume': 'Let the work go on',
  'job.stop': 'Stopped the work',
  'job.end': 'The work ended',
  'event.redrive': 'Sent an event again',
  'event.discard': 'Discarded an event',
  login: 'Logged in',
  logout: 'Logged out',
};

export default function AuditPage() {
  const audit = useInfiniteQuery({
    queryKey: ['audit'],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      get<{ entries: AuditEntry[]; next?: string }>(`audit${query({ before: pageParam, limit: 100 })}`),
    getNextPageParam: (page) => page.next,
  });
  const shown = audit.data?.pages.flatMap((page) => page.entries);
  return (
    <Page title="Audit trail" lead="Every change an operator made: who, when, what">
      <Section>
        <Loaded query={{ ...audit, data: shown }} rows={8}>
          {(rows) =>
            rows.length === 0 ? (
              <Empty title="Nobody has changed anything yet" />
            ) : (
              <div className="scroll">
                <Table miw={760} className="fixed">
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th w={110}>When</Table.Th>
                      <Table.Th w={200}>Who</Table.Th>
                      <Table.Th w={230}>What</Table.Th>
                      <Table.Th>To what</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {rows.map((entry) => (
                      <Table.Tr key={entry.id}>
                        <Table.Td>
                          <Time at={entry.at} />
                        </Table.Td>
                        <Table.Td>{entry.by}</Table.Td>
                        <Table.Td>{ACTIONS[entry.action] ?? entry.action}</Table.Td>
                        <Table.Td>
                          <Details entry={entry} />
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </div>
            )
          }
        </Loaded>
      </Section>
      {audit.hasNextPage && (
        <Group>
          <Button variant="default" loading={audit.isFetchingNextPage} onClick={() => audit.fetchNextPage()}>
            Show older
          </Button>
        </Group>
      )}
    </Page>
  );
}

function Details({ entry }: { readonly entry: AuditEntry }) {
  const text = (name: string) => (typeof entry[name] === 'string' ? (entry[name] as string) : undefined);
  const event = entry.action.startsWith('event.') ? entry.subject : text('requestId');
  const queue =
    entry.action.startsWith('event.') || entry.action.startsWith('log') ? undefined : entry.subject;
  return (
    <div style={{ overflowWrap: 'anywhere' }}>
      {queue && (
        <div>
          <To href={`/dead-letters/${queue}`}>{queue}</To>
          {entry.edited === true && <span className="muted"> with an edited payload</span>}
        </div>
      )}
      {event && (
        <div>
          <span className="muted">event </span>
          <To href={`/events/${event}`} mono>
            {event}
          </To>
        </div>
      )}
      {text('as') && (
        <div>
          <span className="muted">as </span>
          <To href={`/events/${text('as')}`} mono>
            {text('as')}
          </To>
        </div>
      )}
      {text('what') && (
        <div className="muted">
          {text('what')} of {selectionText(entry.selection)}
        </div>
      )}
      {text('outcome') && <div className="muted">outcome: {text('outcome')}</div>}
      {text('status') && (
        <div className="muted">
          {text('status')}, {String(entry.moved)} moved
        </div>
      )}
      {text('reason') && <div>{text('reason')}</div>}
      {text('diff') && (
        <pre className="text-block" style={{ padding: 6, maxHeight: 200 }}>
          {text('diff')?.split('\n').slice(4).join('\n')}
        </pre>
      )}
    </div>
  );
}

function selectionText(selection: unknown): string {
  if (typeof selection === 'string') return selection;
  const { kind, fingerprint } = (selection ?? {}) as { kind?: string; fingerprint?: string };
  return kind === 'group' ? `group ${fingerprint}` : 'all letters';
}

/** One queue: its numbers, its settings, and the messages in it, looked at without receiving them. */
import { Button, Group, SimpleGrid, Table } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { get, type LetterSummary, type QueueInfo, query } from '../api.ts';
import { duration, nameOfArn } from '../format.ts';
import { Empty, Loaded, Page, Section, Stat, Tag, Time, To } from '../parts.tsx';

const PAGE = 50;

export default function QueuePage({ name }: { readonly name: string }) {
  const queue = useQuery({
    queryKey: ['queue', name],
    queryFn: () => get<QueueInfo>(`queues/${encodeURIComponent(name)}`),
  });
  return (
    <Loaded query={queue} rows={8}>
      {(data) => (
        <Page
          title={data.name}
          lead={
            <>
              {data.fifo ? 'FIFO' : 'Standard'} · hidden for {duration(data.visibilityMs)} when received ·
              kept for {duration(data.retentionMs)}
              {data.delayMs > 0 && ` · delayed by ${duration(data.delayMs)}`}
              {data.redrive && (
                <>
                  {' '}
                  · after {data.redrive.maxReceiveCount} receives to{' '}
                  <To href={`/dead-letters/${nameOfArn(data.redrive.deadLetterTargetArn)}`}>
                    {nameOfArn(data.redrive.deadLetterTargetArn)}
                  </To>
                </>
              )}
            </>
          }
          actions={
            data.deadLettersOf.length > 0 && (
              <To href={`/dead-letters/${data.name}`}>Work on its dead letters</To>
            )
          }
        >
          <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
            <Stat label="Visible" value={data.visible} />
            <Stat label="In flight" value={data.inFlight} />
            <Stat label="Delayed" value={data.delayed} />
            <Stat label="Oldest" value={data.oldestAt === undefined ? '–' : <Time at={data.oldestAt} />} />
          </SimpleGrid>
          <Messages name={data.name} />
        </Page>
      )}
    </Loaded>
  );
}

function Messages({ name }: { readonly name: string }) {
  const messages = useInfiniteQuery({
    queryKey: ['letters', name, 'all'],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      get<{ messages: LetterSummary[]; next?: string }>(
        `dead-letters/${name}/messages${query({ after: pageParam, limit: PAGE })}`,
      ),
    getNextPageParam: (page) => page.next,
  });
  const shown = messages.data?.pages.flatMap((page) => page.messages);
  return (
    <Section title="Messages, oldest first">
      <Loaded query={{ ...messages, data: shown }}>
        {(rows) =>
          rows.length === 0 ? (
            <Empty title="The queue is empty">Messages show here without being received.</Empty>
          ) : (
            <div className="scroll">
              <Table className="fixed" miw={640} highlightOnHover>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th w={110}>Sent</Table.Th>
                    <Table.Th w={320}>Message</Table.Th>
                    <Table.Th>Body</Table.Th>
                    <Table.Th w={90} className="number">
                      Received
                    </Table.Th>
                    <Table.Th w={100}>State</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {rows.map((message) => (
                    <Table.Tr key={message.ref}>
                      <Table.Td>
                        <Time at={message.sentAt} />
                      </Table.Td>
                      <Table.Td>
                        <To href={`/dead-letters/${name}/${message.ref}`} mono>
                          {message.messageId}
                        </To>
                      </Table.Td>
                      <Table.Td>
                        <span className="clip mono">{message.preview}</span>
                      </Table.Td>
                      <Table.Td className="number">{message.receiveCount}</Table.Td>
                      <Table.Td>{message.held && <Tag color="gray">held</Tag>}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </div>
          )
        }
      </Loaded>
      {messages.hasNextPage && (
        <Group p="sm">
          <Button
            size="xs"
            variant="default"
            loading={messages.isFetchingNextPage}
            onClick={() => messages.fetchNextPage()}
          >
            Show more
          </Button>
        </Group>
      )}
    </Section>
  );
}

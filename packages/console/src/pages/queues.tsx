/** Every queue with what waits in it. */
import { Table, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { get, type QueueInfo } from '../api.ts';
import { count, nameOfArn } from '../format.ts';
import { Empty, Loaded, Page, Section, Tag, Time, To } from '../parts.tsx';

export default function QueuesPage() {
  const [wanted, setWanted] = useState('');
  const queues = useQuery({ queryKey: ['queues'], queryFn: () => get<{ queues: QueueInfo[] }>('queues') });
  return (
    <Page
      title="Queues"
      lead="SQS queues: what can be received, what is being worked on, what comes later"
      actions={
        <TextInput
          aria-label="Filter by name"
          placeholder="Filter by name"
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
        />
      }
    >
      <Section>
        <Loaded query={queues}>
          {({ queues: all }) => {
            const rows = all.filter(({ name }) => name.toLowerCase().includes(wanted.toLowerCase()));
            if (rows.length === 0) {
              return (
                <Empty title={all.length === 0 ? 'No queues yet' : 'No queue has such a name'}>
                  {all.length === 0 && (
                    <>
                      <code>redrive aws sqs create-queue --queue-name NAME</code> makes one.
                    </>
                  )}
                </Empty>
              );
            }
            return (
              <div className="scroll">
                <Table highlightOnHover miw={760}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>Queue</Table.Th>
                      <Table.Th className="number">Visible</Table.Th>
                      <Table.Th className="number">In flight</Table.Th>
                      <Table.Th className="number">Delayed</Table.Th>
                      <Table.Th>Oldest</Table.Th>
                      <Table.Th>Dead letters go to</Table.Th>
                      <Table.Th>Read by</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {rows.map((queue) => (
                      <Table.Tr key={queue.name}>
                        <Table.Td maw={320}>
                          <span className="clip" title={queue.name}>
                            <To href={`/queues/${queue.name}`}>{queue.name}</To>
                          </span>
                          {queue.deadLettersOf.length > 0 && <Tag color="red">dead letters</Tag>}
                        </Table.Td>
                        <Table.Td className="number">{count(queue.visible)}</Table.Td>
                        <Table.Td className="number">{count(queue.inFlight)}</Table.Td>
                        <Table.Td className="number">{count(queue.delayed)}</Table.Td>
                        <Table.Td>
                          {queue.oldestAt === undefined ? '' : <Time at={queue.oldestAt} />}
                        </Table.Td>
                        <Table.Td>
                          {queue.redrive && (
                            <To href={`/dead-letters/${nameOfArn(queue.redrive.deadLetterTargetArn)}`}>
                              {nameOfArn(queue.redrive.deadLetterTargetArn)}
                            </To>
                          )}
                        </Table.Td>
                        <Table.Td>
                          {queue.consumers.map((name) => (
                            <div key={name}>
                              <To href={`/functions/${name}`}>{name}</To>
                            </div>
                          ))}
                        </Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </div>
            );
          }}
        </Loaded>
      </Section>
    </Page>
  );
}

/** The queues where what failed waits for somebody. */
import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type DeadLetterQueue, get, type Job } from '../api.ts';
import { count, duration } from '../format.ts';
import { JobProgress } from '../job-progress.tsx';
import { Empty, Loaded, Page, Section, Time, To } from '../parts.tsx';

export default function DeadLettersPage() {
  const queues = useQuery({
    queryKey: ['dead-letters'],
    queryFn: () => get<{ queues: DeadLetterQueue[] }>('dead-letters'),
  });
  const jobs = useQuery({ queryKey: ['jobs'], queryFn: () => get<{ jobs: Job[] }>('jobs') });
  const active = jobs.data?.jobs.filter(({ status }) => status === 'Running' || status === 'Paused') ?? [];
  return (
    <Page title="Dead letters" lead="What was given up and waits for somebody: by queue">
      {active.length > 0 && (
        <Section title="Under way">
          {active.map((job) => (
            <JobProgress key={job.jobId} job={job} />
          ))}
        </Section>
      )}
      <Section>
        <Loaded query={queues}>
          {({ queues: rows }) =>
            rows.length === 0 ? (
              <Empty title="No dead-letter queues">
                Give a function a dead-letter queue or a failure destination, or a queue a redrive policy, and
                what fails is kept here instead of being lost.
              </Empty>
            ) : (
              <div className="scroll">
                <Table highlightOnHover miw={640}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>Queue</Table.Th>
                      <Table.Th className="number">Letters</Table.Th>
                      <Table.Th>Oldest</Table.Th>
                      <Table.Th>Kept for</Table.Th>
                      <Table.Th>Dead letters of</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {rows.map((queue) => (
                      <Table.Tr key={queue.name}>
                        <Table.Td>
                          <To href={`/dead-letters/${queue.name}`}>{queue.name}</To>
                        </Table.Td>
                        <Table.Td className="number">{count(queue.depth)}</Table.Td>
                        <Table.Td>
                          {queue.oldestAt === undefined ? '' : <Time at={queue.oldestAt} />}
                        </Table.Td>
                        <Table.Td>{duration(queue.retentionMs)}</Table.Td>
                        <Table.Td>
                          {queue.sources.map(({ kind, name }) => (
                            <div key={`${kind} ${name}`}>
                              <span className="muted">{KINDS[kind]} </span>
                              {kind === 'subscription' ? (
                                name
                              ) : (
                                <To href={`/${kind === 'queue' ? 'queues' : 'functions'}/${name}`}>{name}</To>
                              )}
                            </div>
                          ))}
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
    </Page>
  );
}

const KINDS = {
  function: 'function',
  destination: 'failure destination of',
  queue: 'queue',
  subscription: 'subscription',
} as const;

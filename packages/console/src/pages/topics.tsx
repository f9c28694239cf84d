/** Topics, their subscriptions, and what waits for an endpoint that does not answer. */
import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { get, type Topic } from '../api.ts';
import { count, nameOfArn } from '../format.ts';
import { Empty, Loaded, Page, Section, Tag, Time, To } from '../parts.tsx';
import { TargetLink } from '../target-link.tsx';

export default function TopicsPage() {
  const topics = useQuery({ queryKey: ['topics'], queryFn: () => get<{ topics: Topic[] }>('topics') });
  return (
    <Page title="Topics" lead="SNS topics, who subscribes, and deliveries that are still to be made">
      <Loaded query={topics}>
        {({ topics: rows }) =>
          rows.length === 0 ? (
            <Section>
              <Empty title="No topics yet">
                <code>redrive aws sns create-topic --name NAME</code> makes one.
              </Empty>
            </Section>
          ) : (
            rows.map((topic) => (
              <Section key={topic.arn} title={topic.name}>
                {topic.subscriptions.length === 0 ? (
                  <Empty title="Nobody subscribes" />
                ) : (
                  <div className="scroll">
                    <Table miw={720}>
                      <Table.Thead>
                        <Table.Tr>
                          <Table.Th w={110}>Protocol</Table.Th>
                          <Table.Th>Endpoint</Table.Th>
                          <Table.Th className="number">Waiting</Table.Th>
                          <Table.Th>Oldest</Table.Th>
                          <Table.Th>Dead letters go to</Table.Th>
                        </Table.Tr>
                      </Table.Thead>
                      <Table.Tbody>
                        {topic.subscriptions.map((subscription) => (
                          <Table.Tr key={subscription.endpoint + subscription.arn}>
                            <Table.Td>{subscription.protocol}</Table.Td>
                            <Table.Td style={{ overflowWrap: 'anywhere' }}>
                              {subscription.endpoint.startsWith('arn:') ? (
                                <TargetLink arn={subscription.endpoint} />
                              ) : (
                                subscription.endpoint
                              )}{' '}
                              {subscription.pending && <Tag color="yellow">not confirmed</Tag>}
                              {subscription.filter && <div className="muted mono">{subscription.filter}</div>}
                            </Table.Td>
                            <Table.Td className="number">{count(subscription.waiting)}</Table.Td>
                            <Table.Td>
                              {subscription.oldestAt !== undefined && <Time at={subscription.oldestAt} />}
                            </Table.Td>
                            <Table.Td>
                              {subscription.deadLetterArn ? (
                                <To href={`/dead-letters/${nameOfArn(subscription.deadLetterArn)}`}>
                                  {nameOfArn(subscription.deadLetterArn)}
                                </To>
                              ) : (
                                <span className="muted">nowhere</span>
                              )}
                            </Table.Td>
                          </Table.Tr>
                        ))}
                      </Table.Tbody>
                    </Table>
                  </div>
                )}
              </Section>
            ))
          )
        }
      </Loaded>
    </Page>
  );
}

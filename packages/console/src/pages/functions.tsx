/** Functions with what goes on in them now. */
import { Table } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FunctionInfo, get, query } from '../api.ts';
import { count } from '../format.ts';
import { Empty, Loaded, Page, Section, Tag, Time, To } from '../parts.tsx';

export default function FunctionsPage() {
  const functions = useQuery({
    queryKey: ['functions'],
    queryFn: () => get<{ functions: FunctionInfo[] }>('functions'),
  });
  return (
    <Page title="Functions" lead="What they do with their events, now and since the beginning">
      <Section>
        <Loaded query={functions}>
          {({ functions: rows }) =>
            rows.length === 0 ? (
              <Empty title="No functions yet">
                Deploy a template with <code>redrive start template.yaml</code>, or create one with the AWS
                CLI or SDK at this server's address.
              </Empty>
            ) : (
              <div className="scroll">
                <Table highlightOnHover miw={860}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>Function</Table.Th>
                      <Table.Th className="number">Running</Table.Th>
                      <Table.Th className="number">Waiting</Table.Th>
                      <Table.Th className="number">Retries due later</Table.Th>
                      <Table.Th>Oldest</Table.Th>
                      <Table.Th className="number">Accepted</Table.Th>
                      <Table.Th className="number">Succeeded</Table.Th>
                      <Table.Th className="number">Given up</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {rows.map((row) => {
                      const givenUp =
                        row.fates.DeadLettered + row.fates.SentToDestination + row.fates.Discarded;
                      const events = (fate: string) => `/events${query({ function: row.name, fate })}`;
                      return (
                        <Table.Tr key={row.name}>
                          <Table.Td maw={280}>
                            <span className="clip" title={row.name}>
                              <To href={`/functions/${row.name}`}>{row.name}</To>
                            </span>
                            {row.state !== 'Active' && <Tag color="red">{row.state}</Tag>}
                          </Table.Td>
                          <Table.Td className="number">{count(row.running)}</Table.Td>
                          <Table.Td className="number">
                            <To href={events('Pending')}>{count(row.waiting)}</To>
                          </Table.Td>
                          <Table.Td className="number">{count(row.scheduled)}</Table.Td>
                          <Table.Td>
                            {row.oldestPendingAt === undefined ? '' : <Time at={row.oldestPendingAt} />}
                          </Table.Td>
                          <Table.Td className="number">
                            <To href={events('')}>{count(row.accepted)}</To>
                          </Table.Td>
                          <Table.Td className="number">
                            <To href={events('Succeeded')}>{count(row.fates.Succeeded)}</To>
                          </Table.Td>
                          <Table.Td className="number">
                            <To href={events('Failed')}>{count(givenUp)}</To>
                          </Table.Td>
                        </Table.Tr>
                      );
                    })}
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

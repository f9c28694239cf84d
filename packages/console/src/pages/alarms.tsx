/** Alarms: their state, why, since when, and what happened to them before. */
import { Anchor, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'wouter';
import { type Alarm, type AlarmHistoryItem, get } from '../api.ts';
import { Empty, Loaded, Page, Section, Tag, Time } from '../parts.tsx';
import { TargetLink } from '../target-link.tsx';

const STATES = {
  ALARM: { color: 'red', text: 'In alarm' },
  INSUFFICIENT_DATA: { color: 'gray', text: 'Not enough data' },
  OK: { color: 'green', text: 'OK' },
} as const;

export default function AlarmsPage() {
  const [params, setParams] = useSearchParams();
  const opened = params.get('name');
  const alarms = useQuery({ queryKey: ['alarms'], queryFn: () => get<{ alarms: Alarm[] }>('alarms') });
  return (
    <Page title="Alarms" lead="What watches the metrics, those in alarm first">
      <Section>
        <Loaded query={alarms}>
          {({ alarms: rows }) =>
            rows.length === 0 ? (
              <Empty title="No alarms yet">
                An alarm on the depth or age of a dead-letter queue tells you before anybody asks:{' '}
                <code>redrive aws cloudwatch put-metric-alarm</code>
              </Empty>
            ) : (
              <div className="scroll">
                <Table miw={720}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th w={160}>State</Table.Th>
                      <Table.Th>Alarm</Table.Th>
                      <Table.Th w={130}>Since</Table.Th>
                      <Table.Th>Tells</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {rows.map((alarm) => (
                      <Table.Tr key={alarm.name}>
                        <Table.Td>
                          <Tag color={STATES[alarm.state].color}>{STATES[alarm.state].text}</Tag>
                        </Table.Td>
                        <Table.Td>
                          <Anchor
                            component="button"
                            type="button"
                            ta="left"
                            aria-expanded={alarm.name === opened}
                            onClick={() =>
                              setParams(alarm.name === opened ? {} : { name: alarm.name }, { replace: true })
                            }
                          >
                            {alarm.name}
                          </Anchor>
                          <Text size="sm" className="muted">
                            {alarm.condition}
                          </Text>
                          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
                            {alarm.reason}
                          </Text>
                          {alarm.name === opened && <History name={alarm.name} />}
                        </Table.Td>
                        <Table.Td>
                          <Time at={alarm.since} />
                        </Table.Td>
                        <Table.Td>
                          {alarm.actions.map((arn) => (
                            <div key={arn}>
                              <TargetLink arn={arn} />
                            </div>
                          ))}
                          {!alarm.actionsEnabled && <span className="muted">actions are off</span>}
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

function History({ name }: { readonly name: string }) {
  const history = useQuery({
    queryKey: ['alarms', 'history', name],
    queryFn: () => get<{ items: AlarmHistoryItem[] }>(`alarms/${encodeURIComponent(name)}/history`),
  });
  return (
    <Loaded query={history}>
      {({ items }) => (
        <ul aria-label={`History of ${name}`} style={{ margin: '8px 0', paddingLeft: 18 }}>
          {items.map((item, i) => (
            <li key={`${item.at} ${i}`}>
              <Text size="sm" span>
                {item.summary}, <Time at={item.at} />
              </Text>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}

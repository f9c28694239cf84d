/** One function: its way from accepting to fate with live numbers, its settings, versions and aliases. */
import { SimpleGrid, Stack, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { type EventItem, type FunctionDetail, get, query } from '../api.ts';
import { EventTable } from '../event-table.tsx';
import { count, duration, nameOfArn } from '../format.ts';
import { Empty, Loaded, Page, Section, Tag, Time, To } from '../parts.tsx';
import { TargetLink } from '../target-link.tsx';

export default function FunctionPage({ name }: { readonly name: string }) {
  const detail = useQuery({
    queryKey: ['function', name],
    queryFn: () => get<FunctionDetail>(`functions/${encodeURIComponent(name)}`),
  });
  return (
    <Loaded query={detail} rows={8}>
      {(data) => <Shown info={data} />}
    </Loaded>
  );
}

function Shown({ info }: { readonly info: FunctionDetail }) {
  const recent = useQuery({
    queryKey: ['events', 'function', info.name],
    queryFn: () =>
      get<{ events: EventItem[] }>(`events${query({ function: info.name, limit: 10, details: 'true' })}`),
  });
  return (
    <Page
      title={info.name}
      lead={
        <>
          {info.description && `${info.description} · `}
          {info.runtime} · {info.handler} · <To href={`/logs${query({ group: info.logGroup })}`}>logs</To>
        </>
      }
    >
      {info.state !== 'Active' && (
        <Text>
          <Tag color="red">{info.state}</Tag> {info.stateReason}
        </Text>
      )}
      <Pipeline info={info} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Section title="Settings">
          <Table>
            <Table.Tbody>
              <Setting name="Retries">{info.maximumRetryAttempts}</Setting>
              <Setting name="Event age">{duration(info.maximumEventAgeMs)}</Setting>
              <Setting name="Timeout">{duration(info.timeoutMs)}</Setting>
              <Setting name="Memory">{info.memoryMb} MB</Setting>
              <Setting name="Reserved concurrency">{info.reservedConcurrency ?? 'none'}</Setting>
              <Setting name="Dead-letter queue">
                {info.deadLetterArn ? <TargetLink arn={info.deadLetterArn} /> : 'none'}
              </Setting>
              <Setting name="On failure">
                {info.onFailure ? <TargetLink arn={info.onFailure} /> : 'none'}
              </Setting>
              <Setting name="On success">
                {info.onSuccess ? <TargetLink arn={info.onSuccess} /> : 'none'}
              </Setting>
              <Setting name="Variables">{info.environment.join(', ') || 'none'}</Setting>
              <Setting name="Changed">
                <Time at={info.lastModifiedAt} />
              </Setting>
            </Table.Tbody>
          </Table>
        </Section>
        <Stack gap="md">
          <Section title="Aliases and versions">
            {info.aliases.length + info.versions.length === 0 ? (
              <Empty title="Nothing published">
                Without a version and an alias there is nothing to go back to:{' '}
                <code>aws lambda publish-version</code>
              </Empty>
            ) : (
              <Table>
                <Table.Tbody>
                  {info.aliases.map((alias) => (
                    <Table.Tr key={alias.name}>
                      <Table.Td>
                        <b>{alias.name}</b> → {alias.version}
                        {Object.entries(alias.weights ?? {}).map(([version, weight]) => (
                          <span key={version}>
                            , {Math.round(weight * 100)} % → {version}
                          </span>
                        ))}
                      </Table.Td>
                      <Table.Td />
                    </Table.Tr>
                  ))}
                  {info.versions.map((version) => (
                    <Table.Tr key={version.version}>
                      <Table.Td>
                        version {version.version}{' '}
                        {version.description && <span className="muted">{version.description}</span>}
                      </Table.Td>
                      <Table.Td className="number">
                        <Time at={version.publishedAt} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            )}
          </Section>
          {info.sources.length > 0 && (
            <Section title="Fed by">
              <Table>
                <Table.Tbody>
                  {info.sources.map((source) => (
                    <Table.Tr key={source.uuid}>
                      <Table.Td>
                        <TargetLink arn={source.arn} />
                      </Table.Td>
                      <Table.Td>{source.state}</Table.Td>
                      <Table.Td className="number">batches of {source.batchSize}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Section>
          )}
        </Stack>
      </SimpleGrid>
      <Section title="Latest events">
        <Loaded query={recent}>
          {({ events }) =>
            events.length === 0 ? (
              <Empty title="No events yet">
                <code>redrive invoke {info.name} --event</code> hands it one.
              </Empty>
            ) : (
              <EventTable events={events} />
            )
          }
        </Loaded>
      </Section>
    </Page>
  );
}

function Pipeline({ info }: { readonly info: FunctionDetail }) {
  const events = (fate: string) => `/events${query({ function: info.name, fate })}`;
  const { fates } = info;
  return (
    <Section title="The way of its events">
      <div className="pipeline">
        <Step name="Accepted" value={info.accepted} href={events('')} />
        <span className="arrow">→</span>
        <Step name="Waiting" value={info.waiting} href={events('Pending')} />
        <span className="arrow">→</span>
        <Step name="Running" value={info.running} />
        <span className="arrow">⇄</span>
        <Step name="Retry due later" value={info.scheduled} href={events('Pending')} />
        <span className="arrow">→</span>
        <Step name="Succeeded" value={fates.Succeeded} href={events('Succeeded')} color="green" />
        <Step
          name="Dead-lettered"
          value={fates.DeadLettered}
          href={
            info.deadLetterArn ? `/dead-letters/${nameOfArn(info.deadLetterArn)}` : events('DeadLettered')
          }
          color="red"
        />
        <Step
          name="To destination"
          value={fates.SentToDestination}
          href={events('SentToDestination')}
          color="orange"
        />
        <Step name="Discarded" value={fates.Discarded} href={events('Discarded')} color="gray" />
      </div>
    </Section>
  );
}

function Step({
  name,
  value,
  href,
  color,
}: {
  readonly name: string;
  readonly value: number;
  readonly href?: string;
  readonly color?: string;
}) {
  return (
    <div
      className="step"
      style={color ? { borderLeft: `3px solid var(--mantine-color-${color}-6)` } : undefined}
    >
      <Text size="xs" className="muted">
        {name}
      </Text>
      <Text fw={600} size="lg" style={{ fontVariantNumeric: 'tabular-nums' }} component="div">
        {href ? <To href={href}>{count(value)}</To> : count(value)}
      </Text>
    </div>
  );
}

function Setting({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th w={180} fw={500} className="muted">
        {name}
      </Table.Th>
      <Table.Td style={{ overflowWrap: 'anywhere' }}>{children}</Table.Td>
    </Table.Tr>
  );
}

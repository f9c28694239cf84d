/** One event: its whole story, what it carried, what it wrote, and what hangs together with it. */
import { Button, Group, Modal, SimpleGrid, Stack, Table, Text, Textarea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { useMayAct } from '../account.tsx';
import { type Chain, type EventDetail, get, post } from '../api.ts';
import { duration, nameOfArn } from '../format.ts';
import { Empty, Failure, FateBadge, Loaded, Page, Scroll, Section, TextBlock, Time, To } from '../parts.tsx';
import { TargetLink } from '../target-link.tsx';
import { Timeline } from '../timeline.tsx';

export default function EventPage({ id }: { readonly id: string }) {
  const event = useQuery({ queryKey: ['event', id], queryFn: () => get<EventDetail>(`events/${id}`) });
  return (
    <Loaded query={event} rows={10}>
      {(data) => <Shown event={data} />}
    </Loaded>
  );
}

function Shown({ event }: { readonly event: EventDetail }) {
  const end = event.fate?.at;
  return (
    <Page
      title={
        <>
          Event <span className="mono">{event.requestId}</span>
        </>
      }
      lead={
        <Group gap="xs">
          <FateBadge fate={event.fate} />
          {event.fate?.reason && <span>{event.fate.reason}</span>}
          <span>
            for <To href={`/functions/${event.functionName}`}>{nameOfArn(event.functionArn)}</To>
          </span>
          <span>
            accepted <Time at={event.acceptedAt} /> from {event.source}
          </span>
          {end !== undefined && <span>ended after {duration(end - event.acceptedAt)}</span>}
        </Group>
      }
      actions={<Actions event={event} />}
    >
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Stack gap="md" miw={0}>
          <Section title="What happened">
            <div style={{ padding: 14 }}>
              <Timeline event={event} />
            </div>
          </Section>
          <ChainSection id={event.requestId} />
        </Stack>
        <Stack gap="md" miw={0}>
          <Section title="Payload">
            <TextBlock text={event.payload} label="Payload" json />
          </Section>
          <LogSection id={event.requestId} />
        </Stack>
      </SimpleGrid>
    </Page>
  );
}

function Actions({ event }: { readonly event: EventDetail }) {
  const mayAct = useMayAct();
  const [, navigate] = useLocation();
  const [opened, { open, close }] = useDisclosure();
  const [reason, setReason] = useState('');
  const again = useMutation({
    mutationFn: () => post<{ requestId: string }>(`events/${event.requestId}/redrive`),
    onSuccess: ({ requestId }) => navigate(`/events/${requestId}`),
  });
  const discard = useMutation({
    mutationFn: () => post(`events/${event.requestId}/discard`, { reason }),
    onSuccess: close,
  });
  if (event.fate) {
    return (
      <Stack gap="xs" align="flex-end">
        <Button disabled={!mayAct} loading={again.isPending} onClick={() => again.mutate()}>
          Send again
        </Button>
        <Failure error={again.error} />
      </Stack>
    );
  }
  return (
    <>
      <Button variant="default" disabled={!mayAct} onClick={open}>
        Discard…
      </Button>
      <Modal opened={opened} onClose={close} title="Discard this event">
        <Stack>
          <Text size="sm">
            It will not run any more. What it carried is kept, so it can still be sent again.
          </Text>
          <Textarea
            label="Why"
            required
            value={reason}
            onChange={(e) => setReason(e.currentTarget.value)}
            data-autofocus
          />
          <Failure error={discard.error} />
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button
              color="red"
              disabled={reason.trim() === ''}
              loading={discard.isPending}
              onClick={() => discard.mutate()}
            >
              Discard
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}

function LogSection({ id }: { readonly id: string }) {
  const logs = useQuery({
    queryKey: ['logs', 'event', id],
    queryFn: () =>
      get<{ group: string; lines: { at: number; text: string; stream: string }[] }>(`events/${id}/logs`),
  });
  return (
    <Section title="Its own log lines">
      <Loaded query={logs}>
        {({ lines, group }) =>
          lines.length === 0 ? (
            <Empty title="It has written nothing">
              Lines appear here when a run of the event writes to {group}.
            </Empty>
          ) : (
            <Scroll label="Log lines" maxHeight="60vh">
              {lines.map((line, i) => (
                <div className="log-line" key={i}>
                  <span className="muted">{new Date(line.at).toISOString().slice(11, 23)}</span>
                  <span>{line.text.slice(0, 20_000)}</span>
                </div>
              ))}
            </Scroll>
          )
        }
      </Loaded>
    </Section>
  );
}

function ChainSection({ id }: { readonly id: string }) {
  const chain = useQuery({
    queryKey: ['event', id, 'chain'],
    queryFn: () => get<Chain>(`events/${id}/chain`),
  });
  return (
    <Section title="What hangs together">
      <Loaded query={chain}>
        {({ events, deliveries, complete }) =>
          events.length === 1 && deliveries.length === 0 ? (
            <Empty title="It stands alone">
              Nothing caused it that is known here, and it has caused nothing.
            </Empty>
          ) : (
            <div className="scroll">
              <Table>
                <Table.Tbody>
                  {events.map((event) => (
                    <Table.Tr
                      key={event.requestId}
                      style={
                        event.requestId === id
                          ? { boxShadow: 'inset 3px 0 var(--mantine-primary-color-filled)' }
                          : undefined
                      }
                    >
                      <Table.Td style={{ paddingLeft: 12 + event.depth * 20 }}>
                        <div>
                          {event.depth > 0 && <span className="muted">↳ </span>}
                          {event.requestId === id ? (
                            'This event'
                          ) : (
                            <To href={`/events/${event.requestId}`}>{event.functionName}</To>
                          )}
                          <span className="muted"> from {event.source}</span>
                        </div>
                        {deliveries
                          .filter(({ from }) => from === event.requestId)
                          .map((delivery) => (
                            <div key={delivery.messageId} style={{ paddingLeft: 20 }}>
                              <span className="muted">↳ {delivery.role} to </span>
                              <TargetLink arn={delivery.target} />
                            </div>
                          ))}
                      </Table.Td>
                      <Table.Td>
                        <FateBadge fate={event.fate} />
                      </Table.Td>
                      <Table.Td className="number">
                        <Time at={event.acceptedAt} />
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
              {!complete && (
                <Text size="sm" className="muted" p="sm">
                  The chain goes on beyond what is shown.
                </Text>
              )}
            </div>
          )
        }
      </Loaded>
    </Section>
  );
}

/** Events as rows; each leads to its page. */
import { Table, Text } from '@mantine/core';
import type { EventItem } from './api.ts';
import { FateBadge, Time, To } from './parts.tsx';

export function EventTable({ events }: { readonly events: readonly EventItem[] }) {
  return (
    <div className="scroll">
      <Table highlightOnHover miw={760} className="fixed">
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={110}>Accepted</Table.Th>
            <Table.Th w={170}>Function</Table.Th>
            <Table.Th w={320}>Request id</Table.Th>
            <Table.Th w={170}>Fate</Table.Th>
            <Table.Th>Last error</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {events.map((event) => (
            <Table.Tr key={event.requestId}>
              <Table.Td>
                <Time at={event.acceptedAt} />
              </Table.Td>
              <Table.Td>
                <span className="clip" title={event.functionName}>
                  <To href={`/functions/${event.functionName}`}>{event.functionName}</To>
                </span>
              </Table.Td>
              <Table.Td>
                <To href={`/events/${event.requestId}`} mono>
                  {event.requestId}
                </To>
              </Table.Td>
              <Table.Td>
                <FateBadge fate={event.fate} />
              </Table.Td>
              <Table.Td>
                {event.errorType && (
                  <Text
                    size="sm"
                    component="span"
                    className="clip"
                    title={`${event.errorType}: ${event.errorMessage}`}
                  >
                    {event.errorType}: {event.errorMessage}
                  </Text>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

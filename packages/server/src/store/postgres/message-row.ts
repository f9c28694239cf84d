/** A message as a row. */
import type { JsonObject, Message } from '../store.ts';
import { fromText } from './text.ts';
import type { Row } from './transaction.ts';

const columns = (body: string) => `
  m.seq, m.id, m.lease, ${body}, s.id, m.attributes, m.state, m.group_key, m.sent_at, m.due_at, m.receive_count,
  m.first_received_at`;
/** A message without a subject has its body under its own `seq`. */
export const MESSAGE_COLUMNS = columns('b.body');
export const MESSAGE_HEAD_COLUMNS = columns(`''`);
export const MESSAGE_HEAD_JOINS = 'LEFT JOIN subjects s ON s.seq = m.subject';
export const MESSAGE_JOINS = `${MESSAGE_HEAD_JOINS} LEFT JOIN bodies b ON b.seq = coalesce(m.subject, m.seq)`;

const NOTHING: JsonObject = Object.freeze({});

export function toMessage(queue: string, row: Row): Message {
  const id = row[1] as string;
  const attributes = row[5] as string | null;
  const state = row[6] as string | null;
  return {
    receipt: { queue, seq: row[0] as number, id, lease: row[2] as number },
    id,
    queue,
    body: fromText((row[3] as string | null) ?? ''),
    subject: (row[4] as string | null) ?? undefined,
    attributes: attributes === null ? NOTHING : JSON.parse(attributes),
    state: state === null ? NOTHING : JSON.parse(state),
    group: (row[7] as string | null) ?? undefined,
    sentAt: row[8] as number,
    dueAt: row[9] as number,
    receiveCount: row[10] as number,
    firstReceivedAt: (row[11] as number | null) ?? undefined,
  };
}

/**
 * Handing out messages. What another node is changing at this moment is passed over (SKIP LOCKED), so nodes that
 * receive from one queue never wait for each other; of a FIFO group, what follows such a message waits with it.
 */
import type { Message, ReceiveRequest } from '../store.ts';
import { statement } from './connection.ts';
import { MESSAGE_COLUMNS, MESSAGE_JOINS, toMessage } from './message-row.ts';
import type { Totals } from './pending.ts';
import type { Row, Transaction } from './transaction.ts';

const HEADS = statement(
  `SELECT ${MESSAGE_COLUMNS}, m.queue FROM messages m ${MESSAGE_JOINS}
   WHERE m.queue = (SELECT id FROM queues WHERE name = $1) AND m.head = 1 AND m.due_at <= $2
   ORDER BY m.due_at, m.seq LIMIT $3 FOR UPDATE OF m SKIP LOCKED`,
);
/** In order, with those that somebody else is changing: they show where to stop. */
const FOLLOWERS = statement(
  'SELECT seq, due_at FROM messages WHERE queue = $1 AND group_key = $2 AND seq > $3 ORDER BY seq LIMIT $4',
);
const LOCKED_FOLLOWERS = statement(
  `SELECT ${MESSAGE_COLUMNS}, m.queue FROM messages m ${MESSAGE_JOINS}
   WHERE m.seq = ANY($1::bigint[]) ORDER BY m.seq FOR UPDATE OF m SKIP LOCKED`,
);
const LEASE = statement(
  `UPDATE messages SET due_at = $2, held = 1, lease = lease + 1, receive_count = receive_count + 1,
          first_received_at = coalesce(first_received_at, $3), holder = $4
   WHERE seq = ANY($1::bigint[])`,
);

const SEQ = 0;
const GROUP = 7;
const DUE_AT = 9;
const QUEUE = 12;

export async function receiveMessages(
  transaction: Transaction,
  request: ReceiveRequest,
  totals: Totals,
): Promise<Message[]> {
  const { queue, max, now, leaseMs, holder } = request;
  if (max <= 0) return [];
  const heads = await transaction.rows(HEADS, [queue, now, max]);
  const chosen: Row[] = [];
  for (const head of heads) {
    if (chosen.length >= max) break;
    chosen.push(head);
    if (head[GROUP] !== null && chosen.length < max) {
      chosen.push(...(await followersOf(transaction, head, now, max - chosen.length)));
    }
  }
  if (chosen.length === 0) return [];
  const dueAt = now + leaseMs;
  transaction.run(LEASE, [chosen.map((row) => row[SEQ]), dueAt, now, holder ?? null]);
  totals.dueAt(queue, dueAt);
  return chosen.map((row) => {
    const message = toMessage(queue, row);
    return {
      ...message,
      receipt: { ...message.receipt, lease: message.receipt.lease + 1 },
      dueAt,
      receiveCount: message.receiveCount + 1,
      firstReceivedAt: message.firstReceivedAt ?? now,
    };
  });
}

async function followersOf(transaction: Transaction, head: Row, now: number, max: number): Promise<Row[]> {
  const followers = await transaction.rows(FOLLOWERS, [head[QUEUE], head[GROUP], head[SEQ], max]);
  const end = followers.findIndex((row) => (row[1] as number) > now);
  const due = end === -1 ? followers : followers.slice(0, end);
  if (due.length === 0) return [];
  const locked = await transaction.rows(LOCKED_FOLLOWERS, [due.map(([seq]) => seq)]);
  const found: Row[] = [];
  for (const [i, row] of locked.entries()) {
    // One is missing, or no longer as it was: nothing behind it may be handed out.
    if (row[SEQ] !== due[i]?.[0] || (row[DUE_AT] as number) > now) break;
    found.push(row);
  }
  return found;
}

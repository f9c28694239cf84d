/** Looking at queues: what they hold, how much, and when the next message is due. */
import type pg from 'pg';
import type { Books, BrowseOptions, Message, QueueChange, QueueDepth } from '../store.ts';
import { LEDGER_PREFIX } from '../store.ts';
import { after } from './connection.ts';
import {
  MESSAGE_COLUMNS,
  MESSAGE_HEAD_COLUMNS,
  MESSAGE_HEAD_JOINS,
  MESSAGE_JOINS,
  toMessage,
} from './message-row.ts';
import type { Row } from './transaction.ts';

export async function rowsOf(
  pool: Pick<pg.Pool, 'query'>,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const { rows } = await pool.query({ text, values, rowMode: 'array' } as pg.QueryArrayConfig);
  return rows as Row[];
}

/** What is in flight or delayed is counted, which is little; what is visible is what is left of the total. */
const DEPTH = `
  SELECT coalesce((SELECT sum(t.total) FROM queue_totals t WHERE t.queue = q.id), 0),
         (SELECT count(*) FROM messages m WHERE m.queue = q.id AND m.held = 1 AND m.due_at > $2),
         (SELECT count(*) FROM messages m WHERE m.queue = q.id AND m.head = 1 AND m.due_at > $2)
         + (SELECT count(*) FROM messages m WHERE m.queue = q.id AND m.head = 0 AND m.due_at > $2),
         (SELECT m.sent_at FROM messages m WHERE m.queue = q.id ORDER BY m.sent_at LIMIT 1)
  FROM queues q WHERE q.name = $1`;

export async function readDepth(pool: pg.Pool, queue: string, now: number): Promise<QueueDepth> {
  const [row] = await rowsOf(pool, DEPTH, [queue, now]);
  if (!row) return { visible: 0, inFlight: 0, delayed: 0, oldestSentAt: undefined };
  const [total, inFlight, later, oldest] = row as [number, number, number, number | null];
  return {
    visible: Math.max(0, total - later),
    inFlight,
    delayed: later - inFlight,
    oldestSentAt: oldest ?? undefined,
  };
}

const browsing = (columns: string, joins: string) => `
  SELECT ${columns} FROM messages m ${joins}
  WHERE m.queue = (SELECT id FROM queues WHERE name = $1) AND (m.sent_at, m.seq) > ($2, $3)
  ORDER BY m.sent_at, m.seq LIMIT $4`;
const BROWSE = browsing(MESSAGE_COLUMNS, MESSAGE_JOINS);
const BROWSE_HEADS = browsing(MESSAGE_HEAD_COLUMNS, MESSAGE_HEAD_JOINS);

export async function browse(
  pool: pg.Pool,
  queue: string,
  { limit, after: last, bodies = true }: BrowseOptions,
): Promise<Message[]> {
  const rows = await rowsOf(pool, bodies ? BROWSE : BROWSE_HEADS, [
    queue,
    last?.sentAt ?? -1,
    last?.seq ?? 0,
    limit,
  ]);
  return rows.map((row) => toMessage(queue, row));
}

const NEXT_DUE = `
  SELECT name, due_at FROM (
    SELECT q.name, (SELECT m.due_at FROM messages m WHERE m.queue = q.id AND m.head = 1
                    ORDER BY m.due_at LIMIT 1) AS due_at
    FROM queues q WHERE q.name >= $1 AND q.name < $2) next
  WHERE due_at IS NOT NULL`;

export async function readNextDue(pool: pg.Pool, prefix: string): Promise<QueueChange[]> {
  const rows = await rowsOf(pool, NEXT_DUE, [prefix, after(prefix)]);
  return rows.map(([queue, dueAt]) => ({ queue: queue as string, dueAt: dueAt as number }));
}

/** One statement sees one instant. */
const BOOKS = `
  SELECT name, sum(value) FROM counters WHERE name >= $1 AND name < $2 GROUP BY name
  UNION ALL
  SELECT NULL, coalesce(sum(t.total), 0) FROM queue_totals t JOIN queues q ON q.id = t.queue
  WHERE q.name >= $3 AND q.name < $4`;

export async function readBooks(pool: pg.Pool, queuePrefix: string): Promise<Books> {
  const rows = await rowsOf(pool, BOOKS, [
    LEDGER_PREFIX,
    after(LEDGER_PREFIX),
    queuePrefix,
    after(queuePrefix),
  ]);
  const counters: Record<string, number> = {};
  let messages = 0;
  for (const [name, value] of rows) {
    if (name === null) messages = value as number;
    else counters[name as string] = value as number;
  }
  return { counters, messages };
}

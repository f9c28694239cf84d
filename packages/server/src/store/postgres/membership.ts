/**
 * The nodes that stand on one database. Each says once a second that it lives, by the database's clock; one that has
 * been silent for NODE_SILENT_MS is gone, and the others give back what it held. The same round trip tells the
 * database's time, the other nodes, and how far resources have changed.
 */
import type pg from 'pg';
import { rowsOf } from './message-reads.ts';

export const HEARTBEAT_MS = 1_000;
/** Several missed heartbeats: a node that only stalls for a moment keeps what it holds. */
export const NODE_SILENT_MS = 5_000;

const NOW = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';
const BEAT = `
  WITH me AS (
    INSERT INTO nodes (id, started_at, seen_at) VALUES ($1, ${NOW}, ${NOW})
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at RETURNING seen_at)
  SELECT (SELECT seen_at FROM me), (SELECT revision FROM resource_state WHERE id = 1), n.id, n.seen_at
  FROM (SELECT 1) one LEFT JOIN nodes n ON n.id <> $1`;
const LEAVE = 'DELETE FROM nodes WHERE id = $1';
const FORGET = 'DELETE FROM nodes WHERE id = ANY($1::text[]) AND seen_at < $2';
/** What dead nodes held is due now. Their names are the first part of a holder's. */
const RELEASE = `
  UPDATE messages m SET due_at = least(m.due_at, $1), held = 0, holder = NULL
  FROM queues q
  WHERE q.id = m.queue AND m.seq IN (
    SELECT seq FROM messages
    WHERE held = 1 AND holder IS NOT NULL AND NOT split_part(holder, '/', 1) = ANY($2::text[])
      AND ($3::text[] IS NULL OR NOT substr(holder, strpos(holder, '/') + 1) = ANY($3::text[]))
    ORDER BY seq FOR UPDATE SKIP LOCKED)
  RETURNING q.name, m.due_at, m.head`;

export interface Beat {
  /** The database's time, epoch ms, and this machine's at the middle of the round trip. */
  readonly databaseNow: number;
  readonly revision: number;
  /** Other nodes that live. */
  readonly others: readonly string[];
  readonly dead: readonly string[];
}

export async function beat(pool: pg.Pool, node: string): Promise<Beat> {
  const rows = await rowsOf(pool, BEAT, [node]);
  const [databaseNow, revision] = rows[0] as [number, number];
  const others: string[] = [];
  const dead: string[] = [];
  for (const [, , id, seenAt] of rows) {
    if (id === null) continue;
    (databaseNow - (seenAt as number) < NODE_SILENT_MS ? others : dead).push(id as string);
  }
  return { databaseNow, revision, others, dead };
}

export interface Released {
  readonly queue: string | null;
  readonly dueAt: number;
  readonly head: boolean;
}

/**
 * Makes due at `now` what is held by nodes that are not in `nodes`, unless its holder's own name is in `spare`.
 * A message that is being changed at this moment is left for the next round.
 */
export async function releaseHeld(
  pool: pg.Pool,
  nodes: readonly string[],
  spare: readonly string[] | null,
  now: number,
): Promise<Released[]> {
  const rows = await rowsOf(pool, RELEASE, [now, nodes, spare]);
  return rows.map(([queue, dueAt, head]) => ({
    queue: queue as string | null,
    dueAt: dueAt as number,
    head: head === 1,
  }));
}

export async function forgetNodes(
  pool: pg.Pool,
  dead: readonly string[],
  databaseNow: number,
): Promise<void> {
  await pool.query(FORGET, [dead, databaseNow - NODE_SILENT_MS]);
}

export async function leave(pool: pg.Pool, node: string): Promise<void> {
  await pool.query(LEAVE, [node]);
}

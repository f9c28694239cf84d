/**
 * Removing, a few rows at a time, what nothing finds any more: rows of queues and log groups that were cleared,
 * expired deduplication keys, and resources whose removal every node has seen long ago. Any node may do a step;
 * two at once do no harm.
 */
import type pg from 'pg';

const STEP = 2000;
/** A node that has been away for longer reads all resources again. */
export const REMOVED_RESOURCES_KEEP_MS = 3_600_000;

const MESSAGES = `
  WITH gone AS (
    DELETE FROM messages WHERE seq IN (
      SELECT m.seq FROM messages m JOIN queues q ON q.id = m.queue WHERE q.name IS NULL LIMIT ${STEP})
    RETURNING seq, subject)
  DELETE FROM bodies WHERE seq IN (SELECT seq FROM gone WHERE subject IS NULL)`;
const LEFT_MESSAGES = `
  SELECT EXISTS (SELECT 1 FROM queues q WHERE q.name IS NULL
                 AND EXISTS (SELECT 1 FROM messages m WHERE m.queue = q.id))`;
const CHUNKS = `
  DELETE FROM chunks WHERE seq IN (
    SELECT c.seq FROM chunks c JOIN log_groups g ON g.id = c.log_group WHERE g.name IS NULL LIMIT ${STEP})`;
const STEPS: readonly string[] = [
  `DELETE FROM streams WHERE log_group IN (SELECT id FROM log_groups WHERE name IS NULL)`,
  `DELETE FROM dedup WHERE queue IN (SELECT id FROM queues WHERE name IS NULL)`,
  `DELETE FROM queue_totals WHERE queue IN (SELECT id FROM queues WHERE name IS NULL)`,
  `DELETE FROM log_groups g WHERE g.name IS NULL AND NOT EXISTS (SELECT 1 FROM chunks c WHERE c.log_group = g.id)`,
];
const EXPIRED = `DELETE FROM dedup WHERE (queue, key) IN (SELECT queue, key FROM dedup WHERE until < $1 LIMIT ${STEP})`;
const REMOVED = `DELETE FROM resources WHERE value IS NULL AND changed_at < $1`;

/** Kept that much longer than asked, for senders whose clock is behind. */
const DEDUP_GRACE_MS = 60_000;

/** One step; true when there is more to do. A queue's empty row stays: its number is never given out again. */
export async function sweepStep(pool: pg.Pool, now: number): Promise<boolean> {
  await pool.query(MESSAGES);
  const chunks = await pool.query(CHUNKS);
  for (const step of STEPS) await pool.query(step);
  await pool.query(EXPIRED, [now - DEDUP_GRACE_MS]);
  await pool.query(REMOVED, [now - REMOVED_RESOURCES_KEEP_MS]);
  const { rows } = await pool.query<{ exists: boolean }>(LEFT_MESSAGES);
  return rows[0]?.exists === true || (chunks.rowCount ?? 0) === STEP;
}

/**
 * Clearing queues and erasing lines. A queue or log group that is cleared as a whole loses its number at once,
 * however much it holds; its rows are swept later, a few at a time (`sweep.ts`).
 */
import type { Clear, Erase } from '../store.ts';
import { statement } from './connection.ts';
import type { SegmentFacts } from './facts.ts';
import type { KnownNames } from './flush.ts';
import type { Totals } from './pending.ts';
import type { Transaction } from './transaction.ts';

const FORGET_TOTALS = statement(
  'DELETE FROM queue_totals WHERE queue = (SELECT id FROM queues WHERE name = $1)',
);
const FORGET_QUEUE = statement('UPDATE queues SET name = NULL WHERE name = $1');
const SENT_BEFORE = statement(
  `DELETE FROM messages WHERE queue = (SELECT id FROM queues WHERE name = $1) AND sent_at < $2
   RETURNING seq, subject, group_key`,
);
const DELETE_BODIES = statement('DELETE FROM bodies WHERE seq = ANY($1::bigint[])');
const PROMOTE_ALL = statement(
  `UPDATE messages m SET head = 1
   FROM (SELECT q.id AS queue, min(f.seq) AS seq
         FROM messages f JOIN queues q ON q.id = f.queue
         WHERE q.name = $1 AND f.group_key = ANY($2::text[]) GROUP BY q.id, f.group_key) first
   WHERE m.seq = first.seq AND m.head = 0 RETURNING m.due_at`,
);

export async function clearQueue(
  transaction: Transaction,
  { queue, sentBefore }: Clear,
  facts: SegmentFacts,
  totals: Totals,
  known: KnownNames,
): Promise<void> {
  if (sentBefore === undefined) {
    transaction.run(FORGET_TOTALS, [queue]);
    transaction.run(FORGET_QUEUE, [queue]);
    known.queues.delete(queue);
    totals.messages.delete(queue);
    for (const [seq, message] of facts.messages) if (message.queue === queue) facts.messages.delete(seq);
    for (const name of [...facts.dedup.keys()])
      if (name.startsWith(`${queue}\u0000`)) facts.dedup.delete(name);
    return;
  }
  const gone = await transaction.rows(SENT_BEFORE, [queue, sentBefore]);
  if (gone.length === 0) return;
  for (const [seq] of gone) facts.messages.delete(seq as number);
  totals.moved(queue, -gone.length);
  transaction.run(DELETE_BODIES, [gone.filter(([, subject]) => subject === null).map(([seq]) => seq)]);
  const groups = [...new Set(gone.flatMap(([, , group]) => (group === null ? [] : [group])))];
  if (groups.length === 0) return;
  for (const [at] of await transaction.rows(PROMOTE_ALL, [queue, groups])) totals.dueAt(queue, at as number);
}

const FORGET_GROUP = statement('UPDATE log_groups SET name = NULL WHERE name = $1');
const STREAM_ID = `(SELECT s.id FROM streams s JOIN log_groups g ON g.id = s.log_group WHERE g.name = $1 AND s.name = $2)`;
const ERASE_STREAM = statement(`DELETE FROM chunks WHERE stream = ${STREAM_ID}`);
const DROP_STREAM = statement(`DELETE FROM streams WHERE id = ${STREAM_ID}`);
const ERASE_BEFORE = statement(
  `DELETE FROM chunks WHERE log_group = (SELECT id FROM log_groups WHERE name = $1) AND first_at < $2 AND last_at < $2
     AND ($3::text IS NULL OR stream = (SELECT s.id FROM streams s WHERE s.log_group = chunks.log_group AND s.name = $3))
   RETURNING stream`,
);
const SHRINK_STREAMS = statement(
  `UPDATE streams s SET first_at = (SELECT min(c.first_at) FROM chunks c WHERE c.stream = s.id),
          bytes = coalesce((SELECT sum(c.bytes) FROM chunks c WHERE c.stream = s.id), 0)
   WHERE s.id = ANY($1::bigint[])`,
);
const DROP_EMPTY = statement('DELETE FROM streams WHERE id = ANY($1::bigint[]) AND first_at IS NULL');

export async function eraseLines(
  transaction: Transaction,
  { group, stream, before }: Erase,
  known: KnownNames,
): Promise<void> {
  if (before !== undefined) {
    const erased = await transaction.rows(ERASE_BEFORE, [group, before, stream ?? null]);
    const touched = [...new Set(erased.map(([id]) => id))];
    if (touched.length === 0) return;
    transaction.run(SHRINK_STREAMS, [touched]);
    transaction.run(DROP_EMPTY, [touched]);
  } else if (stream === undefined) {
    transaction.run(FORGET_GROUP, [group]);
    known.logGroups.delete(group);
  } else {
    transaction.run(ERASE_STREAM, [group, stream]);
    transaction.run(DROP_STREAM, [group, stream]);
  }
}

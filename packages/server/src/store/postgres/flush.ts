/**
 * Writes what a segment changes: one statement for each kind of change, whatever the number of units, sent without
 * waiting for answers. Names are resolved by the database in the statement that uses them, so a queue that another
 * node has cleared meanwhile breaks the transaction (a missing number) instead of swallowing a message.
 */
import { statement } from './connection.ts';
import type { SegmentFacts } from './facts.ts';
import type { Pending, Totals } from './pending.ts';
import type { Transaction } from './transaction.ts';

const ADD_QUEUES = statement(
  'INSERT INTO queues (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING',
);
const HOLD_QUEUES = statement('SELECT id FROM queues WHERE name = ANY($1::text[]) ORDER BY id FOR KEY SHARE');
const ADD_SUBJECTS = statement(
  `INSERT INTO subjects (seq, id, topic, accepted_at, status, data)
   SELECT seq, id, topic, accepted_at, 'Pending', data
   FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[]) AS u (seq, id, topic, accepted_at, data)`,
);
const ADD_BODIES = statement('INSERT INTO bodies (seq, body) SELECT * FROM unnest($1::bigint[], $2::text[])');
const ADD_MESSAGES = statement(
  `INSERT INTO messages (seq, queue, due_at, head, held, lease, receive_count, group_lock, sent_at,
                         first_received_at, subject, group_key, holder, id, attributes, state)
   SELECT u.seq, (SELECT q.id FROM queues q WHERE q.name = u.queue), u.due_at, u.head, u.held, u.lease,
          u.receive_count, u.group_lock, u.sent_at, u.first_received_at, u.subject, u.group_key, u.holder, u.id,
          u.attributes, u.state
   FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::smallint[], $5::smallint[], $6::int[], $7::int[],
               $8::int[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[],
               $15::text[], $16::text[])
     AS u (seq, queue, due_at, head, held, lease, receive_count, group_lock, sent_at, first_received_at, subject,
           group_key, holder, id, attributes, state)`,
);
const PUT_DEDUP = statement(
  `INSERT INTO dedup (queue, key, until, seq, id)
   SELECT (SELECT q.id FROM queues q WHERE q.name = u.queue), u.key, u.until, u.seq, u.id
   FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[]) AS u (queue, key, until, seq, id)
   ON CONFLICT (queue, key) DO UPDATE SET until = excluded.until, seq = excluded.seq, id = excluded.id`,
);
const DELETE_MESSAGES = statement('DELETE FROM messages WHERE seq = ANY($1::bigint[])');
const DELETE_BODIES = statement('DELETE FROM bodies WHERE seq = ANY($1::bigint[])');
const RESCHEDULE = statement(
  `UPDATE messages m SET due_at = u.due_at, held = u.held, state = coalesce(u.state, m.state),
          holder = CASE WHEN u.held = 1 THEN m.holder END
   FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::text[]) AS u (seq, due_at, held, state)
   WHERE m.seq = u.seq`,
);
const PROMOTE = statement(
  `UPDATE messages m SET head = 1
   FROM (SELECT q.name, (SELECT f.seq FROM messages f WHERE f.queue = q.id AND f.group_key = u.group_key
                         ORDER BY f.seq LIMIT 1) AS seq
         FROM unnest($1::text[], $2::text[]) AS u (queue, group_key) JOIN queues q ON q.name = u.queue) first
   WHERE m.seq = first.seq AND m.head = 0
   RETURNING first.name, m.due_at`,
);
const ADD_ENTRIES = statement(
  `INSERT INTO entries (subject, n, data)
   SELECT u.subject,
          CASE WHEN u.fresh THEN 1
               ELSE coalesce((SELECT max(e.n) FROM entries e WHERE e.subject = u.subject), 0) + 1 END,
          u.data
   FROM unnest($1::bigint[], $2::boolean[], $3::text[]) AS u (subject, fresh, data)`,
);
const SETTLE = statement(
  `UPDATE subjects s SET status = u.status, reason = u.reason, settled_at = u.at
   FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) AS u (seq, status, reason, at)
   WHERE s.seq = u.seq`,
);
const PUT_RESOURCES = statement(
  `INSERT INTO resources (collection, key, version, value, revision, changed_at)
   SELECT u.collection, u.key, u.version, u.value, u.revision, (extract(epoch FROM now()) * 1000)::bigint
   FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[])
     AS u (collection, key, version, value, revision)
   ON CONFLICT (collection, key) DO UPDATE SET version = excluded.version, value = excluded.value,
     revision = excluded.revision, changed_at = excluded.changed_at`,
);
const RESOURCE_STATE = statement(
  'UPDATE resource_state SET revision = $1, version_floor = greatest(version_floor, $2) WHERE id = 1',
);
const ADD_LOG_GROUPS = statement(
  'INSERT INTO log_groups (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING',
);
const PUT_STREAMS = statement(
  `INSERT INTO streams AS s (log_group, name, created_at, first_at, last_at, last_ingested_at, bytes)
   SELECT (SELECT g.id FROM log_groups g WHERE g.name = u.log_group), u.name, u.created_at, u.first_at, u.last_at,
          u.ingested_at, u.bytes
   FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
     AS u (log_group, name, created_at, first_at, last_at, ingested_at, bytes)
   ON CONFLICT (log_group, name) DO UPDATE SET
     first_at = least(s.first_at, excluded.first_at), last_at = greatest(s.last_at, excluded.last_at),
     last_ingested_at = greatest(s.last_ingested_at, excluded.last_ingested_at), bytes = s.bytes + excluded.bytes`,
);
const ADD_CHUNKS = statement(
  `INSERT INTO chunks (seq, log_group, stream, first_at, last_at, ingested_at, label, bytes, lines)
   SELECT u.seq, g.id, s.id, u.first_at, u.last_at, u.ingested_at, u.label, u.bytes, u.lines
   FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[],
               $8::bigint[], $9::text[])
     AS u (seq, log_group, stream, first_at, last_at, ingested_at, label, bytes, lines)
   LEFT JOIN log_groups g ON g.name = u.log_group LEFT JOIN streams s ON s.log_group = g.id AND s.name = u.stream`,
);
const ADD_COUNTERS = statement(
  `INSERT INTO counters AS c (name, shard, value)
   SELECT u.name, $1::int, u.value FROM unnest($2::text[], $3::bigint[]) AS u (name, value)
   ON CONFLICT (name, shard) DO UPDATE SET value = c.value + excluded.value`,
);
const ADD_QUEUE_TOTALS = statement(
  `INSERT INTO queue_totals AS t (queue, shard, total)
   SELECT q.id, $1::int, u.by FROM unnest($2::text[], $3::bigint[]) AS u (name, by) JOIN queues q ON q.name = u.name
   ORDER BY q.id
   ON CONFLICT (queue, shard) DO UPDATE SET total = t.total + excluded.total`,
);
const ADD_SERIES = statement(
  'INSERT INTO series (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING',
);
const ADD_POINTS = statement(
  `INSERT INTO points AS p (series, period, at, shard, count, sum, min, max)
   SELECT (SELECT s.id FROM series s WHERE s.name = u.series), u.period, u.at, $1::int, u.count, u.sum, u.min, u.max
   FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::float8[], $6::float8[], $7::float8[], $8::float8[])
     AS u (series, period, at, count, sum, min, max)
   ON CONFLICT (series, period, at, shard) DO UPDATE SET count = p.count + excluded.count,
     sum = p.sum + excluded.sum, min = least(p.min, excluded.min), max = greatest(p.max, excluded.max)`,
);
const ADD_SPREADS = statement(
  `INSERT INTO spreads AS p (series, period, at, value, shard, count)
   SELECT (SELECT s.id FROM series s WHERE s.name = u.series), u.period, u.at, u.value, $1::int, u.count
   FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::float8[], $6::float8[])
     AS u (series, period, at, value, count)
   ON CONFLICT (series, period, at, value, shard) DO UPDATE SET count = p.count + excluded.count`,
);
/** Breaks the transaction (division by zero) when the number is not the next one: it has been given up meanwhile. */
const BATCH = statement(
  `WITH counted AS (UPDATE batches SET batch = $2::bigint WHERE node = $1 AND batch = $2::bigint - 1 RETURNING 1)
   SELECT 1 / (SELECT count(*) FROM counted)`,
);

/** Names that the database is known to have; forgotten when it turns out not to. */
export class KnownNames {
  readonly queues = new Set<string>();
  readonly logGroups = new Set<string>();
  readonly series = new Set<string>();

  clear(): void {
    this.queues.clear();
    this.logGroups.clear();
    this.series.clear();
  }
}

/** What the flush of a segment tells later, when its answers are in. */
export interface Flushed {
  /** Heads that were promoted: [queue, dueAt]. */
  readonly promoted: Promise<readonly (readonly [string, number])[]>;
}

const columns = (rows: readonly (readonly unknown[])[], count: number): unknown[][] =>
  Array.from({ length: count }, (_, i) => rows.map((row) => row[i]));

const split = (name: string): [string, string] => name.split('\u0000', 2) as [string, string];

export function flushSegment(
  transaction: Transaction,
  pending: Pending,
  facts: SegmentFacts,
  known: KnownNames,
): Flushed {
  addNames(transaction, ADD_QUEUES, pending.queueNames, known.queues);
  if (pending.queueNames.size > 0) transaction.run(HOLD_QUEUES, [[...pending.queueNames]]);
  if (pending.subjects.length > 0) transaction.run(ADD_SUBJECTS, columns(pending.subjects, 5));
  if (pending.bodies.size > 0) {
    transaction.run(ADD_BODIES, [[...pending.bodies.keys()], [...pending.bodies.values()]]);
  }
  if (pending.deletes.size > 0) transaction.run(DELETE_MESSAGES, [[...pending.deletes]]);
  if (pending.deletedBodies.length > 0) transaction.run(DELETE_BODIES, [pending.deletedBodies]);
  if (pending.reschedules.size > 0) {
    const rows = [...pending.reschedules].map(([seq, { dueAt, held, state }]) => [
      seq,
      dueAt,
      held ? 1 : 0,
      state,
    ]);
    transaction.run(RESCHEDULE, columns(rows, 4));
  }
  if (pending.sends.length > 0) transaction.run(ADD_MESSAGES, columns(pending.sends, 16));
  if (pending.dedup.size > 0) transaction.run(PUT_DEDUP, columns([...pending.dedup.values()], 5));
  const promoted =
    pending.groups.size === 0
      ? Promise.resolve([])
      : transaction.rows(PROMOTE, columns([...pending.groups.values()], 2));
  // Awaited with the rest of the transaction; a failure is told there.
  promoted.catch(() => undefined);
  if (pending.entries.size > 0) {
    const rows = [...pending.entries].map(([seq, { fresh, lists }]) => [seq, fresh, joinLists(lists)]);
    transaction.run(ADD_ENTRIES, columns(rows, 3));
  }
  if (pending.settles.size > 0) {
    transaction.run(
      SETTLE,
      columns(
        [...pending.settles].map(([seq, settle]) => [seq, ...settle]),
        4,
      ),
    );
  }
  if (pending.resources.size > 0 && facts.resources) {
    const state = facts.resources;
    const rows = [...pending.resources.values()].map(({ collection, key, version, value }) => [
      collection,
      key,
      version,
      value,
      ++state.revision,
    ]);
    transaction.run(PUT_RESOURCES, columns(rows, 5));
    transaction.run(RESOURCE_STATE, [state.revision, state.versionFloor]);
  }
  flushLines(transaction, pending, known);
  return { promoted: promoted as Promise<[string, number][]> };
}

function flushLines(transaction: Transaction, pending: Pending, known: KnownNames): void {
  addNames(transaction, ADD_LOG_GROUPS, pending.logGroups, known.logGroups);
  if (pending.streams.size > 0) {
    const rows = [...pending.streams]
      .map(([name, s]) => [...split(name), s.createdAt, s.firstAt, s.lastAt, s.ingestedAt, s.bytes] as const)
      .sort((a, b) => (a[0] + a[1] < b[0] + b[1] ? -1 : 1));
    transaction.run(PUT_STREAMS, columns(rows, 7));
  }
  if (pending.chunks.length > 0) transaction.run(ADD_CHUNKS, columns(pending.chunks, 9));
}

/** What all segments counted. Sorted, so that two nodes never wait for each other in a ring. */
export function flushTotals(
  transaction: Transaction,
  totals: Totals,
  known: KnownNames,
  { shard, node, batch }: { shard: number; node: string; batch: number },
): void {
  const counters = sorted(totals.counters);
  if (counters.length > 0) transaction.run(ADD_COUNTERS, [shard, ...columns(counters, 2)]);
  const messages = sorted(totals.messages);
  if (messages.length > 0) transaction.run(ADD_QUEUE_TOTALS, [shard, ...columns(messages, 2)]);
  const points = [...totals.points.folded.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, point]) => point);
  if (points.length > 0) {
    addNames(transaction, ADD_SERIES, new Set(points.map((point) => point.series)), known.series);
    const rows = points.map((p) => [p.series, p.periodMs, p.at, p.count, p.sum, p.min, p.max]);
    transaction.run(ADD_POINTS, [shard, ...columns(rows, 7)]);
    const spreads = points.flatMap((p) =>
      [...(p.spread ?? [])].sort(([a], [b]) => a - b).map(([v, n]) => [p.series, p.periodMs, p.at, v, n]),
    );
    if (spreads.length > 0) transaction.run(ADD_SPREADS, [shard, ...columns(spreads, 5)]);
  }
  transaction.run(BATCH, [node, batch]);
}

function addNames(
  transaction: Transaction,
  insert: typeof ADD_QUEUES,
  names: ReadonlySet<string>,
  known: Set<string>,
): void {
  const fresh = [...names].filter((name) => !known.has(name)).sort();
  if (fresh.length === 0) return;
  transaction.run(insert, [fresh]);
  // If the transaction fails, the names are added again: the caller forgets them all.
  for (const name of fresh) known.add(name);
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].filter(([, by]) => by !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** `[a]`, `[b,c]` → `[a,b,c]`, without reading them. */
function joinLists(lists: readonly string[]): string {
  return lists.length === 1 ? (lists[0] as string) : `[${lists.map((list) => list.slice(1, -1)).join(',')}]`;
}

/** Looking at subjects, entries and counters, recounting them, and forgetting old ones. */
import type pg from 'pg';
import type { AuditReport, Entry, Subject, SubjectFilter, SubjectPage, SubjectSearch } from '../store.ts';
import { LEDGER_PREFIX, openedCounter, prunedCounter, settledCounter } from '../store.ts';
import { after } from './connection.ts';
import { rowsOf } from './message-reads.ts';
import { fromText, toText } from './text.ts';
import type { Row } from './transaction.ts';

const COLUMNS = 's.id, s.topic, s.accepted_at, s.status, s.reason, s.settled_at, b.body, s.data';
const JOINS = 'JOIN bodies b ON b.seq = s.seq';
const NEWEST_FIRST = 'ORDER BY s.accepted_at DESC, s.seq DESC';
/** Examples of lost subjects in a report. */
const MAX_EXAMPLES = 10;

/** One statement, so that a subject and its entries are of one instant. */
const ONE = `
  SELECT ${COLUMNS}, (SELECT array_agg(e.data ORDER BY e.n) FROM entries e WHERE e.subject = s.seq)
  FROM subjects s ${JOINS} WHERE s.id = $1`;

export async function readSubject(
  pool: pg.Pool,
  subject: string,
): Promise<{ subject: Subject; entries: Entry[] } | undefined> {
  const [row] = await rowsOf(pool, ONE, [subject]);
  if (!row) return undefined;
  const lists = (row[8] ?? []) as unknown as string[];
  return { subject: toSubject(row), entries: lists.flatMap((data) => JSON.parse(data) as Entry[]) };
}

/** Conditions of SQL with their parameters. */
class Conditions {
  readonly parameters: unknown[] = [];
  readonly #conditions: string[] = [];

  /** `?` stands for a value. */
  add(condition: string, ...values: unknown[]): void {
    let next = 0;
    this.#conditions.push(condition.replaceAll('?', () => this.value(values[next++])));
  }
  value(value: unknown): string {
    this.parameters.push(value);
    return `$${this.parameters.length}`;
  }
  get where(): string {
    return this.#conditions.length > 0 ? `WHERE ${this.#conditions.join(' AND ')}` : '';
  }
}

type Place = readonly [acceptedAt: number, seq: number];

function chooseSubjects(
  { topic, status, from, to }: SubjectFilter,
  place: Place | undefined,
  conditions: Conditions,
): void {
  // The second condition lets the partial index of the few answer.
  if (status !== undefined && status !== 'Succeeded')
    conditions.add(`s.status = ? AND s.status <> 'Succeeded'`, status);
  else if (status !== undefined) conditions.add('s.status = ?', status);
  if (topic !== undefined) conditions.add('s.topic = ?', topic);
  if (from !== undefined) conditions.add('s.accepted_at >= ?', from);
  if (to !== undefined) conditions.add('s.accepted_at < ?', to);
  if (place !== undefined) conditions.add('(s.accepted_at, s.seq) < (?, ?)', ...place);
}

/** By the time of acceptance, newest first. */
export async function listSubjects(pool: pg.Pool, filter: SubjectFilter): Promise<Subject[]> {
  const place = filter.before === undefined ? undefined : await placeBefore(pool, filter.before);
  if (filter.before !== undefined && !place) return [];
  const conditions = new Conditions();
  chooseSubjects(filter, place, conditions);
  const limit = conditions.value(filter.limit);
  const text = `SELECT ${COLUMNS} FROM subjects s ${JOINS} ${conditions.where} ${NEWEST_FIRST} LIMIT ${limit}`;
  return (await rowsOf(pool, text, conditions.parameters)).map(toSubject);
}

/** As `listSubjects`, but looks into at most `scan` subjects and says where it ended. */
export async function searchSubjects(pool: pg.Pool, search: SubjectSearch): Promise<SubjectPage> {
  const place = search.before === undefined ? undefined : await placeBefore(pool, search.before);
  if (search.before !== undefined && !place) return { subjects: [] };
  const conditions = new Conditions();
  chooseSubjects(search, place, conditions);
  const scan = conditions.value(search.scan);
  const window = `SELECT s.* FROM subjects s ${conditions.where} ${NEWEST_FIRST} LIMIT ${scan}`;
  const chosen = conditions.parameters.length;
  const content = new Conditions();
  content.parameters.push(...conditions.parameters);
  if (search.reason !== undefined) content.add('s.reason = ?', search.reason);
  if (search.payloadText !== undefined)
    content.add('strpos(lower(b.body), lower(?)) > 0', toText(search.payloadText));
  if (search.entryText !== undefined) {
    // Entries are stored as JSON: what it escapes is escaped in the text that is looked for too.
    const text = JSON.stringify(search.entryText).slice(1, -1);
    content.add(
      'EXISTS (SELECT 1 FROM entries e WHERE e.subject = s.seq AND strpos(lower(e.data), lower(?)) > 0)',
      text,
    );
  }
  const limit = content.value(search.limit);
  const found = await rowsOf(
    pool,
    `SELECT ${COLUMNS} FROM (${window}) s ${JOINS} ${content.where} ${NEWEST_FIRST} LIMIT ${limit}`,
    content.parameters,
  );
  const subjects = found.map(toSubject);
  if (subjects.length === search.limit) return { subjects, next: subjects.at(-1)?.subject };
  const ends = await rowsOf(
    pool,
    `SELECT id FROM (${window}) s ORDER BY s.accepted_at, s.seq LIMIT 1`,
    conditions.parameters.slice(0, chosen),
  );
  const [looked] = await rowsOf(
    pool,
    `SELECT count(*) FROM (${window}) s`,
    conditions.parameters.slice(0, chosen),
  );
  return { subjects, next: looked?.[0] === search.scan ? (ends[0]?.[0] as string) : undefined };
}

/** Where a page ends; when its last subject has been pruned meanwhile, the place of its id. */
async function placeBefore(pool: pg.Pool, subject: string): Promise<Place | undefined> {
  const [exact] = await rowsOf(pool, 'SELECT accepted_at, seq FROM subjects WHERE id = $1', [subject]);
  if (exact) return exact as unknown as Place;
  const [near] = await rowsOf(
    pool,
    'SELECT accepted_at, seq + 1 FROM subjects WHERE id < $1 ORDER BY id DESC LIMIT 1',
    [subject],
  );
  return near as unknown as Place | undefined;
}

export async function readCounters(
  pool: Pick<pg.Pool, 'query'>,
  prefix: string,
): Promise<Record<string, number>> {
  const rows = await rowsOf(
    pool,
    'SELECT name, sum(value) FROM counters WHERE name >= $1 AND name < $2 GROUP BY name',
    [prefix, after(prefix)],
  );
  return Object.fromEntries(rows) as Record<string, number>;
}

/** Sees one instant of the store, however long it takes. */
export async function audit(pool: pg.Pool): Promise<AuditReport> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const report = await recount(client);
    await client.query('COMMIT');
    client.release();
    return report;
  } catch (error) {
    client.release(error as Error);
    throw error;
  }
}

async function recount(client: pg.PoolClient): Promise<AuditReport> {
  const stored = await readCounters(client, LEDGER_PREFIX);
  const counted: Record<string, number> = {};
  const statuses: Record<string, number> = {};
  let accepted = 0;
  const bump = (counts: Record<string, number>, name: string, by: number) => {
    counts[name] = (counts[name] ?? 0) + by;
  };
  const add = (topic: string, status: string, count: number) => {
    accepted += count;
    bump(statuses, status, count);
    bump(counted, openedCounter(topic), count);
    if (status !== 'Pending') bump(counted, settledCounter(status, topic), count);
  };
  const live = await rowsOf(client, 'SELECT topic, status, count(*) FROM subjects GROUP BY topic, status');
  for (const [topic, status, count] of live) add(topic as string, status as string, count as number);
  const pruned = `${LEDGER_PREFIX}pruned/`;
  for (const [name, count] of Object.entries(stored)) {
    if (!name.startsWith(pruned)) continue;
    const [status, ...topic] = name.slice(pruned.length).split('/');
    add(topic.join('/'), status as string, count);
    counted[name] = count;
  }
  const lost = await rowsOf(
    client,
    `SELECT s.id FROM subjects s
     WHERE s.status = 'Pending' AND s.status <> 'Succeeded'
       AND NOT EXISTS (SELECT 1 FROM messages m JOIN queues q ON q.id = m.queue
                       WHERE m.subject = s.seq AND q.name IS NOT NULL)
     ORDER BY s.accepted_at, s.seq`,
  );
  const names = new Set([...Object.keys(stored), ...Object.keys(counted)]);
  const drift = [...names]
    .map((counter) => ({ counter, stored: stored[counter] ?? 0, counted: counted[counter] ?? 0 }))
    .filter((row) => row.stored !== row.counted);
  const { Pending: pending = 0, ...settled } = statuses;
  return {
    accepted,
    pending,
    statuses: settled,
    lost: { count: lost.length, examples: lost.slice(0, MAX_EXAMPLES).map(([id]) => id as string) },
    drift,
  };
}

/** One statement: rows, their bodies and entries, and the counters that remember them. */
const PRUNE = `
  WITH chosen AS (
    SELECT s.seq FROM subjects s
    WHERE s.accepted_at < $1 AND s.status <> 'Pending'
      AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.subject = s.seq)
    ORDER BY s.accepted_at, s.seq LIMIT $2 FOR UPDATE SKIP LOCKED),
  gone AS (
    DELETE FROM subjects s WHERE s.seq IN (SELECT seq FROM chosen)
      AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.subject = s.seq)
    RETURNING s.seq, s.status, s.topic),
  bodies AS (DELETE FROM bodies WHERE seq IN (SELECT seq FROM gone)),
  entries AS (DELETE FROM entries WHERE subject IN (SELECT seq FROM gone))
  SELECT status, topic, count(*) FROM gone GROUP BY status, topic`;
const COUNT_PRUNED = `
  INSERT INTO counters AS c (name, shard, value) VALUES ($1, $2, $3)
  ON CONFLICT (name, shard) DO UPDATE SET value = c.value + excluded.value`;

/** One step of pruning; returns how many went. */
export async function pruneStep(
  pool: pg.Pool,
  before: number,
  limit: number,
  shard: number,
): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const gone = await rowsOf(client, PRUNE, [before, limit]);
    let pruned = 0;
    for (const [status, topic, count] of gone) {
      pruned += count as number;
      await client.query(COUNT_PRUNED, [prunedCounter(status as string, topic as string), shard, count]);
    }
    await client.query('COMMIT');
    client.release();
    return pruned;
  } catch (error) {
    client.release(error as Error);
    throw error;
  }
}

function toSubject(row: Row): Subject {
  return {
    subject: row[0] as string,
    topic: row[1] as string,
    acceptedAt: row[2] as number,
    status: row[3] as string,
    reason: (row[4] as string | null) ?? undefined,
    settledAt: (row[5] as number | null) ?? undefined,
    payload: fromText(row[6] as string),
    data: JSON.parse(row[7] as string),
  };
}

/** Looking at subjects, entries and counters, and recounting them. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { AuditReport, Entry, Subject, SubjectFilter, SubjectPage, SubjectSearch } from '../store.ts';
import { LEDGER_PREFIX, openedCounter, settledCounter } from '../store.ts';
import { after, prepareRows } from './connection.ts';
import { chooseSubjects, matchContent } from './subject-filter.ts';

type SubjectCells = [
  subject: string,
  topic: string,
  acceptedAt: number,
  status: string,
  reason: string | null,
  settledAt: number | null,
  payload: string,
  data: string,
];
const COLUMNS = 's.id, t.name, s.accepted_at, s.status, s.reason, s.settled_at, b.body, s.data';
const FROM_SUBJECTS = 'FROM subjects s';
const JOINS = 'JOIN topics t ON t.id = s.topic JOIN bodies b ON b.seq = s.seq';

/** Examples of lost subjects in a report. */
const MAX_EXAMPLES = 10;

export class JournalReads {
  readonly #db: DatabaseSync;
  readonly #one: StatementSync;
  readonly #entries: StatementSync;
  readonly #counters: StatementSync;
  readonly #place: StatementSync;
  readonly #placeNear: StatementSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#one = prepareRows(db, `SELECT ${COLUMNS}, s.seq ${FROM_SUBJECTS} ${JOINS} WHERE s.id = ?`);
    this.#entries = prepareRows(db, 'SELECT data FROM entries WHERE subject = ? ORDER BY n');
    this.#counters = prepareRows(db, 'SELECT name, value FROM counters WHERE name >= ? AND name < ?');
    this.#place = prepareRows(db, 'SELECT accepted_at, seq FROM subjects WHERE id = ?');
    this.#placeNear = prepareRows(
      db,
      'SELECT accepted_at, seq FROM subjects WHERE id < ? ORDER BY id DESC LIMIT 1',
    );
  }

  readSubject(subject: string): { subject: Subject; entries: Entry[] } | undefined {
    const row = this.#one.get(subject) as unknown as [...SubjectCells, seq: number] | undefined;
    if (!row) return undefined;
    const lines = this.#entries.all(row[8]) as unknown as [string][];
    return {
      subject: toSubject(row as unknown as SubjectCells),
      entries: lines.flatMap(([data]) => JSON.parse(data) as Entry[]),
    };
  }

  /** By the time of acceptance, newest first. */
  listSubjects(filter: SubjectFilter): Subject[] {
    const place = filter.before === undefined ? undefined : this.#placeBefore(filter.before);
    if (filter.before !== undefined && !place) return [];
    const { index, where, parameters } = chooseSubjects(filter, place);
    const sql = `SELECT ${COLUMNS} ${FROM_SUBJECTS} INDEXED BY ${index} ${JOINS} ${where}
      ORDER BY s.accepted_at DESC, s.seq DESC LIMIT ?`;
    const rows = this.#statement(sql).all(...parameters, filter.limit) as unknown as SubjectCells[];
    return rows.map(toSubject);
  }

  /** As `listSubjects`, but looks into at most `scan` subjects and says where it ended. */
  searchSubjects(search: SubjectSearch): SubjectPage {
    const place = search.before === undefined ? undefined : this.#placeBefore(search.before);
    if (search.before !== undefined && !place) return { subjects: [] };
    const { index, where, parameters } = chooseSubjects(search, place);
    const window = `SELECT s.* ${FROM_SUBJECTS} INDEXED BY ${index} ${where}
      ORDER BY s.accepted_at DESC, s.seq DESC`;
    const content = matchContent(search);
    const rows = this.#statement(
      `SELECT ${COLUMNS} FROM (${window} LIMIT ?) s ${JOINS} ${content.where}
       ORDER BY s.accepted_at DESC, s.seq DESC LIMIT ?`,
    ).all(...parameters, search.scan, ...content.parameters, search.limit) as unknown as SubjectCells[];
    const subjects = rows.map(toSubject);
    if (subjects.length === search.limit) return { subjects, next: subjects.at(-1)?.subject };
    const end = this.#statement(`SELECT id FROM (${window} LIMIT 1 OFFSET ?)`).get(
      ...parameters,
      search.scan - 1,
    ) as unknown as [string] | undefined;
    return { subjects, next: end?.[0] };
  }

  readCounters(prefix: string): Record<string, number> {
    const rows = this.#counters.all(prefix, after(prefix)) as unknown as [string, number][];
    return Object.fromEntries(rows);
  }

  /** Sees one instant of the store, however long it takes. */
  audit(): AuditReport {
    this.#db.exec('BEGIN');
    try {
      return this.#recount();
    } finally {
      this.#db.exec('COMMIT');
    }
  }

  #recount(): AuditReport {
    const stored = this.readCounters(LEDGER_PREFIX);
    const counted: Record<string, number> = {};
    const statuses: Record<string, number> = {};
    let accepted = 0;
    const add = (topic: string, status: string, count: number) => {
      accepted += count;
      statuses[status] = (statuses[status] ?? 0) + count;
      bump(counted, openedCounter(topic), count);
      if (status !== 'Pending') bump(counted, settledCounter(status, topic), count);
    };
    const live = this.#all<[string, string, number]>(
      'SELECT t.name, s.status, count(*) FROM subjects s JOIN topics t ON t.id = s.topic GROUP BY s.topic, s.status',
    );
    for (const [topic, status, count] of live) add(topic, status, count);
    const pruned = `${LEDGER_PREFIX}pruned/`;
    for (const [name, count] of Object.entries(stored)) {
      if (!name.startsWith(pruned)) continue;
      const [status, ...topic] = name.slice(pruned.length).split('/');
      add(topic.join('/'), status as string, count);
      counted[name] = count;
    }
    const lost = this.#all<[string]>(
      `SELECT s.id FROM subjects s INDEXED BY subjects_status
       WHERE s.status = 'Pending' AND s.status <> 'Succeeded'
         AND NOT EXISTS (SELECT 1 FROM messages m INDEXED BY messages_subject JOIN queues q ON q.id = m.queue
                         WHERE m.subject = s.seq AND q.name IS NOT NULL)`,
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
      lost: { count: lost.length, examples: lost.slice(0, MAX_EXAMPLES).map(([id]) => id) },
      drift,
    };
  }

  /** Where a page ends; when its last subject has been pruned meanwhile, the place of its id. */
  #placeBefore(subject: string): [acceptedAt: number, seq: number] | undefined {
    const exact = this.#place.get(subject) as unknown as [number, number] | undefined;
    if (exact) return exact;
    const near = this.#placeNear.get(subject) as unknown as [number, number] | undefined;
    return near && [near[0], near[1] + 1];
  }

  #all<T>(sql: string): T[] {
    return this.#statement(sql).all() as unknown as T[];
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = prepareRows(this.#db, sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function bump(counts: Record<string, number>, name: string, by: number): void {
  counts[name] = (counts[name] ?? 0) + by;
}

function toSubject(cells: SubjectCells): Subject {
  const [subject, topic, acceptedAt, status, reason, settledAt, payload, data] = cells;
  return {
    subject,
    topic,
    acceptedAt,
    status,
    reason: reason ?? undefined,
    settledAt: settledAt ?? undefined,
    payload,
    data: JSON.parse(data),
  };
}

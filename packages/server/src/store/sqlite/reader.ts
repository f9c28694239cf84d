/** Everything that only looks. Runs on a connection of its own, so that a long look never holds up a commit. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type {
  AuditReport,
  BrowseOptions,
  Entry,
  LineQuery,
  Message,
  Point,
  PointQuery,
  QueueChange,
  SeriesSummary,
  StoredLine,
  StreamSummary,
  Subject,
  SubjectFilter,
  SubjectPage,
  SubjectSearch,
} from '../store.ts';
import { after, openReader, prepareRows } from './connection.ts';
import { JournalReads } from './journal-reads.ts';
import { LineReads } from './line-reads.ts';
import { MESSAGE_COLUMNS, MESSAGE_HEAD_COLUMNS, MESSAGE_HEAD_JOINS, MESSAGE_JOINS } from './message-table.ts';
import { PointReads } from './point-reads.ts';
import { toMessage } from './result-codec.ts';
import type { MessageCells } from './stored.ts';

export class Reader {
  readonly #db: DatabaseSync;
  readonly #journal: JournalReads;
  readonly #lines: LineReads;
  readonly #points: PointReads;
  readonly #browse: StatementSync;
  readonly #browseHeads: StatementSync;
  readonly #nextDue: StatementSync;

  constructor(path: string) {
    this.#db = openReader(path);
    this.#journal = new JournalReads(this.#db);
    this.#lines = new LineReads(this.#db);
    this.#points = new PointReads(this.#db);
    const browse = (columns: string, joins: string) =>
      prepareRows(
        this.#db,
        `SELECT ${columns} FROM messages m INDEXED BY messages_sent ${joins}
         WHERE m.queue = (SELECT id FROM queues WHERE name = ?) AND (m.sent_at, m.seq) > (?, ?)
         ORDER BY m.sent_at, m.seq LIMIT ?`,
      );
    this.#browse = browse(MESSAGE_COLUMNS, MESSAGE_JOINS);
    this.#browseHeads = browse(MESSAGE_HEAD_COLUMNS, MESSAGE_HEAD_JOINS);
    this.#nextDue = prepareRows(
      this.#db,
      `SELECT * FROM (
         SELECT q.name, (SELECT m.due_at FROM messages m INDEXED BY messages_due
                         WHERE m.head = 1 AND m.queue = q.id ORDER BY m.due_at LIMIT 1) AS due_at
         FROM queues q WHERE q.name >= ? AND q.name < ?)
       WHERE due_at IS NOT NULL`,
    );
  }

  browse(queue: string, { limit, after: last, bodies = true }: BrowseOptions): Message[] {
    const rows = (bodies ? this.#browse : this.#browseHeads).all(
      queue,
      last?.sentAt ?? -1,
      last?.seq ?? 0,
      limit,
    ) as unknown as MessageCells[];
    return rows.map((cells) => toMessage(queue, cells));
  }

  readNextDue(prefix: string): QueueChange[] {
    const rows = this.#nextDue.all(prefix, after(prefix)) as unknown as [string, number][];
    return rows.map(([queue, dueAt]) => ({ queue, dueAt }));
  }

  readSubject(subject: string): { subject: Subject; entries: Entry[] } | undefined {
    return this.#journal.readSubject(subject);
  }
  listSubjects(filter: SubjectFilter): Subject[] {
    return this.#journal.listSubjects(filter);
  }
  searchSubjects(search: SubjectSearch): SubjectPage {
    return this.#journal.searchSubjects(search);
  }
  readCounters(prefix: string): Record<string, number> {
    return this.#journal.readCounters(prefix);
  }
  audit(): AuditReport {
    return this.#journal.audit();
  }
  readLines(query: LineQuery): StoredLine[] {
    return this.#lines.readLines(query);
  }
  listStreams(group: string, prefix?: string): StreamSummary[] {
    return this.#lines.listStreams(group, prefix);
  }

  readPoints(query: PointQuery): Point[] {
    return this.#points.readPoints(query);
  }
  listSeries(prefix: string): SeriesSummary[] {
    return this.#points.listSeries(prefix);
  }

  close(): void {
    this.#db.close();
  }
}

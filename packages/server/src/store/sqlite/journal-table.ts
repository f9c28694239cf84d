/**
 * Subjects, their entries and the counters. Invariant: the ledger counters move in the commit that opens or
 * settles a subject.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { openedCounter, prunedCounter, settledCounter } from '../store.ts';
import type { Batch } from './batch.ts';
import { after, prepareRows } from './connection.ts';
import type { Names } from './names.ts';
import type { StoredEffect } from './stored.ts';

export interface SubjectRow {
  readonly seq: number;
  status: string;
  readonly topic: string;
}

/** Rows looked at by one step of pruning. */
const PRUNE_STEP = 2000;

export class JournalTable {
  readonly #topics: Names;
  readonly #find: StatementSync;
  readonly #newest: StatementSync;
  readonly #insert: StatementSync;
  readonly #insertBody: StatementSync;
  readonly #settle: StatementSync;
  readonly #addEntries: StatementSync;
  readonly #addCounter: StatementSync;
  readonly #counters: StatementSync;
  readonly #pruneScan: StatementSync;
  readonly #prune: readonly StatementSync[];
  /** Ids up to this one may be known; ids are made in order, so an open is rarely looked up. */
  #newestId: string;
  /** Where the next step of pruning goes on: what was passed over is not looked at again. */
  #prunedTo: { acceptedAt: number; seq: number } = { acceptedAt: -1, seq: 0 };

  constructor(db: DatabaseSync, topics: Names) {
    this.#topics = topics;
    this.#find = prepareRows(
      db,
      'SELECT s.seq, s.status, t.name FROM subjects s JOIN topics t ON t.id = s.topic WHERE s.id = ?',
    );
    this.#newest = prepareRows(db, 'SELECT max(id) FROM subjects');
    this.#insert = db.prepare(
      `INSERT INTO subjects (seq, id, topic, accepted_at, status, data) VALUES (?, ?, ?, ?, 'Pending', ?)`,
    );
    this.#insertBody = db.prepare('INSERT INTO bodies (seq, body) VALUES (?, ?)');
    this.#settle = db.prepare('UPDATE subjects SET status = ?, reason = ?, settled_at = ? WHERE seq = ?');
    this.#addEntries = db.prepare(
      `INSERT INTO entries (subject, n, data)
       VALUES (?1, (SELECT coalesce(max(n), 0) + 1 FROM entries WHERE subject = ?1), ?2)`,
    );
    this.#addCounter = db.prepare(
      `INSERT INTO counters (name, value) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`,
    );
    this.#counters = prepareRows(db, 'SELECT name, value FROM counters WHERE name >= ? AND name < ?');
    this.#pruneScan = prepareRows(
      db,
      `SELECT s.seq, s.accepted_at, s.status, t.name,
              EXISTS (SELECT 1 FROM messages m INDEXED BY messages_subject WHERE m.subject = s.seq)
       FROM subjects s INDEXED BY subjects_time JOIN topics t ON t.id = s.topic
       WHERE s.accepted_at < ?1 AND (s.accepted_at, s.seq) > (?2, ?3)
       ORDER BY s.accepted_at, s.seq LIMIT ${PRUNE_STEP}`,
    );
    this.#prune = [
      db.prepare('DELETE FROM entries WHERE subject = ?'),
      db.prepare('DELETE FROM bodies WHERE seq = ?'),
      db.prepare('DELETE FROM subjects WHERE seq = ?'),
    ];
    this.#newestId = '';
    this.reload();
  }

  reload(): void {
    this.#newestId = (this.#newest.get() as unknown as [string | null])[0] ?? '';
  }

  find(subject: string): SubjectRow | undefined {
    if (subject > this.#newestId) return undefined;
    const row = this.#find.get(subject) as unknown as [number, string, string] | undefined;
    return row && { seq: row[0], status: row[1], topic: row[2] };
  }

  open(batch: Batch, effect: StoredEffect & { kind: 'open' }, seq: number): SubjectRow {
    this.#insert.run(seq, effect.subject, this.#topics.intern(effect.topic), effect.at, effect.data);
    this.#insertBody.run(seq, effect.payload);
    if (effect.subject > this.#newestId) this.#newestId = effect.subject;
    batch.count(openedCounter(effect.topic), 1);
    return { seq, status: 'Pending', topic: effect.topic };
  }

  append(batch: Batch, effect: StoredEffect & { kind: 'append' }, subject: SubjectRow): void {
    if (effect.entries !== null) this.#addEntries.run(subject.seq, effect.entries);
    if (!effect.settle) return;
    const { status, reason, at } = effect.settle;
    if (at === null) throw new TypeError('An append that settles its subject needs an entry.');
    this.#settle.run(status, reason, at, subject.seq);
    subject.status = status;
    batch.count(settledCounter(status, subject.topic), 1);
  }

  writeCounters(counters: ReadonlyMap<string, number>): void {
    for (const [name, by] of counters) if (by !== 0) this.#addCounter.run(name, by);
  }

  readCounters(prefix: string): Record<string, number> {
    return Object.fromEntries(this.#counters.all(prefix, after(prefix)) as unknown as [string, number][]);
  }

  /**
   * One step of pruning. `done`: nothing is left to look at, and the next call begins from the oldest again.
   */
  pruneStep(batch: Batch, before: number, limit: number): { pruned: number; done: boolean } {
    const from = this.#prunedTo;
    const rows = this.#pruneScan.all(before, from.acceptedAt, from.seq) as unknown as PruneCells[];
    let pruned = 0;
    for (const [seq, acceptedAt, status, topic, needed] of rows) {
      if (pruned === limit) return { pruned, done: false };
      this.#prunedTo = { acceptedAt, seq };
      if (status === 'Pending' || needed === 1) continue;
      for (const statement of this.#prune) statement.run(seq);
      batch.count(prunedCounter(status, topic), 1);
      pruned++;
    }
    const done = rows.length < PRUNE_STEP;
    if (done) this.#prunedTo = { acceptedAt: -1, seq: 0 };
    return { pruned, done };
  }
}

type PruneCells = [seq: number, acceptedAt: number, status: string, topic: string, needed: number];

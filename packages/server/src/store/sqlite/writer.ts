/**
 * Everything that changes the database. A batch is one transaction and one flush; each unit in it is judged
 * before anything of it is applied, so a conflict leaves no trace. When the batch fails through the fault of one
 * unit, all are tried again one by one; when it fails through the disk, nothing of it happened.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Facts, findConflict } from '../conflicts.ts';
import { type Books, LEDGER_PREFIX, type QueueDepth, type Receipt, type RollUpRule } from '../store.ts';
import { Batch } from './batch.ts';
import type { StoredEffect, StoredResult, StoredSent, StoredWork } from './codec.ts';
import { isStorageError, openWriter, prepareRows } from './connection.ts';
import { Depths } from './depth.ts';
import type { DiskFault } from './disk-fault.ts';
import { beforeCommit, limitPages } from './disk-fault.ts';
import { JournalTable, type SubjectRow } from './journal-table.ts';
import { LineTable } from './line-table.ts';
import { type MessageRow, MessageTable } from './message-table.ts';
import { migrate } from './migrations.ts';
import { Names } from './names.ts';
import { PointTable } from './point-table.ts';
import { type ResourceCells, ResourceTable } from './resource-table.ts';
import { SeqNumbers } from './seq-numbers.ts';
import { Sweeper } from './sweeper.ts';

export interface BatchOutcome {
  readonly results: StoredResult[];
  /** Earliest instant by queue. */
  readonly queueChanges: ReadonlyMap<string, number>;
}

export class Writer {
  readonly #path: string;
  #db: DatabaseSync;
  #tables: Tables;
  #fault: DiskFault | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#db = openWriter(path);
    try {
      migrate(this.#db);
      this.#tables = new Tables(this.#db);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  resources(): ResourceCells[] {
    return this.#tables.resources.all();
  }

  execute(works: readonly StoredWork[]): BatchOutcome {
    try {
      return this.#transaction((batch) => works.map((work) => this.#tables.perform(batch, work)));
    } catch (error) {
      if (isStorageError(error)) throw error;
      if (works.length === 1) return { results: [invalid(error)], queueChanges: new Map() };
      return this.#oneByOne(works);
    }
  }

  releaseHolders(alive: readonly string[], now: number): BatchOutcome & { released: number } {
    let released = 0;
    const { queueChanges } = this.#transaction((batch) => {
      released = this.#tables.releaseHolders(batch, alive, now);
      return [];
    });
    return { released, results: [], queueChanges };
  }

  pruneStep(before: number, limit: number): { pruned: number; done: boolean } {
    let step = { pruned: 0, done: true };
    this.#transaction((batch) => {
      step = this.#tables.journal.pruneStep(batch, before, limit);
      return [];
    });
    return step;
  }

  rollUp(rules: readonly RollUpRule[], now: number): number {
    let gone = 0;
    this.#transaction(() => {
      gone = this.#tables.points.rollUp(rules, now);
      return [];
    });
    return gone;
  }

  get sweeperIdle(): boolean {
    return this.#tables.sweeper.idle;
  }

  /** Removes some of what nothing finds any more; false when nothing was left. */
  sweepStep(): boolean {
    let more = false;
    this.#transaction(() => {
      more = this.#tables.sweeper.step();
      return [];
    });
    return more;
  }

  readDepth(queue: string, now: number): QueueDepth {
    return this.#tables.readDepth(queue, now);
  }

  readBooks(queuePrefix: string): Books {
    return this.#tables.readBooks(queuePrefix);
  }

  /** Settings as the connection has them, for tests and `doctor`. */
  pragmas(): Record<string, number | string> {
    const names = [
      'journal_mode',
      'synchronous',
      'page_size',
      'wal_autocheckpoint',
      'cache_size',
      'temp_store',
    ];
    return Object.fromEntries(
      names.map((name) => [
        name,
        Object.values(this.#db.prepare(`PRAGMA ${name}`).get() ?? {})[0] as number | string,
      ]),
    );
  }

  inject(fault: DiskFault | undefined): void {
    this.#fault = fault;
    limitPages(this.#db, fault);
  }

  close(): void {
    this.#db.close();
  }

  #transaction(run: (batch: Batch) => StoredResult[]): BatchOutcome {
    const batch = new Batch();
    let results: StoredResult[];
    try {
      this.#tables.begin.run();
      results = run(batch);
      this.#tables.journal.writeCounters(batch.counters);
      this.#tables.points.write(batch.points);
      if (this.#fault) beforeCommit(this.#fault);
      this.#tables.commit.run();
    } catch (error) {
      this.#recover(error);
      throw error;
    }
    this.#tables.committed(batch);
    return { results, queueChanges: batch.queueChanges };
  }

  #oneByOne(works: readonly StoredWork[]): BatchOutcome {
    const results: StoredResult[] = [];
    const queueChanges = new Map<string, number>();
    for (const work of works) {
      try {
        const outcome = this.#transaction((batch) => [this.#tables.perform(batch, work)]);
        results.push(...outcome.results);
        for (const [queue, dueAt] of outcome.queueChanges) {
          queueChanges.set(queue, Math.min(dueAt, queueChanges.get(queue) ?? dueAt));
        }
      } catch (error) {
        results.push(
          isStorageError(error) ? { kind: 'unavailable', message: messageOf(error) } : invalid(error),
        );
      }
    }
    return { results, queueChanges };
  }

  /** After a failure: the connection is again outside a transaction and memory is what is stored. */
  #recover(cause: unknown): void {
    try {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      if (isStorageError(cause)) this.#overwriteFailedCommit();
      this.#tables.reload();
    } catch {
      this.#reopen();
    }
  }

  /**
   * A commit whose flush failed is complete in the log, and would come back if the process died now. The next
   * transaction takes its place in the log; an empty one does so at once when the disk is back already.
   */
  #overwriteFailedCommit(): void {
    try {
      this.#tables.touch.run();
    } catch {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
    }
  }

  /** Last resort; when it fails too, the next batch tries again. */
  #reopen(): void {
    try {
      this.#db.close();
    } catch {
      // Closed already.
    }
    try {
      this.#db = openWriter(this.#path);
      this.#tables = new Tables(this.#db);
      limitPages(this.#db, this.#fault);
    } catch {
      // The tables of the closed connection answer every batch with an error until a reopening succeeds.
    }
  }
}

/** The tables of one connection, and what is remembered of them. */
class Tables {
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly touch: StatementSync;
  readonly journal: JournalTable;
  readonly resources: ResourceTable;
  readonly sweeper: Sweeper;
  readonly points: PointTable;
  readonly #queues: Names;
  readonly #topics: Names;
  readonly #groups: Names;
  readonly #messages: MessageTable;
  readonly #lines: LineTable;
  readonly #depths: Depths;
  readonly #queueName: StatementSync;
  readonly #seqs: SeqNumbers;

  constructor(db: DatabaseSync) {
    this.begin = db.prepare('BEGIN IMMEDIATE');
    this.commit = db.prepare('COMMIT');
    this.touch = db.prepare(
      `INSERT INTO facts (name, value) VALUES ('failed_commits', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1`,
    );
    this.#queues = new Names(db, 'queues');
    this.#topics = new Names(db, 'topics');
    this.#groups = new Names(db, 'log_groups');
    this.#messages = new MessageTable(db, this.#queues);
    this.#lines = new LineTable(db, this.#groups);
    this.#depths = new Depths(db);
    this.journal = new JournalTable(db, this.#topics);
    this.resources = new ResourceTable(db);
    this.sweeper = new Sweeper(db);
    this.points = new PointTable(db);
    this.#queueName = prepareRows(db, 'SELECT name FROM queues WHERE id = ?');
    this.#seqs = new SeqNumbers(db);
  }

  reload(): void {
    for (const names of [this.#queues, this.#topics, this.#groups]) names.reload();
    this.#lines.reload();
    this.points.reload();
    this.journal.reload();
    this.#seqs.reload();
  }

  committed(batch: Batch): void {
    this.#depths.apply(batch.depthChanges);
    for (const queue of batch.clearedQueues) this.#depths.forget(queue);
    if (batch.clearedQueues.length > 0) this.sweeper.wake();
  }

  perform(batch: Batch, work: StoredWork): StoredResult {
    if (work.kind === 'invalid') return work;
    if (work.kind === 'receive') return { kind: 'received', messages: this.#messages.receive(batch, work) };
    const facts = new UnitFacts(this.#messages, this.journal, this.resources);
    const conflict = findConflict(work.unit, facts);
    if (conflict) return conflict;
    const sent: StoredSent[] = [];
    const versions: number[] = [];
    for (const effect of work.unit) this.#apply(batch, effect, facts, sent, versions);
    return { kind: 'committed', sent, versions };
  }

  #apply(batch: Batch, effect: StoredEffect, facts: UnitFacts, sent: StoredSent[], versions: number[]): void {
    switch (effect.kind) {
      case 'send': {
        const { subject } = effect.message;
        const subjectSeq = subject === undefined ? null : facts.subject(subject).seq;
        sent.push(this.#messages.send(batch, effect, this.#seqs.take(), subjectSeq));
        break;
      }
      case 'ack':
        this.#messages.remove(batch, effect.receipt.queue, facts.row(effect.receipt));
        break;
      case 'reschedule':
        this.#messages.reschedule(batch, effect, facts.row(effect.receipt));
        break;
      case 'open':
        facts.opened(effect.subject, this.journal.open(batch, effect, this.#seqs.take()));
        break;
      case 'append':
        this.journal.append(batch, effect, facts.subject(effect.subject));
        break;
      case 'count':
        batch.count(effect.counter, effect.by);
        break;
      case 'put':
        versions.push(this.resources.put(effect.collection, effect.key, effect.value));
        break;
      case 'remove':
        this.resources.remove(effect.collection, effect.key);
        break;
      case 'write':
        this.#lines.write(effect);
        break;
      case 'clear':
        this.#messages.clear(batch, effect.queue, effect.sentBefore);
        break;
      case 'erase':
        this.#lines.erase(effect);
        this.sweeper.wake();
        break;
      case 'measure':
        batch.points.add(effect);
        break;
      default:
        effect satisfies never;
    }
  }

  releaseHolders(batch: Batch, alive: readonly string[], now: number): number {
    const nameOf = (queue: number) => (this.#queueName.get(queue) as unknown as [string | null])[0] ?? '';
    return this.#messages.releaseHolders(batch, alive, now, nameOf);
  }

  readDepth(queueName: string, now: number): QueueDepth {
    const queue = this.#queues.find(queueName);
    if (queue === undefined) return { visible: 0, inFlight: 0, delayed: 0, oldestSentAt: undefined };
    return { ...this.#depths.read(queue, now), oldestSentAt: this.#messages.oldestSentAt(queue) };
  }

  /** Between transactions, so both are of one instant. */
  readBooks(queuePrefix: string): Books {
    let messages = 0;
    for (const queue of this.#queues.withPrefix(queuePrefix)) messages += this.#depths.total(queue);
    return { counters: this.journal.readCounters(LEDGER_PREFIX), messages };
  }
}

/** The facts a unit is judged by, kept for applying it: nothing is looked up twice. */
class UnitFacts implements Facts {
  readonly #messages: MessageTable;
  readonly #journal: JournalTable;
  readonly #resources: ResourceTable;
  #rows: Map<number, MessageRow> | undefined;
  #subjects: Map<string, SubjectRow> | undefined;

  constructor(messages: MessageTable, journal: JournalTable, resources: ResourceTable) {
    this.#messages = messages;
    this.#journal = journal;
    this.#resources = resources;
  }

  message(receipt: Receipt): MessageRow | undefined {
    const known = this.#rows?.get(receipt.seq);
    const row = known && known.id === receipt.id ? known : this.#messages.find(receipt);
    if (row) {
      this.#rows ??= new Map();
      this.#rows.set(receipt.seq, row);
    }
    return row;
  }

  status(subject: string): string | undefined {
    const known = this.#subjects?.get(subject) ?? this.#journal.find(subject);
    if (known) this.opened(subject, known);
    return known?.status;
  }

  version(collection: string, key: string): number {
    return this.#resources.version(collection, key);
  }

  opened(subject: string, row: SubjectRow): void {
    this.#subjects ??= new Map();
    this.#subjects.set(subject, row);
  }

  /** Of a receipt that was judged. */
  row(receipt: Receipt): MessageRow {
    return this.#rows?.get(receipt.seq) as MessageRow;
  }

  /** Of an effect that was judged. */
  subject(subject: string): SubjectRow {
    return this.#subjects?.get(subject) as SubjectRow;
  }
}

function invalid(error: unknown): StoredResult {
  return { kind: 'invalid', message: messageOf(error) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

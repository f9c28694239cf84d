/**
 * The tables of one connection, and what is remembered of them: what each piece of work does to which table.
 * Invariant: a unit is judged before anything of it is applied.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { findConflict } from '../conflicts.ts';
import { type Books, LEDGER_PREFIX, type QueueDepth } from '../store.ts';
import type { Batch } from './batch.ts';
import { prepareRows } from './connection.ts';
import { Depths } from './depth.ts';
import { JournalTable } from './journal-table.ts';
import { LineTable } from './line-table.ts';
import { MessageTable } from './message-table.ts';
import { Names } from './names.ts';
import { PointTable } from './point-table.ts';
import { ResourceTable } from './resource-table.ts';
import { SeqNumbers } from './seq-numbers.ts';
import type { StoredEffect, StoredResult, StoredSent, StoredWork } from './stored.ts';
import { Sweeper } from './sweeper.ts';
import { UnitFacts } from './unit-facts.ts';

export class Tables {
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

/**
 * Everything that changes the database. A batch is one transaction and one flush; each unit in it is judged
 * before anything of it is applied, so a conflict leaves no trace. When the batch fails through the fault of one
 * unit, all are tried again one by one; when it fails through the disk, nothing of it happened.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Books, QueueDepth, RollUpRule } from '../store.ts';
import { Batch } from './batch.ts';
import { isStorageError, openWriter } from './connection.ts';
import { beforeCommit, type DiskFault, limitPages } from './disk-fault.ts';
import { migrate } from './migrations.ts';
import type { ResourceCells } from './resource-table.ts';
import type { StoredResult, StoredWork } from './stored.ts';
import { Tables } from './tables.ts';

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
      if (this.#fault) beforeCommit(this.#db, this.#fault);
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

function invalid(error: unknown): StoredResult {
  return { kind: 'invalid', message: messageOf(error) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

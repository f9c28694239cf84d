/**
 * Copies what is committed from the log into the database while the writer goes on: the copying that SQLite would
 * otherwise do within some unlucky commit. It changes nothing that anyone sees, and may be skipped at any time.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** It reads pages from the log once: more would not help. */
const CACHE_KB = 2000;

export class Checkpointer {
  readonly #db: DatabaseSync;
  readonly #run: StatementSync;

  constructor(path: string) {
    // No waiting: when the writer is at it, there is nothing left to do.
    this.#db = new DatabaseSync(path, { timeout: 0 });
    this.#db.exec(
      `PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -${CACHE_KB}`,
    );
    this.#run = this.#db.prepare('PRAGMA wal_checkpoint(PASSIVE)');
  }

  checkpoint(): void {
    this.#run.get();
  }

  close(): void {
    this.#db.close();
  }
}

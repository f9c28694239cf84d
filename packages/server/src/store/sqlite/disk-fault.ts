/** Disks that fail on demand, for tests and drills: the store must answer an error and recover by itself. */
import type { DatabaseSync } from 'node:sqlite';

export type DiskFault =
  /** The file cannot grow any more: SQLite itself answers SQLITE_FULL. */
  | { readonly kind: 'full' }
  /** The flush of a commit fails. */
  | { readonly kind: 'failingFlush' }
  /** Each commit takes that much longer. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** The connection is gone in the middle of each commit. */
  | { readonly kind: 'lostConnection' }
  /** The database thread dies in the middle of the next commit. */
  | { readonly kind: 'threadDeath' };

const SQLITE_IOERR_FSYNC = 1034;
/** SQLite's own upper limit. */
const NO_LIMIT = 4_294_967_294;

export function limitPages(db: DatabaseSync, fault: DiskFault | undefined): void {
  const pages =
    fault?.kind === 'full'
      ? (db.prepare('PRAGMA page_count').get() as { page_count: number }).page_count
      : NO_LIMIT;
  db.exec(`PRAGMA max_page_count = ${pages}`);
}

export function beforeCommit(db: DatabaseSync, fault: DiskFault): void {
  if (fault.kind === 'lostConnection') db.close();
  if (fault.kind === 'failingFlush') {
    throw Object.assign(new Error('disk I/O error (injected)'), { errcode: SQLITE_IOERR_FSYNC });
  }
  // Within a thread, exit ends the thread alone.
  if (fault.kind === 'threadDeath') process.exit(1);
  if (fault.kind === 'slow') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fault.delayMs);
}

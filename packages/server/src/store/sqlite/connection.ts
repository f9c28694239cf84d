/**
 * Opens the database file: one process at a time, durable at every commit, memory bounded.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { StoreInUse } from '../store.ts';

/** Takes effect when the file is made. */
const PAGE_BYTES = 4096;
/** Page cache of one connection: enough for the inner pages of the indexes of many millions of rows. */
const CACHE_KB = 32 * 1024;
/**
 * WAL pages after which a commit copies them into the database, those that the checkpointer has not copied yet.
 * Only after that can the log begin again, so this bounds its size (32 MB) and the time of recovery.
 */
const CHECKPOINT_PAGES = 8000;
const BUSY_TIMEOUT_MS = 5000;

const SQLITE_BUSY = 5;

/** The connection that writes. `synchronous=FULL`: a commit returns when its pages are on disk. */
export function openWriter(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: false });
  db.exec(`
    PRAGMA page_size = ${PAGE_BYTES};
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
    PRAGMA cache_size = -${CACHE_KB};
    PRAGMA cache_spill = OFF;
    PRAGMA temp_store = MEMORY;
  `);
  return db;
}

/** A connection that sees every commit as soon as it has happened and never holds one up. */
export function openReader(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, readOnly: true });
  db.exec(`PRAGMA cache_size = -${CACHE_KB}; PRAGMA temp_store = MEMORY;`);
  return db;
}

export interface ProcessLock {
  release(): void;
}

/**
 * Keeps other processes out for as long as this one lives. The lock is SQLite's own, on an empty database
 * beside the real one: the system drops it with the process, whatever way that ends.
 * @throws StoreInUse
 */
export function lockFolder(path: string): ProcessLock {
  mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(`${path}.lock`, { timeout: 0 });
  // A file of its own: closing any handle on a locked file would drop the lock of the whole process.
  const ownerFile = `${path}.owner`;
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    throw new StoreInUse(
      `${dirname(path)} is in use by another Redrive process${readOwner(ownerFile)}. ` +
        'Stop that one, or start this one on another data folder.',
    );
  }
  writeFileSync(ownerFile, String(process.pid));
  return { release: () => db.close() };
}

function readOwner(file: string): string {
  try {
    return ` (pid ${readFileSync(file, 'utf8')})`;
  } catch {
    return '';
  }
}

/** A statement whose rows are arrays: about twice as fast as objects. */
export function prepareRows(db: DatabaseSync, sql: string): StatementSync {
  const statement = db.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}

/** The first text after all that begin with `prefix`. */
export function after(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

/** Errors of the disk or of the database file, as opposed to errors of what was asked. */
export function isStorageError(error: unknown): boolean {
  const { errcode, code } = error as { errcode?: number; code?: string };
  // The second is what a closed connection answers.
  return errcode === undefined ? code === 'ERR_INVALID_STATE' : STORAGE_ERRORS.has(errcode & 0xff);
}

/** Primary result codes: PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB. */
const STORAGE_ERRORS = new Set([3, 5, 6, 7, 8, 10, 11, 13, 14, 15, 26]);

/**
 * Resources as stored. A version is never given out twice for one key: what has been removed leaves a floor
 * below which no new resource begins.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { prepareRows } from './connection.ts';

export type ResourceCells = [collection: string, key: string, version: number, json: string];

const FLOOR = 'resource_version_floor';

export class ResourceTable {
  readonly #all: StatementSync;
  readonly #version: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #floor: StatementSync;
  readonly #raiseFloor: StatementSync;

  constructor(db: DatabaseSync) {
    this.#all = prepareRows(db, 'SELECT collection, key, version, value FROM resources');
    this.#version = prepareRows(db, 'SELECT version FROM resources WHERE collection = ? AND key = ?');
    this.#put = db.prepare(
      'INSERT OR REPLACE INTO resources (collection, key, version, value) VALUES (?, ?, ?, ?)',
    );
    this.#remove = db.prepare('DELETE FROM resources WHERE collection = ? AND key = ?');
    this.#floor = prepareRows(db, 'SELECT value FROM facts WHERE name = ?');
    this.#raiseFloor = db.prepare(
      'INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)',
    );
  }

  all(): ResourceCells[] {
    return this.#all.all() as unknown as ResourceCells[];
  }

  version(collection: string, key: string): number {
    return (this.#version.get(collection, key) as unknown as [number] | undefined)?.[0] ?? 0;
  }

  /** Returns the version it now has. */
  put(collection: string, key: string, value: string): number {
    const version = (this.version(collection, key) || this.#readFloor()) + 1;
    this.#put.run(collection, key, version, value);
    return version;
  }

  remove(collection: string, key: string): void {
    const version = this.version(collection, key);
    if (version === 0) return;
    this.#remove.run(collection, key);
    this.#raiseFloor.run(FLOOR, version);
  }

  #readFloor(): number {
    return (this.#floor.get(FLOOR) as unknown as [number] | undefined)?.[0] ?? 0;
  }
}

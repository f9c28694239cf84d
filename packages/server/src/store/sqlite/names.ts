/**
 * Long names as small numbers, kept in memory. A name that is forgotten gives its number up for ever: rows that
 * still carry the number belong to nobody and are swept away later.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { prepareRows } from './connection.ts';

export class Names {
  readonly #ids = new Map<string, number>();
  readonly #load: StatementSync;
  readonly #insert: StatementSync;
  readonly #forget: StatementSync;

  constructor(db: DatabaseSync, table: 'queues' | 'topics' | 'log_groups' | 'series') {
    this.#load = prepareRows(db, `SELECT name, id FROM ${table} WHERE name IS NOT NULL`);
    this.#insert = db.prepare(`INSERT INTO ${table} (name) VALUES (?)`);
    this.#forget = db.prepare(`UPDATE ${table} SET name = NULL WHERE id = ?`);
    this.reload();
  }

  /** After a rollback: memory is again what is stored. */
  reload(): void {
    this.#ids.clear();
    for (const [name, id] of this.#load.all() as unknown as [string, number][]) this.#ids.set(name, id);
  }

  find(name: string): number | undefined {
    return this.#ids.get(name);
  }

  *withPrefix(prefix: string): Generator<number> {
    for (const [name, id] of this.#ids) if (name.startsWith(prefix)) yield id;
  }

  /** Number of the name, given out when it has none. */
  intern(name: string): number {
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = Number(this.#insert.run(name).lastInsertRowid);
      this.#ids.set(name, id);
    }
    return id;
  }

  forget(name: string): number | undefined {
    const id = this.#ids.get(name);
    if (id === undefined) return undefined;
    this.#ids.delete(name);
    this.#forget.run(id);
    return id;
  }
}

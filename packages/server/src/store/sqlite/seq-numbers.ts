/**
 * Positions of messages and subjects. They grow for ever, also when the newest rows are gone by the time the store
 * opens again. Reserved in blocks, so that only one message in many writes the reservation; what is left of a block
 * is skipped at the next opening.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { prepareRows } from './connection.ts';

const BLOCK = 65_536;
const RESERVED = 'reserved_seq';

export class SeqNumbers {
  readonly #readReserved: StatementSync;
  readonly #writeReserved: StatementSync;
  #next: number;
  /** Numbers below this one are written down as used. */
  #reserved: number;

  constructor(db: DatabaseSync) {
    this.#readReserved = prepareRows(
      db,
      // The rows count for data of before reservations were kept.
      `SELECT max((SELECT coalesce(max(seq), 0) FROM messages), (SELECT coalesce(max(seq), 0) FROM subjects),
                  (SELECT coalesce(max(seq), 0) FROM bodies),
                  coalesce((SELECT value FROM facts WHERE name = ?), 1) - 1) + 1`,
    );
    this.#writeReserved = db.prepare(
      'INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    this.#reserved = this.#read();
    this.#next = this.#reserved;
  }

  /** Within a transaction. */
  take(): number {
    if (this.#next >= this.#reserved) {
      this.#reserved = this.#next + BLOCK;
      this.#writeReserved.run(RESERVED, this.#reserved);
    }
    return this.#next++;
  }

  /** After a transaction that was rolled back, the reservation it wrote included. */
  reload(): void {
    this.#reserved = this.#read();
    // Never back: what was rolled back may have been seen.
    if (this.#next > this.#reserved) this.#reserved = this.#next;
  }

  #read(): number {
    return (this.#readReserved.get(RESERVED) as unknown as [number])[0];
  }
}

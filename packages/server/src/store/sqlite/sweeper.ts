/**
 * Removes, in small steps, the rows of queues and log groups that have been cleared. Nothing finds them any
 * more; they only take up room. What a crash leaves is swept after the next start.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { prepareRows } from './connection.ts';

/** Rows removed by one step: a few milliseconds. */
const STEP_ROWS = 500;

export class Sweeper {
  readonly #queue: StatementSync;
  readonly #group: StatementSync;
  readonly #sweepQueue: readonly StatementSync[];
  readonly #messages: StatementSync;
  readonly #dropQueue: readonly StatementSync[];
  readonly #chunks: StatementSync;
  readonly #dropGroup: readonly StatementSync[];
  #work = true;

  constructor(db: DatabaseSync) {
    this.#queue = prepareRows(db, 'SELECT id FROM queues WHERE name IS NULL LIMIT 1');
    this.#group = prepareRows(db, 'SELECT id FROM log_groups WHERE name IS NULL LIMIT 1');
    const some = `SELECT seq FROM messages INDEXED BY messages_sent WHERE queue = ? LIMIT ${STEP_ROWS}`;
    this.#messages = prepareRows(db, `SELECT count(*) FROM (${some})`);
    this.#sweepQueue = [
      db.prepare(`DELETE FROM bodies WHERE seq IN
                  (SELECT m.seq FROM (${some}) s JOIN messages m USING (seq) WHERE m.subject IS NULL)`),
      db.prepare(`DELETE FROM messages WHERE seq IN (${some})`),
    ];
    this.#dropQueue = [
      db.prepare('DELETE FROM dedup WHERE queue = ?'),
      db.prepare('DELETE FROM queues WHERE id = ?'),
    ];
    this.#chunks = db.prepare(
      `DELETE FROM chunks WHERE seq IN
       (SELECT seq FROM chunks INDEXED BY chunks_group WHERE log_group = ? LIMIT ${STEP_ROWS})`,
    );
    this.#dropGroup = [
      db.prepare('DELETE FROM streams WHERE log_group = ?'),
      db.prepare('DELETE FROM log_groups WHERE id = ?'),
    ];
  }

  get idle(): boolean {
    return !this.#work;
  }

  /** Something has been cleared. */
  wake(): void {
    this.#work = true;
  }

  /** false: nothing was left. */
  step(): boolean {
    if (!this.#work) return false;
    this.#work = this.#stepQueue() || this.#stepGroup();
    return this.#work;
  }

  #stepQueue(): boolean {
    const queue = (this.#queue.get() as unknown as [number] | undefined)?.[0];
    if (queue === undefined) return false;
    if ((this.#messages.get(queue) as unknown as [number])[0] > 0) {
      for (const statement of this.#sweepQueue) statement.run(queue);
    } else {
      for (const statement of this.#dropQueue) statement.run(queue);
    }
    return true;
  }

  #stepGroup(): boolean {
    const group = (this.#group.get() as unknown as [number] | undefined)?.[0];
    if (group === undefined) return false;
    if (this.#chunks.run(group).changes === 0) for (const statement of this.#dropGroup) statement.run(group);
    return true;
  }
}

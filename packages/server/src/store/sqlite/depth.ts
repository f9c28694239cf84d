/**
 * How many messages of a queue are visible, in flight and delayed, without counting them again each time.
 * A queue is counted once, when first asked about; from then on every committed change is added, and as time
 * moves only the messages that came due since the last look are counted.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { prepareRows } from './connection.ts';

/** Where one message stood before a change and stands after it; undefined: it did not or does not exist. */
export interface DepthChange {
  readonly queue: number;
  readonly before: { readonly dueAt: number; readonly held: boolean } | undefined;
  readonly after: { readonly dueAt: number; readonly held: boolean } | undefined;
}

interface Count {
  total: number;
  held: number;
  /** The instant up to which `due` and `dueHeld` are counted, inclusive. */
  horizon: number;
  due: number;
  dueHeld: number;
}

/** Less than any instant. */
const BEGINNING = -1;

export class Depths {
  readonly #counts = new Map<number, Count>();
  readonly #total: StatementSync;
  readonly #held: StatementSync;
  readonly #dueBetween: StatementSync;
  readonly #heldBetween: StatementSync;

  constructor(db: DatabaseSync) {
    this.#total = prepareRows(db, 'SELECT count(*) FROM messages INDEXED BY messages_sent WHERE queue = ?');
    this.#held = prepareRows(
      db,
      'SELECT count(*) FROM messages INDEXED BY messages_held WHERE held = 1 AND queue = ?',
    );
    this.#dueBetween = prepareRows(
      db,
      `SELECT (SELECT count(*) FROM messages INDEXED BY messages_due
               WHERE head = 1 AND queue = ?1 AND due_at > ?2 AND due_at <= ?3)
            + (SELECT count(*) FROM messages INDEXED BY messages_behind
               WHERE head = 0 AND queue = ?1 AND due_at > ?2 AND due_at <= ?3)`,
    );
    this.#heldBetween = prepareRows(
      db,
      `SELECT count(*) FROM messages INDEXED BY messages_held
       WHERE held = 1 AND queue = ? AND due_at > ? AND due_at <= ?`,
    );
  }

  /** Adds changes that have been committed. */
  apply(changes: readonly DepthChange[]): void {
    for (const { queue, before, after } of changes) {
      const count = this.#counts.get(queue);
      if (!count) continue;
      if (before) add(count, before.dueAt, before.held, -1);
      if (after) add(count, after.dueAt, after.held, 1);
    }
  }

  forget(queue: number): void {
    this.#counts.delete(queue);
  }

  /** Outside a transaction that has changed messages. */
  read(queue: number, now: number): { visible: number; inFlight: number; delayed: number } {
    const count = this.#count(queue);
    this.#move(queue, count, now);
    const inFlight = count.held - count.dueHeld;
    return { visible: count.due, inFlight, delayed: count.total - count.due - inFlight };
  }

  total(queue: number): number {
    return this.#count(queue).total;
  }

  #count(queue: number): Count {
    let count = this.#counts.get(queue);
    if (!count) {
      const [total, held] = [single(this.#total, queue), single(this.#held, queue)];
      count = { total, held, horizon: BEGINNING, due: 0, dueHeld: 0 };
      this.#counts.set(queue, count);
    }
    return count;
  }

  #move(queue: number, count: Count, now: number): void {
    if (now === count.horizon) return;
    const [from, to, sign] = now > count.horizon ? [count.horizon, now, 1] : [now, count.horizon, -1];
    count.due += sign * single(this.#dueBetween, queue, from, to);
    count.dueHeld += sign * single(this.#heldBetween, queue, from, to);
    count.horizon = now;
  }
}

function add(count: Count, dueAt: number, held: boolean, by: number): void {
  count.total += by;
  if (held) count.held += by;
  if (dueAt > count.horizon) return;
  count.due += by;
  if (held) count.dueHeld += by;
}

function single(statement: StatementSync, ...parameters: number[]): number {
  return (statement.get(...parameters) as unknown as [number])[0];
}

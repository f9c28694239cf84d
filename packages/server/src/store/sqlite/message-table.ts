/**
 * Messages of queues. Invariant: `head` is 1 exactly for messages without a group and for the first message
 * (by `seq`) of each group, so what can be received is what is due among the heads.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Receipt } from '../store.ts';
import type { Batch } from './batch.ts';
import { prepareRows } from './connection.ts';
import type { Names } from './names.ts';
import type { MessageCells, StoredEffect, StoredSend, StoredSent } from './stored.ts';

/** What a change needs to know of a stored message. */
export interface MessageRow {
  readonly seq: number;
  readonly queue: number;
  readonly id: string;
  lease: number;
  dueAt: number;
  held: boolean;
  readonly head: boolean;
  readonly group: string | null;
  readonly subject: number | null;
  readonly sentAt: number;
}

type RowCells = [
  number,
  number,
  string,
  number,
  number,
  number,
  number,
  string | null,
  number | null,
  number,
];
const ROW = 'seq, queue, id, lease, due_at, held, head, group_key, subject, sent_at';

/** Expired keys forgotten with each key that is remembered: the table stays as small as the window. */
const DEDUP_SWEEP = 4;
/** Kept that much longer, for senders whose clock is a little behind. */
const DEDUP_GRACE_MS = 60_000;

/** Columns of MessageCells; a message without a subject has its body under its own `seq`. */
export const MESSAGE_COLUMNS = `
  m.seq, m.id, m.lease, b.body, s.id, m.attributes, m.state, m.group_key, m.sent_at, m.due_at, m.receive_count,
  m.first_received_at`;
/** The same without the body. */
export const MESSAGE_HEAD_COLUMNS = `
  m.seq, m.id, m.lease, '', s.id, m.attributes, m.state, m.group_key, m.sent_at, m.due_at, m.receive_count,
  m.first_received_at`;
export const MESSAGE_HEAD_JOINS = 'LEFT JOIN subjects s ON s.seq = m.subject';
export const MESSAGE_JOINS = `
  LEFT JOIN subjects s ON s.seq = m.subject
  LEFT JOIN bodies b ON b.seq = coalesce(m.subject, m.seq)`;

export class MessageTable {
  readonly #queues: Names;
  readonly #insert: StatementSync;
  readonly #insertBody: StatementSync;
  readonly #deleteBody: StatementSync;
  readonly #row: StatementSync;
  readonly #firstOfGroup: StatementSync;
  readonly #promote: StatementSync;
  readonly #delete: StatementSync;
  readonly #reschedule: StatementSync;
  readonly #rescheduleState: StatementSync;
  readonly #dueHeads: StatementSync;
  readonly #groupMembers: StatementSync;
  readonly #lease: StatementSync;
  readonly #dedupFind: StatementSync;
  readonly #dedupPut: StatementSync;
  readonly #dedupSweep: StatementSync;
  readonly #sentBefore: StatementSync;
  readonly #heldByHolders: StatementSync;
  readonly #release: StatementSync;
  readonly #oldest: StatementSync;

  constructor(db: DatabaseSync, queues: Names) {
    this.#queues = queues;
    this.#insert = db.prepare(
      `INSERT INTO messages (seq, queue, due_at, head, held, lease, receive_count, sent_at, first_received_at,
                             subject, group_key, holder, id, attributes, state)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#insertBody = db.prepare('INSERT INTO bodies (seq, body) VALUES (?, ?)');
    this.#deleteBody = db.prepare('DELETE FROM bodies WHERE seq = ?');
    this.#row = prepareRows(db, `SELECT ${ROW} FROM messages WHERE seq = ?`);
    this.#firstOfGroup = prepareRows(
      db,
      `SELECT seq, due_at FROM messages INDEXED BY messages_group WHERE queue = ? AND group_key = ? ORDER BY seq LIMIT 1`,
    );
    this.#promote = db.prepare('UPDATE messages SET head = 1 WHERE seq = ?');
    this.#delete = db.prepare('DELETE FROM messages WHERE seq = ?');
    this.#reschedule = db.prepare(
      'UPDATE messages SET due_at = ?, held = ?, holder = iif(?2, holder, NULL) WHERE seq = ?',
    );
    this.#rescheduleState = db.prepare(
      'UPDATE messages SET due_at = ?, held = ?, holder = iif(?2, holder, NULL), state = ? WHERE seq = ?',
    );
    this.#dueHeads = prepareRows(
      db,
      `SELECT ${MESSAGE_COLUMNS}, m.held FROM messages m INDEXED BY messages_due ${MESSAGE_JOINS}
       WHERE m.head = 1 AND m.queue = ? AND m.due_at <= ? ORDER BY m.due_at, m.seq LIMIT ?`,
    );
    this.#groupMembers = prepareRows(
      db,
      `SELECT ${MESSAGE_COLUMNS}, m.held FROM messages m INDEXED BY messages_group ${MESSAGE_JOINS}
       WHERE m.queue = ? AND m.group_key = ? AND m.seq > ? ORDER BY m.seq LIMIT ?`,
    );
    this.#lease = db.prepare(
      `UPDATE messages SET due_at = ?, held = 1, lease = lease + 1, receive_count = receive_count + 1,
              first_received_at = ?, holder = ? WHERE seq = ?`,
    );
    this.#dedupFind = prepareRows(db, 'SELECT seq, id FROM dedup WHERE queue = ? AND key = ? AND until > ?');
    this.#dedupPut = db.prepare(
      'INSERT OR REPLACE INTO dedup (queue, key, until, seq, id) VALUES (?, ?, ?, ?, ?)',
    );
    this.#dedupSweep = db.prepare(
      `DELETE FROM dedup WHERE (queue, key) IN (SELECT queue, key FROM dedup WHERE until <= ? ORDER BY until LIMIT ${DEDUP_SWEEP})`,
    );
    this.#sentBefore = prepareRows(
      db,
      `SELECT ${ROW} FROM messages INDEXED BY messages_sent WHERE queue = ? AND sent_at < ? LIMIT 1000`,
    );
    this.#heldByHolders = prepareRows(
      db,
      `SELECT ${ROW}, holder FROM messages INDEXED BY messages_held WHERE held = 1 AND holder IS NOT NULL`,
    );
    this.#release = db.prepare('UPDATE messages SET due_at = ?, held = 0, holder = NULL WHERE seq = ?');
    this.#oldest = prepareRows(
      db,
      'SELECT sent_at FROM messages INDEXED BY messages_sent WHERE queue = ? ORDER BY sent_at LIMIT 1',
    );
  }

  /** The message a receipt names, whatever its lease; undefined when it is gone. */
  find(receipt: Receipt): MessageRow | undefined {
    const cells = this.#row.get(receipt.seq) as unknown as RowCells | undefined;
    if (!cells) return undefined;
    const row = toRow(cells);
    return row.id === receipt.id && row.queue === this.#queues.find(receipt.queue) ? row : undefined;
  }

  send(batch: Batch, effect: StoredSend, seq: number, subject: number | null): StoredSent {
    const { message, lease, dedup } = effect;
    const queue = this.#queues.intern(effect.queue);
    if (dedup) {
      const first = this.#dedupFind.get(queue, dedup.key, message.sentAt) as unknown as
        | [number, string]
        | undefined;
      if (first) return { seq: first[0], duplicateOf: first[1] };
      this.#dedupSweep.run(message.sentAt - DEDUP_GRACE_MS);
      this.#dedupPut.run(queue, dedup.key, dedup.until, seq, message.id);
    }
    const { group } = message;
    const head = group === null || this.#firstOfGroup.get(queue, group) === undefined;
    const dueAt = message.dueAt + (lease?.leaseMs ?? 0);
    const times = lease ? 1 : 0;
    this.#insert.run(
      seq,
      queue,
      dueAt,
      head ? 1 : 0,
      times,
      times,
      message.receiveCount + times,
      message.sentAt,
      message.firstReceivedAt ?? (lease ? message.sentAt : null),
      subject,
      group,
      lease?.holder ?? null,
      message.id,
      message.attributes,
      message.state,
    );
    if (subject === null) this.#insertBody.run(seq, message.body ?? '');
    batch.moved({ queue, before: undefined, after: { dueAt, held: lease !== undefined } });
    if (head) batch.due(effect.queue, dueAt);
    return { seq, duplicateOf: null };
  }

  /** Removes a message whose row has been found current. */
  remove(batch: Batch, queueName: string, found: MessageRow): void {
    const row = this.#asItIs(found);
    if (this.#delete.run(row.seq).changes === 0) return;
    if (row.subject === null) this.#deleteBody.run(row.seq);
    batch.moved({ queue: row.queue, before: { dueAt: row.dueAt, held: row.held }, after: undefined });
    if (row.head && row.group !== null) this.#promoteNext(batch, queueName, row.queue, row.group);
  }

  reschedule(batch: Batch, effect: StoredEffect & { kind: 'reschedule' }, found: MessageRow): void {
    const row = this.#asItIs(found);
    const held = row.held && !effect.release;
    if (effect.state === null) this.#reschedule.run(effect.dueAt, held ? 1 : 0, row.seq);
    else this.#rescheduleState.run(effect.dueAt, held ? 1 : 0, effect.state, row.seq);
    this.#stands(batch, row, effect.dueAt, held);
    if (row.head) batch.due(effect.receipt.queue, effect.dueAt);
  }

  receive(
    batch: Batch,
    request: { queue: string; max: number; now: number; leaseMs: number; holder: string | null },
  ): MessageCells[] {
    const queue = this.#queues.find(request.queue);
    if (queue === undefined || request.max <= 0) return [];
    const { now, max } = request;
    const dueAt = now + request.leaseMs;
    const received: MessageCells[] = [];
    const heads = this.#dueHeads.all(queue, now, max) as unknown as HandedOut[];
    for (const head of heads) {
      if (received.length === max) break;
      received.push(this.#handOut(batch, queue, head, request, dueAt));
      const group = head[7];
      if (group === null) continue;
      const members = this.#groupMembers.all(
        queue,
        group,
        head[0],
        max - received.length,
      ) as unknown as HandedOut[];
      for (const member of members) {
        if (member[9] > now) break;
        received.push(this.#handOut(batch, queue, member, request, dueAt));
      }
    }
    if (received.length > 0) batch.due(request.queue, dueAt);
    return received;
  }

  #handOut(
    batch: Batch,
    queue: number,
    row: HandedOut,
    request: { now: number; holder: string | null },
    dueAt: number,
  ): MessageCells {
    const held = row.pop() as number;
    const cells = row as unknown as MessageCells;
    batch.moved({ queue, before: { dueAt: cells[9], held: held === 1 }, after: { dueAt, held: true } });
    cells[2]++;
    cells[9] = dueAt;
    cells[10]++;
    cells[11] ??= request.now;
    this.#lease.run(dueAt, cells[11], request.holder, cells[0]);
    return cells;
  }

  /** Without `sentBefore` the queue loses its number, and with it every row at once. */
  clear(batch: Batch, queueName: string, sentBefore: number | undefined): void {
    if (sentBefore === undefined) {
      const forgotten = this.#queues.forget(queueName);
      if (forgotten !== undefined) batch.cleared(forgotten);
      return;
    }
    const queue = this.#queues.find(queueName);
    if (queue === undefined) return;
    for (;;) {
      const rows = this.#sentBefore.all(queue, sentBefore) as unknown as RowCells[];
      if (rows.length === 0) return;
      for (const cells of rows) this.remove(batch, queueName, toRow(cells));
    }
  }

  /** Makes due at `now` what holders not in `alive` hold; returns how many. */
  releaseHolders(
    batch: Batch,
    alive: readonly string[],
    now: number,
    nameOf: (queue: number) => string,
  ): number {
    const rows = this.#heldByHolders.all() as unknown as [...RowCells, string][];
    let released = 0;
    for (const cells of rows) {
      if (alive.includes(cells[10])) continue;
      const row = toRow(cells as unknown as RowCells);
      const dueAt = Math.min(row.dueAt, now);
      this.#release.run(dueAt, row.seq);
      this.#stands(batch, row, dueAt, false);
      if (row.head) batch.due(nameOf(row.queue), dueAt);
      released++;
    }
    return released;
  }

  oldestSentAt(queue: number): number | undefined {
    return (this.#oldest.get(queue) as unknown as [number] | undefined)?.[0];
  }

  /** Earlier effects of the unit may have made a member of a group its head since it was found. */
  #asItIs(row: MessageRow): MessageRow {
    if (row.group === null || row.head) return row;
    const cells = this.#row.get(row.seq) as unknown as RowCells | undefined;
    return cells ? toRow(cells) : row;
  }

  #promoteNext(batch: Batch, queueName: string, queue: number, group: string): void {
    const next = this.#firstOfGroup.get(queue, group) as unknown as [number, number] | undefined;
    if (!next) return;
    this.#promote.run(next[0]);
    batch.due(queueName, next[1]);
  }

  #stands(batch: Batch, row: MessageRow, dueAt: number, held: boolean): void {
    batch.moved({
      queue: row.queue,
      before: { dueAt: row.dueAt, held: row.held },
      after: { dueAt, held },
    });
    row.dueAt = dueAt;
    row.held = held;
  }
}

/** MessageCells and, last, whether it was held before. */
type HandedOut = [...MessageCells, held: number];

function toRow(cells: RowCells): MessageRow {
  return {
    seq: cells[0],
    queue: cells[1],
    id: cells[2],
    lease: cells[3],
    dueAt: cells[4],
    held: cells[5] === 1,
    head: cells[6] === 1,
    group: cells[7],
    subject: cells[8],
    sentAt: cells[9],
  };
}

/**
 * How work crosses to the writing thread: as one flat array of strings and numbers, which clones several times
 * faster than objects.
 */
import type { Work } from '../group-commit.ts';
import type { Effect, JsonObject, Line, Receipt } from '../store.ts';
import type { Cell, StoredEffect, StoredWork } from './stored.ts';

/** Where a unit says how many effects it has. */
const RECEIVE = -1;
const UNENCODABLE = -2;

/** A batch as it crosses, and the JSON of each resource it puts, by effect. */
export interface EncodedBatch {
  readonly cells: Cell[];
  readonly puts: ReadonlyMap<Effect, string>;
}

export function encodeBatch(batch: readonly Work[]): EncodedBatch {
  const out: Cell[] = [];
  const puts = new Map<Effect, string>();
  const series: SeriesNumbers = new Map();
  for (const work of batch) {
    if (work.kind === 'receive') {
      const { queue, max, now, leaseMs, holder } = work.request;
      out.push(RECEIVE, queue, max, now, leaseMs, holder ?? null);
      continue;
    }
    const start = out.length;
    try {
      out.push(work.unit.length);
      for (const effect of work.unit) encodeEffect(out, effect, puts, series);
    } catch (error) {
      // A value without JSON is the fault of this unit alone: the others of the batch go their way.
      out.length = start;
      // A name that was given a number in what has just been taken back has never crossed.
      series.clear();
      out.push(UNENCODABLE, (error as Error).message);
    }
  }
  return { cells: out, puts };
}

/** Names of series cross once in a batch, and by number after that: many units measure the same few. */
type SeriesNumbers = Map<string, number>;

function encodeReceipt(out: Cell[], receipt: Receipt, heldAt: number | undefined): void {
  out.push(receipt.queue, receipt.seq, receipt.id, receipt.lease, heldAt ?? null);
}

function encodeEffect(out: Cell[], effect: Effect, puts: Map<Effect, string>, series: SeriesNumbers): void {
  switch (effect.kind) {
    case 'send': {
      const m = effect.message;
      out.push('send', effect.queue, m.id, m.dueAt, m.sentAt, m.body ?? null, m.subject ?? null);
      out.push(jsonOrNull(m.attributes), jsonOrNull(m.state), m.group ?? null);
      out.push(m.receiveCount ?? 0, m.firstReceivedAt ?? null);
      out.push(effect.lease?.leaseMs ?? null, effect.lease?.holder ?? null);
      out.push(effect.dedup?.key ?? null, effect.dedup?.until ?? null);
      break;
    }
    case 'ack':
      out.push('ack');
      encodeReceipt(out, effect.receipt, effect.heldAt);
      break;
    case 'reschedule':
      out.push('reschedule');
      encodeReceipt(out, effect.receipt, effect.heldAt);
      // An absent state leaves the stored one; an empty one replaces it.
      out.push(effect.dueAt, effect.state ? JSON.stringify(effect.state) : null, effect.release ? 1 : 0);
      break;
    case 'open':
      out.push('open', effect.subject, effect.topic, effect.at, effect.payload, JSON.stringify(effect.data));
      break;
    case 'append': {
      const { entries, settle } = effect;
      out.push('append', effect.subject, entries.length > 0 ? JSON.stringify(entries) : null);
      out.push(settle?.status ?? null, settle?.reason ?? null, entries.at(-1)?.at ?? null);
      break;
    }
    case 'count':
      out.push('count', effect.counter, effect.by);
      break;
    case 'put': {
      const json = JSON.stringify(effect.value);
      puts.set(effect, json);
      out.push('put', effect.collection, effect.key, json, effect.ifVersion ?? null);
      break;
    }
    case 'remove':
      out.push('remove', effect.collection, effect.key, effect.ifVersion ?? null);
      break;
    case 'write':
      out.push('write', effect.group, effect.stream, effect.at, effect.label ?? null, effect.lines.length);
      for (const line of effect.lines) out.push(line.at, line.text);
      break;
    case 'clear':
      out.push('clear', effect.queue, effect.sentBefore ?? null);
      break;
    case 'erase':
      out.push('erase', effect.group, effect.stream ?? null, effect.before ?? null);
      break;
    case 'measure': {
      const known = series.get(effect.series);
      if (known === undefined) series.set(effect.series, series.size);
      out.push('measure', known ?? effect.series, effect.at, effect.periodMs);
      // Most measures are single samples, and those say everything with their value.
      if (effect.count === 1) {
        out.push(1, effect.sum, effect.spread?.[0]?.[0] ?? null);
        break;
      }
      out.push(effect.count, effect.sum, effect.min, effect.max, effect.spread?.length ?? 0);
      for (const [value, count] of effect.spread ?? []) out.push(value, count);
      break;
    }
    default:
      effect satisfies never;
  }
}

function jsonOrNull(value: JsonObject | undefined): string | null {
  if (value === undefined) return null;
  for (const _ in value) return JSON.stringify(value);
  return null;
}

/** Reads cells in the order they were written. */
class Cursor {
  readonly #cells: readonly Cell[];
  #next = 0;
  #names: string[] = [];

  constructor(cells: readonly Cell[]) {
    this.#cells = cells;
  }

  get more(): boolean {
    return this.#next < this.#cells.length;
  }
  text(): string {
    return this.#cells[this.#next++] as string;
  }
  number(): number {
    return this.#cells[this.#next++] as number;
  }
  /** A name, or the number of one that came before. */
  name(): string {
    const cell = this.#cells[this.#next++] as string | number;
    if (typeof cell === 'number') return this.#names[cell] as string;
    this.#names.push(cell);
    return cell;
  }
  forgetNames(): void {
    this.#names = [];
  }
  textOrNull(): string | null {
    return this.#cells[this.#next++] as string | null;
  }
  numberOrNull(): number | null {
    return this.#cells[this.#next++] as number | null;
  }
}

export function decodeBatch(cells: readonly Cell[]): StoredWork[] {
  const cursor = new Cursor(cells);
  const batch: StoredWork[] = [];
  while (cursor.more) {
    const effects = cursor.number();
    if (effects === UNENCODABLE) {
      cursor.forgetNames();
      batch.push({ kind: 'invalid', message: cursor.text() });
      continue;
    }
    if (effects === RECEIVE) {
      batch.push({
        kind: 'receive',
        queue: cursor.text(),
        max: cursor.number(),
        now: cursor.number(),
        leaseMs: cursor.number(),
        holder: cursor.textOrNull(),
      });
      continue;
    }
    const unit: StoredEffect[] = [];
    for (let i = 0; i < effects; i++) unit.push(decodeEffect(cursor));
    batch.push({ kind: 'commit', unit });
  }
  return batch;
}

function decodeReceipt(c: Cursor): Receipt {
  return { queue: c.text(), seq: c.number(), id: c.text(), lease: c.number() };
}

function decodeEffect(c: Cursor): StoredEffect {
  const kind = c.text() as Effect['kind'];
  switch (kind) {
    case 'send': {
      const queue = c.text();
      const message = {
        id: c.text(),
        dueAt: c.number(),
        sentAt: c.number(),
        body: c.textOrNull(),
        subject: c.textOrNull() ?? undefined,
        attributes: c.textOrNull(),
        state: c.textOrNull(),
        group: c.textOrNull(),
        receiveCount: c.number(),
        firstReceivedAt: c.numberOrNull(),
      };
      const leaseMs = c.numberOrNull();
      const holder = c.textOrNull();
      const key = c.textOrNull();
      const until = c.numberOrNull();
      return {
        kind,
        queue,
        message,
        lease: leaseMs === null ? undefined : { leaseMs, holder: holder as string },
        dedup: key === null ? undefined : { key, until: until as number },
      };
    }
    case 'ack':
      return { kind, receipt: decodeReceipt(c), heldAt: c.numberOrNull() ?? undefined };
    case 'reschedule':
      return {
        kind,
        receipt: decodeReceipt(c),
        heldAt: c.numberOrNull() ?? undefined,
        dueAt: c.number(),
        state: c.textOrNull(),
        release: c.number() === 1,
      };
    case 'open':
      return {
        kind,
        subject: c.text(),
        topic: c.text(),
        at: c.number(),
        payload: c.text(),
        data: c.text(),
      };
    case 'append': {
      const subject = c.text();
      const entries = c.textOrNull();
      const status = c.textOrNull();
      const reason = c.textOrNull();
      const at = c.numberOrNull();
      return {
        kind,
        subject,
        entries,
        settle: status === null ? undefined : { status, reason, at },
      };
    }
    case 'count':
      return { kind, counter: c.text(), by: c.number() };
    case 'put':
      return {
        kind,
        collection: c.text(),
        key: c.text(),
        value: c.text(),
        ifVersion: c.numberOrNull() ?? undefined,
      };
    case 'remove':
      return { kind, collection: c.text(), key: c.text(), ifVersion: c.numberOrNull() ?? undefined };
    case 'write': {
      const head = { kind, group: c.text(), stream: c.text(), at: c.number(), label: c.textOrNull() };
      const lines: Line[] = [];
      for (let left = c.number(); left > 0; left--) lines.push({ at: c.number(), text: c.text() });
      return { ...head, lines };
    }
    case 'clear':
      return { kind, queue: c.text(), sentBefore: c.numberOrNull() ?? undefined };
    case 'erase':
      return {
        kind,
        group: c.text(),
        stream: c.textOrNull() ?? undefined,
        before: c.numberOrNull() ?? undefined,
      };
    case 'measure': {
      const head = { kind, series: c.name(), at: c.number(), periodMs: c.number() };
      const count = c.number();
      if (count === 1) {
        const value = c.number();
        const kept = c.numberOrNull();
        const spread: readonly [number, number][] = kept === null ? [] : [[kept, 1]];
        return { ...head, count, sum: value, min: value, max: value, spread };
      }
      const folded = { count, sum: c.number(), min: c.number(), max: c.number() };
      const spread: [number, number][] = [];
      for (let left = c.number(); left > 0; left--) spread.push([c.number(), c.number()]);
      return { ...head, ...folded, spread };
    }
  }
}

/**
 * What the units of a segment change, folded to one statement for each kind of change. Nothing is read here:
 * `planUnit` has been told by the facts that all of the unit can happen, and keeps them in step.
 */
import { nextChunk } from '../line-chunks.ts';
import { PointBatch } from '../point-batch.ts';
import { openedCounter, settledCounter } from '../store.ts';
import { groupLock, nameOf, type SegmentFacts } from './facts.ts';
import type { SeqNumbers } from './seq-numbers.ts';
import { toText } from './text.ts';
import type { CheckedUnit, Json } from './unit-check.ts';

export interface PlannedSent {
  readonly seq: number;
  /** Id of the message that was sent first. */
  readonly duplicateOf: string | undefined;
}
export interface PlannedUnit {
  readonly sent: PlannedSent[];
  readonly versions: number[];
}
interface Reschedule {
  dueAt: number;
  held: boolean;
  state: string | null;
}
interface StreamChange {
  readonly createdAt: number;
  firstAt: number | null;
  lastAt: number | null;
  ingestedAt: number | null;
  bytes: number;
}
export interface ResourceChange {
  readonly collection: string;
  readonly key: string;
  readonly version: number;
  /** Null: removed. */
  readonly value: string | null;
}

/** Counters and points of the whole transaction: written once, at its end. */
export class Totals {
  readonly counters = new Map<string, number>();
  readonly points = new PointBatch();
  /** Messages more or fewer, by queue. */
  readonly messages = new Map<string, number>();
  /** Earliest instant by queue. */
  readonly due = new Map<string, number>();

  count(counter: string, by: number): void {
    this.counters.set(counter, (this.counters.get(counter) ?? 0) + by);
  }
  moved(queue: string, by: number): void {
    this.messages.set(queue, (this.messages.get(queue) ?? 0) + by);
  }
  dueAt(queue: string, at: number): void {
    const known = this.due.get(queue);
    if (known === undefined || at < known) this.due.set(queue, at);
  }
}

export class Pending {
  /** Columns of `messages`. */
  readonly sends: unknown[][] = [];
  readonly bodies = new Map<number, string>();
  readonly deletes = new Set<number>();
  readonly deletedBodies: number[] = [];
  readonly reschedules = new Map<number, Reschedule>();
  /** Groups whose head may have gone or come. */
  readonly groups = new Map<string, readonly [queue: string, group: string]>();
  readonly dedup = new Map<string, unknown[]>();
  readonly subjects: unknown[][] = [];
  readonly entries = new Map<number, { fresh: boolean; lists: string[] }>();
  readonly settles = new Map<number, readonly [status: string, reason: string | null, at: number]>();
  readonly streams = new Map<string, StreamChange>();
  readonly chunks: unknown[][] = [];
  readonly resources = new Map<string, ResourceChange>();
  readonly queueNames = new Set<string>();
  readonly logGroups = new Set<string>();
}

/** Row numbers that planning the unit takes at most. */
export function numbersNeeded({ unit }: CheckedUnit): number {
  let count = 0;
  for (const effect of unit) {
    if (effect.kind === 'send' || effect.kind === 'open') count++;
    // A chunk ends after some lines, or where they lie far apart.
    else if (effect.kind === 'write') count += effect.lines.length;
  }
  return count;
}

export function planEffect(
  { unit, json }: CheckedUnit,
  index: number,
  facts: SegmentFacts,
  pending: Pending,
  totals: Totals,
  numbers: SeqNumbers,
  planned: PlannedUnit,
): void {
  const effect = unit[index] as CheckedUnit['unit'][number];
  const { first, second } = json[index] ?? (NOTHING as Json);
  switch (effect.kind) {
    case 'send': {
      const { queue, message, lease, dedup } = effect;
      if (dedup) {
        const name = nameOf(queue, dedup.key);
        const known = facts.dedup.get(name);
        if (known && known.until > message.sentAt) {
          planned.sent.push({ seq: known.seq, duplicateOf: known.id });
          return;
        }
      }
      const grouped = message.group !== undefined;
      const seq = grouped && facts.groupedNumbers ? facts.groupedNumbers.take() : numbers.take();
      if (dedup) {
        const name = nameOf(queue, dedup.key);
        facts.dedup.set(name, { until: dedup.until, seq, id: message.id });
        pending.dedup.set(name, [queue, dedup.key, dedup.until, seq, message.id]);
      }
      const dueAt = message.dueAt + (lease?.leaseMs ?? 0);
      const times = lease ? 1 : 0;
      const subject = message.subject === undefined ? undefined : facts.subjects.get(message.subject);
      pending.queueNames.add(queue);
      pending.sends.push([
        seq,
        queue,
        dueAt,
        grouped ? 0 : 1,
        times,
        times,
        (message.receiveCount ?? 0) + times,
        grouped ? groupLock(queue, message.group as string) : null,
        message.sentAt,
        message.firstReceivedAt ?? (lease ? message.sentAt : null),
        subject?.seq ?? null,
        message.group ?? null,
        lease?.holder ?? null,
        message.id,
        first,
        second,
      ]);
      if (!subject) pending.bodies.set(seq, toText(message.body ?? ''));
      totals.moved(queue, 1);
      if (message.group !== undefined)
        pending.groups.set(nameOf(queue, message.group), [queue, message.group]);
      else totals.dueAt(queue, dueAt);
      planned.sent.push({ seq, duplicateOf: undefined });
      return;
    }
    case 'ack': {
      const { receipt } = effect;
      const row = facts.messages.get(receipt.seq);
      // Gone already: a clear earlier in this unit took it.
      if (!row) return;
      facts.messages.delete(receipt.seq);
      pending.reschedules.delete(receipt.seq);
      pending.deletes.add(receipt.seq);
      if (row.subject === null) pending.deletedBodies.push(receipt.seq);
      totals.moved(receipt.queue, -1);
      if (row.group !== null)
        pending.groups.set(nameOf(receipt.queue, row.group), [receipt.queue, row.group]);
      return;
    }
    case 'reschedule': {
      const { receipt, dueAt, release } = effect;
      const row = facts.messages.get(receipt.seq);
      if (!row) return;
      row.held &&= !release;
      row.dueAt = dueAt;
      const before = pending.reschedules.get(receipt.seq);
      pending.reschedules.set(receipt.seq, { dueAt, held: row.held, state: second ?? before?.state ?? null });
      if (row.head) totals.dueAt(receipt.queue, dueAt);
      return;
    }
    case 'open': {
      const seq = numbers.take();
      facts.subjects.set(effect.subject, { seq, status: 'Pending', topic: effect.topic, fresh: true });
      pending.subjects.push([seq, effect.subject, effect.topic, effect.at, first]);
      pending.bodies.set(seq, toText(effect.payload));
      totals.count(openedCounter(effect.topic), 1);
      return;
    }
    case 'append': {
      const subject = facts.subjects.get(effect.subject);
      if (!subject) throw new Error('a subject was judged and is not known');
      if (first !== null) {
        const known = pending.entries.get(subject.seq);
        if (known) known.lists.push(first);
        else {
          pending.entries.set(subject.seq, { fresh: subject.fresh, lists: [first] });
          subject.fresh = false;
        }
      }
      const { settle } = effect;
      if (settle) {
        const at = effect.entries.at(-1)?.at as number;
        subject.status = settle.status;
        pending.settles.set(subject.seq, [settle.status, settle.reason ?? null, at]);
        totals.count(settledCounter(settle.status, subject.topic), 1);
      }
      return;
    }
    case 'count':
      totals.count(effect.counter, effect.by);
      return;
    case 'put':
    case 'remove':
      planResource(effect, first, facts, pending, planned);
      return;
    case 'write':
      planLines(effect, pending, numbers);
      return;
    case 'measure':
      totals.points.add(effect);
      return;
  }
}

const NOTHING: Json = { first: null, second: null };

function planResource(
  effect: { kind: 'put' | 'remove'; collection: string; key: string },
  value: string | null,
  facts: SegmentFacts,
  pending: Pending,
  planned: PlannedUnit,
): void {
  const { collection, key } = effect;
  const state = facts.resources;
  if (!state) throw new Error('resources were not read');
  const name = nameOf(collection, key);
  const before = facts.versions.get(name) ?? 0;
  if (effect.kind === 'remove') {
    if (before === 0) return;
    facts.versions.delete(name);
    state.versionFloor = Math.max(state.versionFloor, before);
    pending.resources.delete(name);
    pending.resources.set(name, { collection, key, version: before, value: null });
    return;
  }
  const version = (before || state.versionFloor) + 1;
  facts.versions.set(name, version);
  planned.versions.push(version);
  pending.resources.delete(name);
  pending.resources.set(name, { collection, key, version, value });
}

function planLines(
  effect: {
    readonly group: string;
    readonly stream: string;
    readonly at: number;
    readonly label?: string;
    readonly lines: readonly { readonly at: number; readonly text: string }[];
  },
  pending: Pending,
  numbers: SeqNumbers,
): void {
  const { group, stream, at, lines, label } = effect;
  pending.logGroups.add(group);
  const name = nameOf(group, stream);
  let change = pending.streams.get(name);
  if (!change) {
    change = { createdAt: at, firstAt: null, lastAt: null, ingestedAt: null, bytes: 0 };
    pending.streams.set(name, change);
  }
  for (let start = 0; start < lines.length; ) {
    const chunk = nextChunk(lines, start);
    change.firstAt = Math.min(change.firstAt ?? chunk.firstAt, chunk.firstAt);
    change.lastAt = Math.max(change.lastAt ?? chunk.lastAt, chunk.lastAt);
    change.ingestedAt = Math.max(change.ingestedAt ?? at, at);
    change.bytes += chunk.bytes;
    const text = JSON.stringify(chunk.lines);
    pending.chunks.push([
      numbers.take(),
      group,
      stream,
      chunk.firstAt,
      chunk.lastAt,
      at,
      label ?? null,
      chunk.bytes,
      text,
    ]);
    start = chunk.end;
  }
}

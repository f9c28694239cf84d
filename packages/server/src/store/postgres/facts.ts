/**
 * What a segment of units is judged by: the rows its effects name, read and locked in the transaction that will
 * change them, in one round trip. Locks are taken in one order by everybody: resources, groups, messages, subjects.
 */
import type { Facts } from '../conflicts.ts';
import type { Receipt, Unit } from '../store.ts';
import { statement } from './connection.ts';
import { GROUP_LOCKS } from './migrations.ts';
import { drawBlocks, GroupedNumbers, isGrouped } from './seq-numbers.ts';
import type { Row, Transaction } from './transaction.ts';
import type { CheckedUnit } from './unit-check.ts';

const LOCK_RESOURCES = statement(
  'SELECT revision, version_floor FROM resource_state WHERE id = 1 FOR UPDATE',
);
const RESOURCES = statement(
  `SELECT r.collection, r.key, r.version FROM resources r
   JOIN unnest($1::text[], $2::text[]) AS u (collection, key) ON r.collection = u.collection AND r.key = u.key
   WHERE r.value IS NOT NULL`,
);
const RESOURCES_SINCE = statement(
  'SELECT collection, key, version, value, revision FROM resources WHERE revision > $1 ORDER BY revision',
);
const LOCK_GROUPS = statement(
  `SELECT id FROM group_locks
   WHERE id = ANY($1::int[]) OR id IN (SELECT group_lock FROM messages WHERE seq = ANY($2::bigint[]))
   ORDER BY id FOR UPDATE`,
);
const LOCK_ALL_GROUPS = statement('SELECT id FROM group_locks ORDER BY id FOR UPDATE');
const MESSAGES = statement(
  `SELECT m.seq, q.name, m.id, m.lease, m.due_at, m.held, m.head, m.group_key, m.subject, m.sent_at
   FROM messages m JOIN queues q ON q.id = m.queue
   WHERE m.seq = ANY($1::bigint[]) ORDER BY m.seq FOR UPDATE OF m`,
);
const SUBJECTS = statement(
  'SELECT id, seq, status, topic FROM subjects WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE',
);
const DEDUP = statement(
  `SELECT q.name, d.key, d.until, d.seq, d.id FROM unnest($1::text[], $2::text[]) AS u (queue, key)
   JOIN queues q ON q.name = u.queue JOIN dedup d ON d.queue = q.id AND d.key = u.key`,
);

export interface MessageFact {
  readonly seq: number;
  readonly queue: string | null;
  readonly id: string;
  lease: number;
  dueAt: number;
  held: boolean;
  readonly head: boolean;
  readonly group: string | null;
  readonly subject: number | null;
  readonly sentAt: number;
}
export interface SubjectFact {
  /** Undefined: opened by this segment, under the number it was given. */
  readonly seq: number;
  status: string;
  readonly topic: string;
  /** Opened in this batch: it has no entries yet. */
  fresh: boolean;
}
export interface DedupFact {
  until: number;
  seq: number;
  id: string;
}
export interface ResourceState {
  revision: number;
  versionFloor: number;
}

/** Facts of one segment; units that are applied keep them in step. */
export class SegmentFacts implements Facts {
  readonly messages = new Map<number, MessageFact>();
  readonly subjects = new Map<string, SubjectFact>();
  readonly versions = new Map<string, number>();
  readonly dedup = new Map<string, DedupFact>();
  groupedNumbers: GroupedNumbers | undefined;
  resources: ResourceState | undefined;
  /** Changes by others that the view has not seen. */
  unseen: readonly Row[] = [];

  message(receipt: Receipt): MessageFact | undefined {
    const found = this.messages.get(receipt.seq);
    return found && found.id === receipt.id && found.queue === receipt.queue ? found : undefined;
  }
  status(subject: string): string | undefined {
    return this.subjects.get(subject)?.status;
  }
  version(collection: string, key: string): number {
    return this.versions.get(nameOf(collection, key)) ?? 0;
  }
}

export const nameOf = (first: string, second: string): string => `${first}\u0000${second}`;

/** What the effects of a segment name. */
interface Named {
  readonly receipts: Set<number>;
  readonly subjects: Set<string>;
  readonly resources: Map<string, readonly [collection: string, key: string]>;
  readonly groupLocks: Set<number>;
  readonly dedup: Map<string, readonly [queue: string, key: string]>;
  groupedSends: number;
  allGroups: boolean;
}

export interface FactOptions {
  /** Look up ids that are opened; else a duplicate breaks the transaction, and it is tried again with this set. */
  readonly checkOpens: boolean;
  /** Revision up to which resources have been seen. */
  readonly seenRevision: number;
}

export async function loadFacts(
  transaction: Transaction,
  units: readonly { readonly checked: CheckedUnit }[],
  { checkOpens, seenRevision }: FactOptions,
): Promise<SegmentFacts> {
  const named = collect(units, checkOpens);
  const facts = new SegmentFacts();
  const answers: Promise<void>[] = [];
  const ask = (rows: Promise<Row[]>, take: (rows: Row[]) => void) => {
    answers.push(rows.then(take));
  };
  if (named.resources.size > 0) {
    const pairs = [...named.resources.values()];
    ask(transaction.rows(LOCK_RESOURCES), ([state]) => {
      facts.resources = { revision: state?.[0] as number, versionFloor: state?.[1] as number };
    });
    ask(transaction.rows(RESOURCES, [pairs.map(([c]) => c), pairs.map(([, k]) => k)]), (rows) => {
      for (const [collection, key, version] of rows) {
        facts.versions.set(nameOf(collection as string, key as string), version as number);
      }
    });
    ask(transaction.rows(RESOURCES_SINCE, [seenRevision]), (rows) => {
      facts.unseen = rows;
    });
  }
  const grouped = [...named.receipts].filter(isGrouped);
  if (named.allGroups) transaction.run(LOCK_ALL_GROUPS);
  else if (named.groupLocks.size > 0 || grouped.length > 0) {
    transaction.run(LOCK_GROUPS, [[...named.groupLocks], grouped]);
  }
  if (named.groupedSends > 0) {
    ask(
      drawBlocks(transaction, GroupedNumbers.blocksFor(named.groupedSends)).then((b) => b.map((n) => [n])),
      (b) => {
        facts.groupedNumbers = new GroupedNumbers(b.map(([block]) => block as number));
      },
    );
  }
  if (named.dedup.size > 0) {
    const pairs = [...named.dedup.values()];
    ask(transaction.rows(DEDUP, [pairs.map(([q]) => q), pairs.map(([, k]) => k)]), (rows) => {
      for (const [queue, key, until, seq, id] of rows) {
        facts.dedup.set(nameOf(queue as string, key as string), {
          until: until as number,
          seq: seq as number,
          id: id as string,
        });
      }
    });
  }
  if (named.receipts.size > 0) {
    ask(transaction.rows(MESSAGES, [[...named.receipts]]), (rows) => {
      for (const row of rows) facts.messages.set(row[0] as number, toMessageFact(row));
    });
  }
  if (named.subjects.size > 0) {
    ask(transaction.rows(SUBJECTS, [[...named.subjects]]), (rows) => {
      for (const [id, seq, status, topic] of rows) {
        facts.subjects.set(id as string, {
          seq: seq as number,
          status: status as string,
          topic: topic as string,
          fresh: false,
        });
      }
    });
  }
  const settled = await Promise.allSettled(answers);
  for (const one of settled) if (one.status === 'rejected') throw one.reason;
  return facts;
}

function collect(units: readonly { readonly checked: CheckedUnit }[], checkOpens: boolean): Named {
  const named: Named = {
    receipts: new Set(),
    subjects: new Set(),
    resources: new Map(),
    groupLocks: new Set(),
    dedup: new Map(),
    groupedSends: 0,
    allGroups: false,
  };
  const opened = new Set<string>();
  for (const { checked } of units) collectUnit(named, opened, checked.unit, checkOpens);
  return named;
}

function collectUnit(named: Named, opened: Set<string>, unit: Unit, checkOpens: boolean): void {
  for (const effect of unit) {
    switch (effect.kind) {
      case 'send': {
        const { subject, group } = effect.message;
        if (subject !== undefined && !opened.has(subject)) named.subjects.add(subject);
        if (group !== undefined) {
          named.groupedSends++;
          named.groupLocks.add(groupLock(effect.queue, group));
        }
        if (effect.dedup) {
          const { key } = effect.dedup;
          named.dedup.set(nameOf(effect.queue, key), [effect.queue, key]);
          named.groupLocks.add(groupLock(effect.queue, key));
        }
        break;
      }
      case 'ack':
      case 'reschedule':
        if (Number.isSafeInteger(effect.receipt.seq)) named.receipts.add(effect.receipt.seq);
        break;
      case 'open':
        if (checkOpens) named.subjects.add(effect.subject);
        else opened.add(effect.subject);
        break;
      case 'append':
        if (!opened.has(effect.subject)) named.subjects.add(effect.subject);
        break;
      case 'put':
      case 'remove':
        named.resources.set(nameOf(effect.collection, effect.key), [effect.collection, effect.key]);
        break;
      case 'clear':
        if (effect.sentBefore !== undefined) named.allGroups = true;
        break;
    }
  }
}

/** The row that stands for a group or a deduplication key. */
export function groupLock(queue: string, key: string): number {
  let hash = 0x811c9dc5;
  for (const text of [queue, key]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ 0xff, 0x01000193);
  }
  return (hash >>> 0) % GROUP_LOCKS;
}

function toMessageFact(row: Row): MessageFact {
  return {
    seq: row[0] as number,
    queue: row[1] as string | null,
    id: row[2] as string,
    lease: row[3] as number,
    dueAt: row[4] as number,
    held: row[5] === 1,
    head: row[6] === 1,
    group: row[7] as string | null,
    subject: row[8] as number | null,
    sentAt: row[9] as number,
  };
}

/**
 * The durable primitive: one commit of effects, of which all happen or none.
 *
 * The store knows queues of messages, a journal of subjects, counters, resources and lines.
 * It knows nothing of AWS and takes no decisions: callers plan effects, the store applies them.
 * A resolved `commit` is on disk.
 */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };
export type JsonObject = { [key: string]: Json | undefined };

/** Proof of holding a message. It is current until the message is received again or settled. */
export interface Receipt {
  readonly queue: string;
  /** Position of the message in its store: grows with every message sent, also across restarts. */
  readonly seq: number;
  readonly id: string;
  /** Grows by one with every receive; a smaller one than the stored is stale. */
  readonly lease: number;
}

export interface NewMessage {
  /** Unique within the queue; chosen by the sender. */
  readonly id: string;
  /** Epoch ms from which the message can be received. */
  readonly dueAt: number;
  readonly sentAt: number;
  /** What consumers see. Absent when `subject` names the journal subject whose payload is the body. */
  readonly body?: string;
  readonly subject?: string;
  /** Public attributes, kept as they are. */
  readonly attributes?: JsonObject;
  /** Private state of the queue's owner. */
  readonly state?: JsonObject;
  /**
   * FIFO group. A message can be received when it and every earlier one (by `seq`) of its group are due:
   * what is in flight or delayed holds back the later ones. A receive hands out as many of one group, in
   * order, as `max` allows before it turns to the next group.
   */
  readonly group?: string;
  /** Carried when a message moves between queues. */
  readonly receiveCount?: number;
  readonly firstReceivedAt?: number;
}

export interface Message {
  readonly receipt: Receipt;
  readonly id: string;
  readonly queue: string;
  readonly body: string;
  readonly subject?: string;
  readonly attributes: JsonObject;
  readonly state: JsonObject;
  readonly group?: string;
  readonly sentAt: number;
  readonly dueAt: number;
  /** Times handed out, this one included. Not attempts. */
  readonly receiveCount: number;
  readonly firstReceivedAt?: number;
}

/** Puts a message into a queue. With `lease` it is born in flight, held by the sender. */
export interface Send {
  readonly kind: 'send';
  readonly queue: string;
  readonly message: NewMessage;
  /**
   * The message is hidden for `leaseMs` from `message.dueAt`; the receipt in the result holds it.
   * It counts as handed out once: its receive count is one more than the one carried.
   */
  readonly lease?: { readonly leaseMs: number; readonly holder: string };
  /**
   * Deduplication: when a send with the same key into the same queue is remembered at `message.sentAt`, this
   * one is skipped and the result names the first; else the key is remembered until `until` (epoch ms).
   */
  readonly dedup?: { readonly key: string; readonly until: number };
}
/** Removes a held message. Conflict when the receipt is stale or the message gone. */
export interface Ack {
  readonly kind: 'ack';
  readonly receipt: Receipt;
  /** Also a conflict when the message is no longer in flight at this instant, epoch ms (its hold has run out). */
  readonly heldAt?: number;
}
/** Makes a held message due at `dueAt`, optionally with new `state`. The receipt stays current until the next receive. */
export interface Reschedule {
  readonly kind: 'reschedule';
  readonly receipt: Receipt;
  readonly dueAt: number;
  readonly state?: JsonObject;
  /** true: the message is no longer in flight (retry, throttle). false: only its visibility changed. */
  readonly release: boolean;
  /** Also a conflict when the message is no longer in flight at this instant, epoch ms (its hold has run out). */
  readonly heldAt?: number;
}
/** Opens a journal subject, status `Pending`. Ids are time-ordered (see platform/ids.ts). */
export interface Open {
  readonly kind: 'open';
  readonly subject: string;
  readonly topic: string;
  readonly at: number;
  readonly payload: string;
  /** Facts about the subject that never change: who accepted it, from where. */
  readonly data: JsonObject;
}
/** One line in the journal of a subject. */
export interface Entry {
  readonly at: number;
  readonly kind: string;
  readonly data?: JsonObject;
}
/**
 * Appends lines to a subject. With `settle` the subject leaves `Pending`, at the time of the last entry
 * (so there must be one); conflict when it already has.
 */
export interface Append {
  readonly kind: 'append';
  readonly subject: string;
  readonly entries: readonly Entry[];
  readonly settle?: { readonly status: string; readonly reason?: string };
}
/** Adds to a named counter. */
export interface Count {
  readonly kind: 'count';
  readonly counter: string;
  readonly by: number;
}
/**
 * Writes a resource. `ifVersion` 0: must not exist; n: must be at version n; absent: whatever is there.
 * A resource that is removed and put again gets a version it never had.
 */
export interface Put {
  readonly kind: 'put';
  readonly collection: string;
  readonly key: string;
  readonly value: JsonObject;
  readonly ifVersion?: number;
}
export interface Remove {
  readonly kind: 'remove';
  readonly collection: string;
  readonly key: string;
  readonly ifVersion?: number;
}
export interface Line {
  readonly at: number;
  readonly text: string;
}
/** Appends lines to a stream (logs). Lines of one write stay together and in order. */
export interface Write {
  readonly kind: 'write';
  readonly group: string;
  readonly stream: string;
  /** When the lines arrived, epoch ms. */
  readonly at: number;
  readonly lines: readonly Line[];
  /** Optional label to find the lines by (a request id). */
  readonly label?: string;
}
/** Removes every message of a queue (purge, delete), and without `sentBefore` what deduplication remembers. */
export interface Clear {
  readonly kind: 'clear';
  readonly queue: string;
  /** Only messages sent before this instant, epoch ms. */
  readonly sentBefore?: number;
}
/** Removes the lines of a group, or of one stream of it, or those before an instant. */
export interface Erase {
  readonly kind: 'erase';
  readonly group: string;
  readonly stream?: string;
  readonly before?: number;
}

/**
 * Adds samples to a series. Samples of one series, `periodMs` and period become one point; a series begins with
 * its first sample.
 */
export interface Measure {
  readonly kind: 'measure';
  readonly series: string;
  /** Epoch ms; the point starts at the multiple of `periodMs` at or before it. */
  readonly at: number;
  readonly periodMs: number;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** How often which value came, for percentiles; absent where nobody asks for them. */
  readonly spread?: readonly (readonly [value: number, count: number])[];
}

export type Effect =
  | Send
  | Ack
  | Reschedule
  | Open
  | Append
  | Count
  | Put
  | Remove
  | Write
  | Clear
  | Erase
  | Measure;
/** What happens together or not at all. */
export type Unit = readonly Effect[];

export interface Sent {
  /** Current receipt when sent with a lease; else it only says where the message stands. */
  readonly receipt: Receipt;
  /** true: skipped as a duplicate; the receipt names the message that was sent first. */
  readonly duplicate: boolean;
}

export type Committed = {
  readonly kind: 'committed';
  /** One for each `send`, in order. */
  readonly sent: readonly Sent[];
  /** One for each `put`, in order: the version it now has. */
  readonly versions: readonly number[];
};
/** Nothing of the unit happened: what it relied on was no longer so. */
export type Conflict = {
  readonly kind: 'conflict';
  readonly reason: /** The message has been received again since, or its hold has run out. */
    | 'StaleReceipt'
    /** The message of the receipt is not there any more. */
    | 'UnknownMessage'
    | 'VersionMismatch'
    | 'AlreadySettled'
    | 'DuplicateSubject'
    /** A message or an entry names a subject that was never opened, or has been pruned. */
    | 'UnknownSubject';
  /** Index of the effect that met the conflict. */
  readonly effect: number;
};
export type CommitResult = Committed | Conflict;

export interface ReceiveRequest {
  readonly queue: string;
  readonly max: number;
  readonly now: number;
  /** How long the messages stay hidden, ms. */
  readonly leaseMs: number;
  /**
   * Who holds them. Messages held by a holder come back when a store opens and finds the holder gone
   * (`releaseHolders`). Absent for consumers outside, whose lease runs out by time alone.
   */
  readonly holder?: string;
}

/** Approximate on a busy queue, exact on a quiet one. */
export interface QueueDepth {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
  /** `sentAt` of the oldest message, epoch ms. */
  readonly oldestSentAt?: number;
}

export interface BrowseOptions {
  readonly limit: number;
  readonly after?: { readonly sentAt: number; readonly seq: number };
  /** false: `body` is empty in what is returned. For those who count messages by what stands beside them. */
  readonly bodies?: boolean;
}

export interface Resource<T = JsonObject> {
  readonly key: string;
  readonly version: number;
  readonly value: T;
}

/** All resources, held in memory, in step with what is committed. Reads are synchronous. */
export interface Resources {
  get<T = JsonObject>(collection: string, key: string): Resource<T> | undefined;
  /** Sorted by key; with `prefix`, only the keys that start with it. */
  list<T = JsonObject>(collection: string, prefix?: string): Resource<T>[];
  /** Called after each committed change; returns the way to stop. */
  onChange(listener: (collection: string, key: string) => void): () => void;
}

export interface Subject {
  readonly subject: string;
  readonly topic: string;
  readonly acceptedAt: number;
  /** `Pending` until settled. */
  readonly status: string;
  readonly reason?: string;
  readonly settledAt?: number;
  readonly payload: string;
  readonly data: JsonObject;
}
export interface SubjectFilter {
  readonly topic?: string;
  readonly status?: string;
  /** Epoch ms, inclusive / exclusive. */
  readonly from?: number;
  readonly to?: number;
  /** Only subjects older than this one: the next page, newest first. */
  readonly before?: string;
  readonly limit: number;
}

/** A filter that needs more of a subject than an index holds: each one in question is read. */
export interface SubjectSearch extends SubjectFilter {
  readonly reason?: string;
  /** The payload contains it; ASCII letters match in either case. */
  readonly payloadText?: string;
  /** One of the entries' kinds or data contains it; ASCII letters match in either case. */
  readonly entryText?: string;
  /** How many subjects are read at most, so that a rare text never holds up other readers. */
  readonly scan: number;
}
export interface SubjectPage {
  readonly subjects: readonly Subject[];
  /** `before` of the next page; absent when everything has been looked at. */
  readonly next?: string;
}

export interface StoredLine extends Line {
  /** Unique within the group and growing with arrival. */
  readonly id: string;
  readonly stream: string;
  readonly ingestedAt: number;
}
export interface LineQuery {
  readonly group: string;
  readonly streams?: readonly string[];
  readonly label?: string;
  /** Epoch ms of the line, inclusive / exclusive. */
  readonly from?: number;
  readonly to?: number;
  readonly order: 'ascending' | 'descending';
  /** Only lines beyond this one in `order`. */
  readonly after?: { readonly at: number; readonly id: string };
  readonly limit: number;
}
export interface StreamSummary {
  readonly stream: string;
  readonly createdAt: number;
  readonly firstAt?: number;
  readonly lastAt?: number;
  readonly lastIngestedAt?: number;
  readonly bytes: number;
}

export interface AuditReport {
  readonly accepted: number;
  readonly pending: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Subjects that are `Pending` but have no message, with a few examples. */
  readonly lost: { readonly count: number; readonly examples: readonly string[] };
  /** Counters that differ from a recount of the journal. */
  readonly drift: readonly { readonly counter: string; readonly stored: number; readonly counted: number }[];
}

export interface Books {
  readonly counters: Readonly<Record<string, number>>;
  readonly messages: number;
}

export interface PointQuery {
  /** Their points are added up. */
  readonly series: readonly string[];
  /** Points of this period and of shorter ones are folded to it. */
  readonly periodMs: number;
  /** Epoch ms of the points' starts, inclusive / exclusive. */
  readonly from: number;
  readonly to: number;
  readonly spread?: boolean;
}
/** All samples of one period. */
export interface Point {
  /** Start of the period, epoch ms. */
  readonly at: number;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** Sorted by value; empty unless asked for. */
  readonly spread: readonly (readonly [value: number, count: number])[];
}
export interface SeriesSummary {
  readonly series: string;
  /** Start of its newest point, epoch ms. */
  readonly lastAt: number;
}
/** Points older than `keepMs` are folded into points of `intoMs`, or forgotten where there is no `intoMs`. */
export interface RollUpRule {
  readonly periodMs: number;
  readonly keepMs: number;
  readonly intoMs?: number;
}

export interface QueueChange {
  readonly queue: string;
  /**
   * Earliest instant at which something becomes receivable through this change, epoch ms: a message sent or
   * rescheduled, the end of a lease. Settling or rescheduling a message of a FIFO group counts: what it held
   * back may now be received.
   */
  readonly dueAt: number;
}

export interface Store {
  /**
   * Applies a unit durably; it must not be changed meanwhile. Rejects with StoreUnavailable when it cannot (full disk, failing
   * fsync), with InvalidUnit when nobody could: then nothing happened.
   */
  commit(unit: Unit): Promise<CommitResult>;
  /** Hands out due messages, oldest first, and hides them. Durable before it resolves. */
  receive(request: ReceiveRequest): Promise<Message[]>;
  readonly resources: Resources;

  readDepth(queue: string, now: number): Promise<QueueDepth>;
  /** Messages without receiving them, by `sentAt`, then `seq`; `after` names the last one of the page before. */
  browse(queue: string, options: BrowseOptions): Promise<Message[]>;
  /** For each queue whose name starts with `prefix`: when its next message is due, epoch ms. */
  readNextDue(prefix: string): Promise<QueueChange[]>;
  /** Makes due now what holders other than `alive` hold; returns how many. */
  releaseHolders(alive: readonly string[], now: number): Promise<number>;

  readSubject(subject: string): Promise<{ subject: Subject; entries: Entry[] } | undefined>;
  listSubjects(filter: SubjectFilter): Promise<Subject[]>;
  searchSubjects(search: SubjectSearch): Promise<SubjectPage>;
  readCounters(prefix: string): Promise<Record<string, number>>;
  /**
   * The ledger's counters and the number of messages in all queues whose name starts with `queuePrefix`, both as
   * of the same instant. Cheap: nothing is recounted.
   */
  readBooks(queuePrefix: string): Promise<Books>;
  /** Recounts everything from the stored rows. */
  audit(): Promise<AuditReport>;
  /**
   * Forgets settled subjects accepted before the instant, except those whose payload a message still needs;
   * returns how many. The ledger counters keep them.
   */
  prune(before: number, limit: number): Promise<number>;

  readLines(query: LineQuery): Promise<StoredLine[]>;
  listStreams(group: string, prefix?: string): Promise<StreamSummary[]>;

  /** In order of time; periods without samples are left out. */
  readPoints(query: PointQuery): Promise<Point[]>;
  /** Series that have points, by name. */
  listSeries(prefix: string): Promise<SeriesSummary[]>;
  /** Applies the rules as of an instant (epoch ms); returns how many points went. */
  rollUp(rules: readonly RollUpRule[], now: number): Promise<number>;

  /** Called after each commit with the queues that got something to receive; returns the way to stop. */
  onQueueChange(listener: (changes: readonly QueueChange[]) => void): () => void;
  close(): Promise<void>;
}

/**
 * Counters the store itself keeps, in the commit that opens or settles a subject. They outlive pruning, so
 * opened = settled + pending holds for ever; `audit` compares them with a recount.
 */
export const LEDGER_PREFIX = 'ledger/';
export const openedCounter = (topic: string): string => `${LEDGER_PREFIX}opened/${topic}`;
export const settledCounter = (status: string, topic: string): string =>
  `${LEDGER_PREFIX}settled/${status}/${topic}`;
/** Of the settled ones, those whose rows have been pruned. */
export const prunedCounter = (status: string, topic: string): string =>
  `${LEDGER_PREFIX}pruned/${status}/${topic}`;

/**
 * The store could not make the unit durable; nothing of it happened. (One exception: when the disk fails while
 * the commit is being flushed and the process dies before the disk recovers, it may come back at the next open.)
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}
/** The unit itself is at fault: it holds a value no database could take. Nothing of it happened. */
export class InvalidUnit extends Error {
  override readonly name = 'InvalidUnit';
}
/** Another process has the store open. */
export class StoreInUse extends Error {
  override readonly name = 'StoreInUse';
}
/** The stored data was written by a newer program. */
export class StoreTooNew extends Error {
  override readonly name = 'StoreTooNew';
}

/**
 * The store on PostgreSQL: one of any number of nodes on the same database. Work goes to one writing connection in
 * batches, looking goes to a small pool, a third connection hears what other nodes say. Resources are held here, in
 * step with what is committed: at once on the node that wrote, milliseconds later on the others.
 */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Activity } from '../../platform/activity.ts';
import { GroupCommit, type Work, type WorkResult } from '../group-commit.ts';
import { Listeners } from '../listeners.ts';
import { ResourceView } from '../resource-view.ts';
import type {
  AuditReport,
  Books,
  BrowseOptions,
  CommitResult,
  Entry,
  LineQuery,
  Message,
  Point,
  PointQuery,
  QueueChange,
  QueueDepth,
  ReceiveRequest,
  RollUpRule,
  SeriesSummary,
  Store,
  StoredLine,
  StreamSummary,
  Subject,
  SubjectFilter,
  SubjectPage,
  SubjectSearch,
  Unit,
} from '../store.ts';
import { StoreUnavailable } from '../store.ts';
import { clientConfig, troubleOf } from './connection.ts';
import * as journal from './journal-reads.ts';
import * as lines from './line-reads.ts';
import { beat, forgetNodes, HEARTBEAT_MS, leave, releaseHeld } from './membership.ts';
import * as queues from './message-reads.ts';
import { migrate } from './migrations.ts';
import { Notifications, type Word } from './notifications.ts';
import * as points from './point-reads.ts';
import { shareOf, TRUST_MS } from './slot-share.ts';
import { sweepStep } from './sweep.ts';
import type { Row } from './transaction.ts';
import { type BatchOutcome, Writer } from './writer.ts';

export interface PostgresStoreOptions {
  /** `postgres://…`; with `?options=-csearch_path%3Dname` everything lives in that schema. */
  readonly url: string;
  /** Told of everything under way, so that a virtual clock waits for it. */
  readonly activity?: Activity;
  /** Unique among the nodes that live; one is made when absent. */
  readonly nodeId?: string;
  /** What goes wrong beside the calls: heartbeats, looking for work, sweeping. */
  readonly onError?: (error: unknown) => void;
}

export interface ClusterView {
  readonly node: string;
  /** Other nodes that live. */
  readonly others: readonly string[];
  /** How far this machine's clock is behind the database's, ms. */
  readonly clockOffsetMs: number;
  /** Ms since the database last heard of this node. */
  silentMs(): number;
  /** Slots of a pool of so many that this node may use now. */
  share(pool: string, total: number): number;
}

export interface PostgresStore extends Store {
  readonly cluster: ClusterView;
  /** Called after each heartbeat; returns the way to stop. */
  onBeat(listener: () => void): () => void;
  /** For what stands beside the queues on the same database: code, leases, slots. */
  readonly pool: pg.Pool;
}

const POOL_SIZE = 5;
const PRUNE_STEP = 500;
/** Counters and points have so many rows each at most. */
const SHARDS = 16;
/** Changes due later than this are found by looking before they are due. */
const NOTIFY_WITHIN_MS = 5_000;
/** Looking for queues that are due, however quiet the others are. */
const LOOK_MS = 2_000;
/** Clearing away what nothing finds any more, when there is anything. */
const SWEEP_MS = 5_000;
/** Looking for what is held by nodes that nobody remembers. */
const ORPHANS_MS = 30_000;

/** @throws StoreTooNew, StoreUnavailable */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const store = new PostgresStoreImpl(options);
  await store.open();
  return store;
}

class PostgresStoreImpl implements PostgresStore {
  readonly resources = new ResourceView();
  readonly pool: pg.Pool;
  readonly #url: string;
  readonly #node: string;
  readonly #shard: number;
  readonly #activity: Activity | undefined;
  readonly #onError: (error: unknown) => void;
  readonly #group: GroupCommit;
  readonly #writer: Writer;
  readonly #notifications: Notifications;
  readonly #listeners = new Listeners<[changes: readonly QueueChange[]]>();
  readonly #beats = new Listeners<[]>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #chores = new Set<Promise<void>>();
  #seenRevision = 0;
  #others: readonly string[] = [];
  #clockOffsetMs = 0;
  #lastBeat = Number.NEGATIVE_INFINITY;
  /** When this node joined, or came back to, others that were there. */
  #joinedAt: number | undefined;
  #closed: Promise<void> | undefined;
  #pulling: Promise<void> | undefined;

  constructor({ url, activity, nodeId, onError }: PostgresStoreOptions) {
    this.#url = url;
    this.#node = nodeId ?? randomUUID();
    this.#shard = [...this.#node].reduce((hash, c) => (hash * 31 + c.charCodeAt(0)) >>> 0, 7) % SHARDS;
    this.#activity = activity;
    this.#onError = onError ?? (() => undefined);
    this.pool = new pg.Pool({ ...clientConfig(url, 'reader'), max: POOL_SIZE, allowExitOnIdle: true });
    // A connection that breaks while nobody uses it: the next query gets a new one.
    this.pool.on('error', () => undefined);
    this.#writer = new Writer({
      url,
      node: this.#node,
      shard: this.#shard,
      seenRevision: () => this.#seenRevision,
    });
    this.#group = new GroupCommit({ execute: (batch) => this.#execute(batch), maxInFlight: 1, activity });
    this.#notifications = new Notifications({
      url,
      node: this.#node,
      pool: this.pool,
      hear: (word) => this.#hear(word),
      onListening: () => this.#chore(() => this.#lookAround()),
    });
  }

  get cluster(): ClusterView {
    return {
      node: this.#node,
      others: this.#others,
      clockOffsetMs: this.#clockOffsetMs,
      silentMs: () => performance.now() - this.#lastBeat,
      share: (pool, total) =>
        shareOf(pool, total, {
          node: this.#node,
          others: this.#others,
          joinedMs: this.#joinedAt === undefined ? undefined : performance.now() - this.#joinedAt,
          silentMs: performance.now() - this.#lastBeat,
        }),
    };
  }

  async open(): Promise<void> {
    const client = new pg.Client(clientConfig(this.#url, 'reader'));
    client.on('error', () => undefined);
    try {
      await client.connect();
      await migrate(client);
    } catch (error) {
      await this.pool.end();
      throw troubleOf(error) === 'unavailable' && (error as Error).name !== 'StoreTooNew'
        ? new StoreUnavailable(`The database cannot be opened: ${(error as Error).message}`, { cause: error })
        : error;
    } finally {
      await client.end().catch(() => undefined);
    }
    await this.#beat();
    await this.#pullResources();
    await this.#notifications.listen();
    this.#every(HEARTBEAT_MS, () => this.#beat());
    this.#every(LOOK_MS, () => this.#lookForDue());
    this.#every(SWEEP_MS, () => this.#sweep());
    this.#every(ORPHANS_MS, () => this.#releaseOrphans());
  }

  commit(unit: Unit): Promise<CommitResult> {
    return this.#group.commit(named(unit, this.#node));
  }

  receive(request: ReceiveRequest): Promise<Message[]> {
    const { holder } = request;
    return this.#group.receive(
      holder === undefined ? request : { ...request, holder: `${this.#node}/${holder}` },
    );
  }

  async releaseHolders(alive: readonly string[], now: number): Promise<number> {
    return this.#read(async (pool) => {
      const released = await releaseHeld(pool, this.#others, alive, now);
      this.#announce(released);
      return released.length;
    });
  }

  readDepth(queue: string, now: number): Promise<QueueDepth> {
    return this.#read((pool) => queues.readDepth(pool, queue, now));
  }
  readBooks(queuePrefix: string): Promise<Books> {
    return this.#read((pool) => queues.readBooks(pool, queuePrefix));
  }
  browse(queue: string, options: BrowseOptions): Promise<Message[]> {
    return this.#read((pool) => queues.browse(pool, queue, options));
  }
  readNextDue(prefix: string): Promise<QueueChange[]> {
    return this.#read((pool) => queues.readNextDue(pool, prefix));
  }
  readSubject(subject: string): Promise<{ subject: Subject; entries: Entry[] } | undefined> {
    return this.#read((pool) => journal.readSubject(pool, subject));
  }
  listSubjects(filter: SubjectFilter): Promise<Subject[]> {
    return this.#read((pool) => journal.listSubjects(pool, filter));
  }
  searchSubjects(search: SubjectSearch): Promise<SubjectPage> {
    return this.#read((pool) => journal.searchSubjects(pool, search));
  }
  readCounters(prefix: string): Promise<Record<string, number>> {
    return this.#read((pool) => journal.readCounters(pool, prefix));
  }
  audit(): Promise<AuditReport> {
    return this.#read((pool) => journal.audit(pool));
  }
  prune(before: number, limit: number): Promise<number> {
    return this.#read(async (pool) => {
      for (let total = 0; ; ) {
        const step = Math.min(PRUNE_STEP, limit - total);
        const pruned = await journal.pruneStep(pool, before, step, this.#shard);
        total += pruned;
        if (pruned < step || total >= limit) return total;
      }
    });
  }
  readLines(query: LineQuery): Promise<StoredLine[]> {
    return this.#read((pool) => lines.readLines(pool, query));
  }
  listStreams(group: string, prefix?: string): Promise<StreamSummary[]> {
    return this.#read((pool) => lines.listStreams(pool, group, prefix));
  }
  readPoints(query: PointQuery): Promise<Point[]> {
    return this.#read((pool) => points.readPoints(pool, query));
  }
  listSeries(prefix: string): Promise<SeriesSummary[]> {
    return this.#read((pool) => points.listSeries(pool, prefix));
  }
  rollUp(rules: readonly RollUpRule[], now: number): Promise<number> {
    return this.#read((pool) => points.rollUp(pool, rules, now));
  }

  onQueueChange(listener: (changes: readonly QueueChange[]) => void): () => void {
    return this.#listeners.add(listener);
  }
  onBeat(listener: () => void): () => void {
    return this.#beats.add(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#group.close();
    await Promise.all(this.#chores);
    await this.#notifications.close();
    await this.#writer.close();
    // When the database is away the others notice by the silence.
    await leave(this.pool, this.#node).catch(() => undefined);
    await this.pool.end();
  }

  async #execute(batch: readonly Work[]): Promise<readonly WorkResult[]> {
    const outcome = await this.#writer.execute(batch);
    this.#applyResources(batch, outcome);
    this.#tellDue(outcome.due, outcome.revision);
    return outcome.results;
  }

  /** What others changed before, then what this batch changed, in order. */
  #applyResources(batch: readonly Work[], { results, unseen, revision }: BatchOutcome): void {
    if (revision === undefined) return;
    this.#takeOver(unseen);
    for (let i = 0; i < batch.length; i++) {
      const work = batch[i] as Work;
      const result = results[i] as CommitResult | Error;
      if (work.kind !== 'commit' || result instanceof Error || result.kind !== 'committed') continue;
      let put = 0;
      for (const effect of work.unit) {
        if (effect.kind === 'put') {
          const version = result.versions[put++] as number;
          this.resources.put(effect.collection, effect.key, version, JSON.stringify(effect.value));
        } else if (effect.kind === 'remove') this.resources.remove(effect.collection, effect.key);
      }
    }
    this.#seenRevision = Math.max(this.#seenRevision, revision);
  }

  /** Rows of changed resources by revision; those the view has are passed over. */
  #takeOver(rows: readonly Row[]): void {
    for (const [collection, key, version, value, revision] of rows as [
      string,
      string,
      number,
      string | null,
      number,
    ][]) {
      if (revision <= this.#seenRevision) continue;
      if (value === null) this.resources.remove(collection, key);
      else this.resources.put(collection, key, version, value);
      this.#seenRevision = revision;
    }
  }

  /** One at a time, and once more when asked meanwhile: the answer may have been on its way already. */
  async #pullResources(): Promise<void> {
    await this.#pulling;
    const pull = async () => {
      const rows = await queues.rowsOf(
        this.pool,
        'SELECT collection, key, version, value, revision FROM resources WHERE revision > $1 ORDER BY revision',
        [this.#seenRevision],
      );
      this.#takeOver(rows);
    };
    this.#pulling = pull().finally(() => {
      this.#pulling = undefined;
    });
    await this.#pulling;
  }

  #tellDue(due: ReadonlyMap<string, number>, revision?: number): void {
    if (due.size > 0) this.#listeners.notify([...due].map(([queue, dueAt]) => ({ queue, dueAt })));
    if (this.#others.length === 0) return;
    const soon = Date.now() + this.#clockOffsetMs + NOTIFY_WITHIN_MS;
    const worth = new Map([...due].filter(([, at]) => at <= soon));
    if (worth.size > 0 || revision !== undefined) this.#notifications.tell(worth, revision);
  }

  #hear({ due, revision }: Word): void {
    if (due.length > 0) this.#listeners.notify(due.map(([queue, dueAt]) => ({ queue, dueAt })));
    if (revision !== undefined && revision > this.#seenRevision) this.#chore(() => this.#pullResources());
  }

  async #beat(): Promise<void> {
    const before = Date.now();
    const { databaseNow, revision, others, dead } = await beat(this.pool, this.#node);
    const after = Date.now();
    // Others may have counted this node out meanwhile: it has to be seen again before it takes its share.
    const away = performance.now() - this.#lastBeat > TRUST_MS;
    if (away) this.#joinedAt = others.length > 0 ? performance.now() : undefined;
    this.#lastBeat = performance.now() - (after - before);
    this.#clockOffsetMs = databaseNow - Math.round((before + after) / 2);
    const first = this.#others.length === 0 && others.length > 0;
    this.#others = others;
    this.#beats.notify();
    if (revision > this.#seenRevision) await this.#pullResources();
    if (first) await this.#lookForDue();
    if (dead.length === 0) return;
    const released = await releaseHeld(this.pool, [this.#node, ...others], null, databaseNow);
    this.#announce(released);
    await forgetNodes(this.pool, dead, databaseNow);
  }

  async #releaseOrphans(): Promise<void> {
    const now = Date.now() + this.#clockOffsetMs;
    this.#announce(await releaseHeld(this.pool, [this.#node, ...this.#others], null, now));
  }

  #announce(released: readonly { queue: string | null; dueAt: number; head: boolean }[]): void {
    const due = new Map<string, number>();
    for (const { queue, dueAt, head } of released) {
      if (queue !== null && head) due.set(queue, Math.min(dueAt, due.get(queue) ?? dueAt));
    }
    this.#tellDue(due);
  }

  /** The safety net under NOTIFY: only where there are others whose words could be lost. */
  async #lookForDue(): Promise<void> {
    if (this.#others.length === 0 || this.#listeners.empty) return;
    const until = Date.now() + this.#clockOffsetMs + NOTIFY_WITHIN_MS;
    const due = (await queues.readNextDue(this.pool, '')).filter(({ dueAt }) => dueAt <= until);
    if (due.length > 0) this.#listeners.notify(due);
  }

  async #lookAround(): Promise<void> {
    await this.#pullResources();
    await this.#lookForDue();
  }

  async #sweep(): Promise<void> {
    const now = Date.now() + this.#clockOffsetMs;
    while (!this.#closed && (await sweepStep(this.pool, now)));
  }

  async #read<T>(run: (pool: pg.Pool) => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreUnavailable('The store is closed.');
    const end = this.#activity?.begin();
    try {
      return await run(this.pool);
    } catch (cause) {
      if (troubleOf(cause) === 'invalid') throw cause;
      throw new StoreUnavailable(`The database could not be read: ${(cause as Error).message}`, { cause });
    } finally {
      end?.();
    }
  }

  /** Never twice at a time, and never after closing. */
  #every(periodMs: number, run: () => Promise<void>): void {
    let busy = false;
    const timer = setInterval(() => {
      if (busy || this.#closed) return;
      busy = true;
      this.#chore(() =>
        run().finally(() => {
          busy = false;
        }),
      );
    }, periodMs);
    this.#timers.push(timer.unref());
  }

  #chore(run: () => Promise<void>): void {
    if (this.#closed) return;
    const chore = run()
      .catch((error) => this.#onError(error))
      .finally(() => this.#chores.delete(chore));
    this.#chores.add(chore);
  }
}

/** Holders are known in the database under their node, so that the others can tell whose they are. */
function named(unit: Unit, node: string): Unit {
  if (!unit.some((effect) => effect.kind === 'send' && effect.lease)) return unit;
  return unit.map((effect) =>
    effect.kind === 'send' && effect.lease
      ? { ...effect, lease: { ...effect.lease, holder: `${node}/${effect.lease.holder}` } }
      : effect,
  );
}

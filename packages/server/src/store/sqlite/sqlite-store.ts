/**
 * The store on SQLite, as the main thread sees it: work goes to a writing thread in batches, looking goes to a
 * reading thread. Resources are held here, in step with what is committed.
 */
import type { Activity } from '../../platform/activity.ts';
import { GroupCommit, type Work, type WorkResult } from '../group-commit.ts';
import { Listeners } from '../listeners.ts';
import { ResourceView } from '../resource-view.ts';
import type {
  AuditReport,
  Books,
  BrowseOptions,
  CommitResult,
  Effect,
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
import { DatabaseThread } from './database-thread.ts';
import type { DiskFault } from './disk-fault.ts';
import type { ResourceCells } from './resource-table.ts';
import { decodeResults } from './result-codec.ts';
import type { Cell } from './stored.ts';
import { encodeBatch } from './work-codec.ts';

export interface SqliteStoreOptions {
  /** The database file; its folder is made when missing. One process at a time. */
  readonly path: string;
  /** Told of everything under way, so that a virtual clock waits for it. */
  readonly activity?: Activity;
}

export interface SqliteStore extends Store {
  /** Makes the disk fail from now on, or (undefined) work again. For tests and drills. */
  injectDiskFault(fault: DiskFault | undefined): Promise<void>;
  /** SQLite's settings as the writing connection has them. */
  readPragmas(): Promise<Record<string, number | string>>;
}

/** Enough that the writer finds the next batch waiting when it has finished one. */
const BATCHES_IN_FLIGHT = 3;
const PRUNE_STEP = 500;
/** Characters of units after which the log is copied into the database beside the commits. */
const CHECKPOINT_CHARACTERS = 2 * 1024 * 1024;
/** What a unit writes beside its large texts, about. */
const UNIT_CHARACTERS = 1000;

/** @throws StoreInUse, StoreTooNew */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const store = new SqliteStoreImpl(options);
  await store.open();
  return store;
}

class SqliteStoreImpl implements SqliteStore {
  readonly resources = new ResourceView();
  readonly #path: string;
  readonly #activity: Activity | undefined;
  readonly #group: GroupCommit;
  readonly #listeners = new Listeners<[changes: readonly QueueChange[]]>();
  #writer: Promise<DatabaseThread> | undefined;
  #liveWriter: DatabaseThread | undefined;
  #reader: Promise<DatabaseThread> | undefined;
  #closed: Promise<void> | undefined;
  #uncopied = 0;
  #copying = false;

  constructor({ path, activity }: SqliteStoreOptions) {
    this.#path = path;
    this.#activity = activity;
    this.#group = new GroupCommit({
      execute: (batch) => this.#execute(batch),
      maxInFlight: BATCHES_IN_FLIGHT,
      activity,
    });
  }

  async open(): Promise<void> {
    await this.#startWriter();
  }

  commit(unit: Unit): Promise<CommitResult> {
    return this.#group.commit(unit);
  }

  receive(request: ReceiveRequest): Promise<Message[]> {
    return this.#group.receive(request);
  }

  readDepth(queue: string, now: number): Promise<QueueDepth> {
    return this.#write('readDepth', queue, now);
  }
  readBooks(queuePrefix: string): Promise<Books> {
    return this.#write('readBooks', queuePrefix);
  }
  releaseHolders(alive: readonly string[], now: number): Promise<number> {
    return this.#write('releaseHolders', alive, now);
  }
  async prune(before: number, limit: number): Promise<number> {
    let total = 0;
    for (;;) {
      const step = await this.#write<{ pruned: number; done: boolean }>(
        'pruneStep',
        before,
        Math.min(PRUNE_STEP, limit - total),
      );
      total += step.pruned;
      if (step.done || total >= limit) return total;
    }
  }
  injectDiskFault(fault: DiskFault | undefined): Promise<void> {
    return this.#write('inject', fault);
  }
  readPragmas(): Promise<Record<string, number | string>> {
    return this.#write('pragmas');
  }

  browse(queue: string, options: BrowseOptions): Promise<Message[]> {
    return this.#read('browse', queue, options);
  }
  readNextDue(prefix: string): Promise<QueueChange[]> {
    return this.#read('readNextDue', prefix);
  }
  readSubject(subject: string): Promise<{ subject: Subject; entries: Entry[] } | undefined> {
    return this.#read('readSubject', subject);
  }
  listSubjects(filter: SubjectFilter): Promise<Subject[]> {
    return this.#read('listSubjects', filter);
  }
  searchSubjects(search: SubjectSearch): Promise<SubjectPage> {
    return this.#read('searchSubjects', search);
  }
  readCounters(prefix: string): Promise<Record<string, number>> {
    return this.#read('readCounters', prefix);
  }
  audit(): Promise<AuditReport> {
    return this.#read('audit');
  }
  readLines(query: LineQuery): Promise<StoredLine[]> {
    return this.#read('readLines', query);
  }
  listStreams(group: string, prefix?: string): Promise<StreamSummary[]> {
    return this.#read('listStreams', group, prefix);
  }

  readPoints(query: PointQuery): Promise<Point[]> {
    return this.#read('readPoints', query);
  }
  listSeries(prefix: string): Promise<SeriesSummary[]> {
    return this.#read('listSeries', prefix);
  }
  rollUp(rules: readonly RollUpRule[], now: number): Promise<number> {
    return this.#write('rollUp', rules, now);
  }

  onQueueChange(listener: (changes: readonly QueueChange[]) => void): () => void {
    return this.#listeners.add(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#group.close();
    // The reader first: the last connection to close puts the log back into the database file.
    await (await this.#reader?.catch(() => undefined))?.close();
    await (await this.#writer?.catch(() => undefined))?.close();
  }

  async #execute(batch: readonly Work[]): Promise<readonly WorkResult[]> {
    const { cells, puts } = encodeBatch(batch);
    const size = batch.length * UNIT_CHARACTERS + largeTexts(cells);
    const writer = this.#liveWriter ?? (await this.#startWriter());
    return new Promise((resolve, reject) => {
      const take = (answer: readonly Cell[], start: number) => {
        const { results, next } = decodeResults(answer, start, batch);
        this.#updateResources(batch, results, puts);
        resolve(results);
        this.#checkpointAfter(size);
        return next;
      };
      writer.post(batch.length, cells, take, reject);
    });
  }

  /** Beside the commits, so that none of them has to. When it fails, one of them will. */
  #checkpointAfter(size: number): void {
    this.#uncopied += size;
    if (this.#uncopied < CHECKPOINT_CHARACTERS || this.#copying || this.#closed) return;
    this.#uncopied = 0;
    this.#copying = true;
    this.#startReader()
      .then((reader) => reader.call('checkpoint'))
      .catch(() => undefined)
      .finally(() => {
        this.#copying = false;
      });
  }

  #updateResources(
    batch: readonly Work[],
    results: readonly WorkResult[],
    puts: ReadonlyMap<Effect, string>,
  ): void {
    if (puts.size === 0 && !batch.some(removesResources)) return;
    for (let i = 0; i < batch.length; i++) {
      const work = batch[i] as Work;
      if (work.kind !== 'commit') continue;
      const result = results[i] as CommitResult | Error;
      if (result instanceof Error || result.kind !== 'committed') continue;
      let put = 0;
      for (const effect of work.unit) {
        if (effect.kind === 'put') {
          const version = result.versions[put++] as number;
          this.resources.put(effect.collection, effect.key, version, puts.get(effect) as string);
        } else if (effect.kind === 'remove') this.resources.remove(effect.collection, effect.key);
      }
    }
  }

  async #write<T>(method: string, ...args: unknown[]): Promise<T> {
    return this.#track(async () =>
      (this.#liveWriter ?? (await this.#startWriter())).call<T>(method, ...args),
    );
  }

  async #read<T>(method: string, ...args: unknown[]): Promise<T> {
    return this.#track(async () => {
      // Only beside a writer does the file exist and have its schema.
      if (!this.#liveWriter) await this.#startWriter();
      return (await this.#startReader()).call<T>(method, ...args);
    });
  }

  #startReader(): Promise<DatabaseThread> {
    this.#reader ??= this.#start('reader', () => {
      this.#reader = undefined;
    }).then(
      ({ thread }) => thread,
      (error) => {
        this.#reader = undefined;
        throw error;
      },
    );
    return this.#reader;
  }

  async #track<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreUnavailable('The store is closed.');
    const end = this.#activity?.begin();
    try {
      return await run();
    } finally {
      end?.();
    }
  }

  /** Also after the thread has crashed: the next one starts from what is stored. */
  #startWriter(): Promise<DatabaseThread> {
    this.#writer ??= this.#start('writer', () => {
      this.#writer = undefined;
      this.#liveWriter = undefined;
    }).then(
      ({ thread, resources }) => {
        this.resources.reset(resources);
        this.#liveWriter = thread;
        return thread;
      },
      (error) => {
        this.#writer = undefined;
        throw error;
      },
    );
    return this.#writer;
  }

  #start(
    role: 'writer' | 'reader',
    onCrash: () => void,
  ): Promise<{ thread: DatabaseThread; resources: readonly ResourceCells[] }> {
    return DatabaseThread.start(role, this.#path, {
      onQueueChanges: (cells) => this.#notify(cells),
      onCrash,
    });
  }

  #notify(cells: readonly Cell[]): void {
    if (this.#listeners.empty) return;
    const changes: QueueChange[] = [];
    for (let i = 0; i < cells.length; i += 2) {
      changes.push({ queue: cells[i] as string, dueAt: cells[i + 1] as number });
    }
    this.#listeners.notify(changes);
  }
}

function removesResources(work: Work): boolean {
  return work.kind === 'commit' && work.unit.some((effect) => effect.kind === 'remove');
}

/** Texts that are shorter weigh no more than the rows they stand in. */
const LARGE_TEXT = 500;

function largeTexts(cells: readonly Cell[]): number {
  let size = 0;
  for (const cell of cells) if (typeof cell === 'string' && cell.length >= LARGE_TEXT) size += cell.length;
  return size;
}

/**
 * Group commit: what is asked for in one turn of the event loop, and while the database is busy, goes to it as
 * one batch, which it makes durable with one flush. A batch that fails as a whole rejects all its callers with
 * StoreUnavailable; order of asking is order of applying.
 */
import type { Activity } from '../platform/activity.ts';
import type { CommitResult, Message, ReceiveRequest, Unit } from './store.ts';
import { StoreUnavailable } from './store.ts';

export type Work =
  | { readonly kind: 'commit'; readonly unit: Unit }
  | { readonly kind: 'receive'; readonly request: ReceiveRequest };
/** An Error says that this one piece of work is at fault. */
export type WorkResult = CommitResult | Message[] | Error;

export interface GroupCommitOptions {
  /** Applies the batch in one transaction, in order. Rejects when nothing of it happened. */
  readonly execute: (batch: readonly Work[]) => Promise<readonly WorkResult[]>;
  /** Batches handed to the database at a time. */
  readonly maxInFlight: number;
  readonly activity?: Activity | undefined;
}

/** Bounds of one batch: a longer one would keep its first caller waiting. */
const MAX_UNITS = 1000;
const MAX_BYTES = 8 * 1024 * 1024;

interface Waiting {
  readonly work: Work;
  readonly bytes: number;
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  #waiting: Waiting[] = [];
  #scheduled = false;
  #inFlight = 0;
  #closed = false;
  #endActivity: (() => void) | undefined;
  #idleWaiters: (() => void)[] = [];

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  commit(unit: Unit): Promise<CommitResult> {
    return this.#enqueue({ kind: 'commit', unit }, sizeOf(unit));
  }

  receive(request: ReceiveRequest): Promise<Message[]> {
    return this.#enqueue({ kind: 'receive', request }, 0);
  }

  /** Takes no more work; resolves when what was under way has ended. */
  close(): Promise<void> {
    this.#closed = true;
    if (this.#waiting.length === 0 && this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  #enqueue<T>(work: Work, bytes: number): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreUnavailable('The store is closed.'));
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, bytes, resolve, reject });
      this.#endActivity ??= this.#options.activity?.begin();
      this.#schedule();
    });
  }

  /** After the callbacks of this turn: requests that arrived together share a batch. */
  #schedule(): void {
    if (this.#scheduled || this.#inFlight >= this.#options.maxInFlight) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#inFlight < this.#options.maxInFlight)
      void this.#run(this.#nextBatch());
  }

  #nextBatch(): Waiting[] {
    const waiting = this.#waiting;
    let bytes = 0;
    let count = 0;
    while (count < waiting.length && count < MAX_UNITS) {
      bytes += (waiting[count] as Waiting).bytes;
      if (bytes > MAX_BYTES && count > 0) break;
      count++;
    }
    if (count === waiting.length) {
      this.#waiting = [];
      return waiting;
    }
    return waiting.splice(0, count);
  }

  async #run(batch: Waiting[]): Promise<void> {
    this.#inFlight++;
    try {
      const results = await this.#options.execute(batch.map((entry) => entry.work));
      for (let i = 0; i < batch.length; i++) {
        const { resolve, reject } = batch[i] as Waiting;
        const result = results[i];
        if (result instanceof Error) reject(result);
        else resolve(result as never);
      }
    } catch (cause) {
      const error =
        cause instanceof StoreUnavailable
          ? cause
          : new StoreUnavailable(`The store could not commit: ${(cause as Error).message}`, { cause });
      for (const { reject } of batch) reject(error);
    } finally {
      this.#inFlight--;
      if (this.#waiting.length > 0) this.#schedule();
      else if (this.#inFlight === 0) this.#settle();
    }
  }

  #settle(): void {
    this.#endActivity?.();
    this.#endActivity = undefined;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}

/** Roughly, in characters: only what can be large. */
function sizeOf(unit: Unit): number {
  let size = 0;
  for (const effect of unit) {
    if (effect.kind === 'send') size += effect.message.body?.length ?? 0;
    else if (effect.kind === 'open') size += effect.payload.length;
    else if (effect.kind === 'write') for (const line of effect.lines) size += line.text.length;
  }
  return size;
}

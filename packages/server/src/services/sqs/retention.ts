/**
 * Removes messages that have outlived their queue's retention period, and names of deleted queues that may be used
 * again. Each queue is looked at when its oldest message is due to expire, and at least once an hour, for messages
 * that moved in from other queues bring their age with them.
 * Source: "MessageRetentionPeriod" in the API reference.
 */
import {
  DELETED_QUEUES,
  type DeletedQueueRecord,
  NAME_REUSE_WAIT_MS,
  QUEUES,
  type Queue,
  readQueue,
} from '../../domain/sqs-queue.ts';
import type { Timer } from '../../platform/clock.ts';
import type { SqsDeps } from './deps.ts';

const MAX_INTERVAL_MS = 3_600_000;
/** Sweeps are at least this far apart. */
const MIN_INTERVAL_MS = 1_000;
/** Pause after a sweep that failed (the store is unavailable). */
const RETRY_MS = 10_000;

export class Retention {
  readonly #deps: SqsDeps;
  /** When to look at a queue next, epoch ms, by queue name. */
  readonly #nextAt = new Map<string, number>();
  #timer: { readonly at: number; readonly handle: Timer } | undefined;
  #unsubscribe: (() => void) | undefined;
  #stopped = false;

  constructor(deps: SqsDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { store, clock } = this.#deps;
    this.#unsubscribe = store.resources.onChange((collection, key) => {
      if (collection === DELETED_QUEUES) return this.#arm(clock.now() + NAME_REUSE_WAIT_MS);
      if (collection !== QUEUES) return;
      this.#nextAt.delete(key);
      this.#arm(clock.now() + MIN_INTERVAL_MS);
    });
    this.#arm(clock.now());
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe?.();
    this.#timer?.handle.cancel();
  }

  #arm(at: number): void {
    if (this.#stopped || (this.#timer && this.#timer.at <= at)) return;
    this.#timer?.handle.cancel();
    const handle = this.#deps.clock.schedule(at, () => {
      this.#timer = undefined;
      const end = this.#deps.activity.begin();
      this.tick()
        .then((next) => this.#arm(next))
        .catch((error: unknown) => {
          this.#deps.log.error({ err: error }, 'sweeping expired messages failed; it will be tried again');
          this.#arm(this.#deps.clock.now() + RETRY_MS);
        })
        .finally(end);
    });
    this.#timer = { at, handle };
  }

  /** Sweeps what is due; gives the instant of the next sweep. */
  async tick(): Promise<number> {
    const { store, clock } = this.#deps;
    const now = clock.now();
    let next = now + MAX_INTERVAL_MS;
    for (const { key } of store.resources.list(QUEUES)) {
      const queue = readQueue(store.resources, key);
      if (!queue) continue;
      let at = this.#nextAt.get(key);
      if (at === undefined || at <= now) {
        at = await this.#sweep(queue, now);
        this.#nextAt.set(key, at);
      }
      next = Math.min(next, at);
    }
    return Math.max(Math.min(next, await this.#forgetNames(now)), now + MIN_INTERVAL_MS);
  }

  async #sweep(queue: Queue, now: number): Promise<number> {
    const { store } = this.#deps;
    let { oldestSentAt } = await store.readDepth(queue.messages, now);
    if (oldestSentAt !== undefined && oldestSentAt + queue.retentionMs <= now) {
      await store.commit([{ kind: 'clear', queue: queue.messages, sentBefore: now - queue.retentionMs + 1 }]);
      ({ oldestSentAt } = await store.readDepth(queue.messages, now));
    }
    return Math.min((oldestSentAt ?? now) + queue.retentionMs, now + MAX_INTERVAL_MS);
  }

  async #forgetNames(now: number): Promise<number> {
    const { store } = this.#deps;
    let next = Number.POSITIVE_INFINITY;
    for (const { key, value, version } of store.resources.list<DeletedQueueRecord>(DELETED_QUEUES)) {
      const at = value.deletedAt + NAME_REUSE_WAIT_MS;
      if (at > now) next = Math.min(next, at);
      else await store.commit([{ kind: 'remove', collection: DELETED_QUEUES, key, ifVersion: version }]);
    }
    return next;
  }
}

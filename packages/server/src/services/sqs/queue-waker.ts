/**
 * Long polling: receivers that found nothing wait in line, one line per queue, and are served in turn when
 * something becomes receivable, whether by a commit or by time. A line knows one instant at which to look again,
 * so a waiter costs an entry in a set and a timer, however many there are.
 *
 * Nothing is missed: a waiter joins its line first and the line looks at the store afterwards.
 * A waiting receiver is not activity; serving one is.
 */
import type { Activity } from '../../platform/activity.ts';
import type { Clock, Timer } from '../../platform/clock.ts';
import type { Store } from '../../store/store.ts';

/** Receivers of one line that are served at once. */
const MAX_WIDTH = 64;
/** Pause before looking again when something is due and yet nobody could have it (a limit, a race). */
const RELOOK_MS = 100;

interface Waiter {
  /** Tries to receive; `false` when there was nothing. */
  attempt(): Promise<boolean>;
  /** Ends the waiting with nothing. */
  giveUp(): void;
  fail(error: unknown): void;
  busy: boolean;
}

interface Line {
  readonly queue: string;
  readonly waiters: Set<Waiter>;
  timer?: { readonly at: number; readonly handle: Timer };
  /** The store has been asked, or is being asked, when the queue next has something; commits keep it true. */
  looked: boolean;
  serving: boolean;
  /** Something became receivable while the line was being served. */
  again: boolean;
  /** How many are served at once: follows how many were lately served in one go. */
  width: number;
}

export interface Wait<T> {
  readonly queue: string;
  /** Epoch ms. */
  readonly until: number;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** `undefined` when there was nothing. */
  readonly attempt: () => Promise<T | undefined>;
  /** Takes back what an attempt brought after the client had gone. */
  readonly giveBack: (result: T) => void;
}

export class QueueWaker {
  readonly #lines = new Map<string, Line>();
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #activity: Activity;
  readonly #unsubscribe: () => void;
  #stopped = false;

  constructor(store: Store, clock: Clock, activity: Activity) {
    this.#store = store;
    this.#clock = clock;
    this.#activity = activity;
    this.#unsubscribe = store.onQueueChange((changes) => {
      for (const change of changes) {
        const line = this.#lines.get(change.queue);
        if (line) this.#expect(line, change.dueAt);
      }
    });
  }

  /** Number of receivers that wait. */
  get waiting(): number {
    let count = 0;
    for (const line of this.#lines.values()) count += line.waiters.size;
    return count;
  }

  /** Waits until an attempt brings something, or until time is up or the client gone: then `undefined`. */
  wait<T>(wait: Wait<T>): Promise<T | undefined> {
    if (this.#stopped || wait.signal.aborted) return Promise.resolve(undefined);
    return new Promise<T | undefined>((resolve, reject) => {
      const line = this.#lineOf(wait.queue);
      let ended = false;
      let expired = false;
      const leave = () => {
        line.waiters.delete(waiter);
        deadline.cancel();
        wait.signal.removeEventListener('abort', onAbort);
        if (line.waiters.size === 0) this.#close(line);
      };
      const end = (result: T | undefined) => {
        if (ended) return;
        ended = true;
        leave();
        resolve(result);
      };
      const waiter: Waiter = {
        busy: false,
        attempt: async () => {
          const result = await wait.attempt();
          if (result === undefined) {
            if (expired) end(undefined);
            return false;
          }
          if (ended) wait.giveBack(result);
          else end(result);
          return true;
        },
        giveUp: () => end(undefined),
        fail: (error) => {
          if (ended) return;
          ended = true;
          leave();
          reject(error);
        },
      };
      const onAbort = () => end(undefined);
      const deadline = this.#clock.schedule(wait.until, () => {
        // An attempt under way may still bring something: it is not to be lost.
        if (waiter.busy) expired = true;
        else end(undefined);
      });
      wait.signal.addEventListener('abort', onAbort, { once: true });
      line.waiters.add(waiter);
      if (!line.serving && !line.looked) void this.#look(line, false);
    });
  }

  /** Lets the line of a queue look again now: something about the queue itself has changed. */
  wake(queue: string): void {
    const line = this.#lines.get(queue);
    if (line) void this.#serve(line);
  }

  /** Ends every waiting with nothing. */
  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    for (const line of [...this.#lines.values()]) for (const waiter of [...line.waiters]) waiter.giveUp();
  }

  #lineOf(queue: string): Line {
    let line = this.#lines.get(queue);
    if (!line) {
      line = { queue, waiters: new Set(), looked: false, serving: false, again: false, width: 1 };
      this.#lines.set(queue, line);
    }
    return line;
  }

  #close(line: Line): void {
    line.timer?.handle.cancel();
    line.timer = undefined;
    if (!line.serving && this.#lines.get(line.queue) === line) this.#lines.delete(line.queue);
  }

  /** Something of the queue can be received at `at`. */
  #expect(line: Line, at: number): void {
    if (at <= this.#clock.now()) {
      void this.#serve(line);
      return;
    }
    if (line.timer && line.timer.at <= at) return;
    line.timer?.handle.cancel();
    const handle = this.#clock.schedule(at, () => {
      line.timer = undefined;
      void this.#serve(line);
    });
    line.timer = { at, handle };
  }

  /** Asks the store when the queue next has something. `afterEmpty`: a receive has just found nothing. */
  async #look(line: Line, afterEmpty: boolean): Promise<void> {
    line.looked = true;
    const end = this.#activity.begin();
    try {
      const due = await this.#store.readNextDue(line.queue);
      if (line.waiters.size === 0) return;
      const next = due.find((change) => change.queue === line.queue)?.dueAt;
      if (next === undefined) return;
      this.#expect(line, afterEmpty ? Math.max(next, this.#clock.now() + RELOOK_MS) : next);
    } catch (error) {
      for (const waiter of [...line.waiters]) waiter.fail(error);
    } finally {
      end();
    }
  }

  /** Serves waiters, in turn, until one of them finds nothing. */
  async #serve(line: Line): Promise<void> {
    if (line.serving) {
      line.again = true;
      return;
    }
    line.serving = true;
    const end = this.#activity.begin();
    let empty = false;
    try {
      do {
        line.again = false;
        empty = false;
        while (!empty && line.waiters.size > 0) {
          const batch = first(line.waiters, line.width);
          const served = (await Promise.all(batch.map(tryOne))).filter(Boolean).length;
          empty = served < batch.length;
          line.width = empty ? Math.max(1, served) : Math.min(MAX_WIDTH, line.width * 2);
        }
      } while (line.again && line.waiters.size > 0);
    } finally {
      line.serving = false;
      end();
    }
    if (line.waiters.size === 0) this.#close(line);
    else void this.#look(line, empty);
  }
}

async function tryOne(waiter: Waiter): Promise<boolean> {
  waiter.busy = true;
  try {
    return await waiter.attempt();
  } catch (error) {
    waiter.fail(error);
    return true;
  } finally {
    waiter.busy = false;
  }
}

function first(waiters: Set<Waiter>, count: number): Waiter[] {
  const batch: Waiter[] = [];
  for (const waiter of waiters) {
    batch.push(waiter);
    if (batch.length === count) break;
  }
  return batch;
}

/**
 * Decides which function's queue runs next: one lane per function, served in turn, so that a backlog of one
 * never starves another. A lane keeps a small buffer of held events; the rest waits in the store, so memory
 * does not grow with the backlog.
 *
 * A throttle (no slot) costs an event a back-off, as on AWS, but a lane throttles only a few events a second:
 * the others wait in their queue instead of being rewritten again and again.
 */

import {
  FUNCTION_QUEUE_PREFIX,
  functionOfQueue,
  functionQueue,
  type HeldEvent,
  holdEvent,
} from '../domain/lifecycle.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Executor } from '../runtime/executor.ts';
import type { QueueChange, Store } from '../store/store.ts';
import type { Invoker } from './invoker.ts';
import type { Slots } from './slots.ts';

export interface DispatcherLimits {
  /** Events that may be with the executor at once. */
  readonly maxRunning: number;
  /** Events of one function that may be held in memory beyond those that run. */
  readonly maxBuffered: number;
  /** Payload bytes that may be held in memory. */
  readonly maxHeldBytes: number;
}

export const DEFAULT_DISPATCHER_LIMITS: DispatcherLimits = {
  maxRunning: 256,
  maxBuffered: 128,
  maxHeldBytes: 48 * 1024 * 1024,
};

/** Received at a time; the buffer is refilled below half of it. */
const FETCH_SIZE = 64;
/** Runs one lane may start before the next lane has its turn. */
const QUANTUM = 16;
/** Throttles a lane may record per pause, and the length of the pause. */
const THROTTLES_PER_PAUSE = 10;
const THROTTLE_PAUSE_MS = 1_000;
/** A hold covers the longest run (900 s) with room for waiting in the buffer. */
export const HOLD_MS = 30 * 60_000;
/** Events whose hold has less than this left beyond their function's timeout go back instead of starting. */
const HOLD_MARGIN_MS = 60_000;
/** Waiting lanes that get another try when a run ends: one run frees room for about one. */
const SATURATED_RETRIES = 4;
/** Pause after the store refused a receive. */
const STORE_RETRY_MS = 500;

interface Lane {
  readonly functionName: string;
  readonly queue: string;
  buffer: HeldEvent[];
  /** Accepted events on their way to the buffer. */
  reserved: number;
  running: number;
  /** Slots held; fewer than `running` when an environment has its next runs at hand already. */
  slots: number;
  queued: boolean;
  fetching: boolean;
  /** When the store next has something due for this lane, epoch ms. */
  nextDue: number;
  timer?: { readonly at: number; readonly handle: Timer };
  /** Until then a missing slot makes events wait instead of throttling them. */
  throttledUntil: number;
  throttleBudget: number;
  /** No slot was free at the last try: wait for one, or for the pause to end. */
  blocked: boolean;
  pause?: Timer;
  /** The executor had no room at the last try. */
  saturated: boolean;
}

export class Dispatcher {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #activity: Activity;
  readonly #log: Log;
  readonly #invoker: Invoker;
  readonly #executor: Pick<Executor, 'capacity'>;
  readonly #slots: Slots;
  readonly #isElsewhere: (functionName: string) => boolean;
  readonly #limits: DispatcherLimits;
  readonly #holder: string;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes with events to start, in the order of their turns. */
  #turns: Lane[] = [];
  /** Lanes that wait for room in the executor, longest first. */
  #saturated: Lane[] = [];
  #running = 0;
  #heldBytes = 0;
  #pumping = false;
  #stopped = true;
  #unsubscribe: () => void = () => undefined;
  #drained: (() => void)[] = [];

  constructor(options: {
    store: Store;
    clock: Clock;
    activity: Activity;
    log: Log;
    invoker: Invoker;
    executor: Pick<Executor, 'capacity'>;
    slots: Slots;
    /** All slots of a function are with other nodes at present. */
    isElsewhere?: (functionName: string) => boolean;
    limits?: DispatcherLimits;
    holder: string;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#activity = options.activity;
    this.#log = options.log;
    this.#invoker = options.invoker;
    this.#executor = options.executor;
    this.#slots = options.slots;
    this.#isElsewhere = options.isElsewhere ?? (() => false);
    this.#limits = options.limits ?? DEFAULT_DISPATCHER_LIMITS;
    this.#holder = options.holder;
  }

  async start(): Promise<void> {
    this.#stopped = false;
    this.#unsubscribe = this.#store.onQueueChange((changes) => this.#notice(changes));
    await this.#store.releaseHolders([this.#holder], this.#clock.now());
    this.#notice(await this.#store.readNextDue(FUNCTION_QUEUE_PREFIX));
  }

  /** Starts nothing more, gives back what it holds and waits for what runs. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    const now = this.#clock.now();
    const returns: Promise<unknown>[] = [];
    for (const lane of this.#lanes.values()) {
      lane.timer?.handle.cancel();
      lane.pause?.cancel();
      for (const event of lane.buffer) returns.push(this.#invoker.giveBack(event, now));
      lane.buffer = [];
    }
    await Promise.allSettled(returns);
    if (this.#running > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /**
   * Whether an event that is being accepted may go straight to a run, held from its birth. False when older
   * events wait or memory is full; then it takes its turn in the queue. A true must be followed by `offer` or `cancel`.
   */
  reserve(functionName: string, payloadBytes: number): boolean {
    if (this.#stopped) return false;
    const lane = this.#lane(functionName);
    if (
      lane.fetching ||
      lane.nextDue <= this.#clock.now() ||
      lane.buffer.length + lane.reserved >= this.#limits.maxBuffered ||
      this.#heldBytes + payloadBytes > this.#limits.maxHeldBytes ||
      this.#isElsewhere(functionName)
    ) {
      return false;
    }
    lane.reserved++;
    this.#heldBytes += payloadBytes;
    return true;
  }

  offer(functionName: string, event: HeldEvent): void {
    const lane = this.#lane(functionName);
    lane.reserved--;
    lane.buffer.push(event);
    this.#enqueue(lane);
    this.#pump();
  }

  cancel(functionName: string, payloadBytes: number): void {
    this.#lane(functionName).reserved--;
    this.#heldBytes -= payloadBytes;
  }

  get holder(): string {
    return this.#holder;
  }

  /** A slot has become free outside (a synchronous run ended, a reservation changed). */
  wake(functionName: string): void {
    this.#desaturate();
    const lane = this.#lanes.get(functionName);
    if (lane?.blocked) {
      lane.blocked = false;
      this.#enqueue(lane);
    }
    this.#pump();
  }

  /** Every blocked lane may try again: concurrency settings changed. */
  wakeAll(): void {
    for (const lane of this.#lanes.values()) this.wake(lane.functionName);
  }

  #desaturate(): void {
    for (const lane of this.#saturated.splice(0, SATURATED_RETRIES)) {
      lane.saturated = false;
      this.#enqueue(lane);
    }
  }

  describe(): { running: number; buffered: number; heldBytes: number } {
    let buffered = 0;
    for (const lane of this.#lanes.values()) buffered += lane.buffer.length;
    return { running: this.#running, buffered, heldBytes: this.#heldBytes };
  }

  #lane(functionName: string): Lane {
    let lane = this.#lanes.get(functionName);
    if (!lane) {
      lane = {
        functionName,
        queue: functionQueue(functionName),
        buffer: [],
        reserved: 0,
        running: 0,
        slots: 0,
        queued: false,
        fetching: false,
        nextDue: Number.POSITIVE_INFINITY,
        throttledUntil: 0,
        throttleBudget: THROTTLES_PER_PAUSE,
        blocked: false,
        saturated: false,
      };
      this.#lanes.set(functionName, lane);
    }
    return lane;
  }

  #notice(changes: readonly QueueChange[]): void {
    if (this.#stopped) return;
    for (const change of changes) {
      if (!change.queue.startsWith(FUNCTION_QUEUE_PREFIX)) continue;
      const lane = this.#lane(functionOfQueue(change.queue));
      if (change.dueAt < lane.nextDue) {
        lane.nextDue = change.dueAt;
        this.#refill(lane);
      }
    }
  }

  /** Fetches when the store has something due and the buffer has room; else sets the alarm for when it will. */
  #refill(lane: Lane): void {
    if (this.#stopped || lane.fetching || lane.buffer.length > FETCH_SIZE / 2) return;
    const now = this.#clock.now();
    if (lane.nextDue <= now) {
      if (this.#isElsewhere(lane.functionName)) {
        // The nodes that have its slots hear of its events too; this one looks again when there is news.
        lane.nextDue = Number.POSITIVE_INFINITY;
        return;
      }
      if (this.#heldBytes < this.#limits.maxHeldBytes) void this.#activity.track(this.#fetch(lane));
      return;
    }
    if (lane.nextDue === Number.POSITIVE_INFINITY || lane.timer?.at === lane.nextDue) return;
    lane.timer?.handle.cancel();
    const at = lane.nextDue;
    lane.timer = {
      at,
      handle: this.#clock.schedule(at, () => {
        lane.timer = undefined;
        this.#refill(lane);
      }),
    };
  }

  async #fetch(lane: Lane): Promise<void> {
    lane.fetching = true;
    lane.nextDue = Number.POSITIVE_INFINITY;
    try {
      const now = this.#clock.now();
      const heldUntil = now + HOLD_MS;
      const messages = await this.#store.receive({
        queue: lane.queue,
        max: FETCH_SIZE,
        now,
        leaseMs: HOLD_MS,
        holder: this.#holder,
      });
      for (const message of messages) {
        const event = holdEvent(message, heldUntil);
        this.#heldBytes += event.payload.length;
        lane.buffer.push(event);
      }
      if (messages.length === FETCH_SIZE) {
        lane.nextDue = this.#clock.now();
      } else {
        const found = (await this.#store.readNextDue(lane.queue)).find((next) => next.queue === lane.queue);
        if (found) lane.nextDue = Math.min(lane.nextDue, found.dueAt);
      }
    } catch (error) {
      this.#log.error({ err: error, queue: lane.queue }, 'receive failed; trying again');
      lane.nextDue = this.#clock.now() + STORE_RETRY_MS;
    } finally {
      lane.fetching = false;
    }
    if (lane.buffer.length > 0) this.#enqueue(lane);
    this.#pump();
    this.#refill(lane);
  }

  #enqueue(lane: Lane): void {
    if (lane.queued || lane.blocked || lane.saturated || lane.buffer.length === 0) return;
    lane.queued = true;
    this.#turns.push(lane);
  }

  /** Starts what can start, a few events a lane at a time. */
  #pump(): void {
    if (this.#pumping || this.#stopped) return;
    this.#pumping = true;
    try {
      while (this.#turns.length > 0 && this.#running < this.#limits.maxRunning) {
        const lane = this.#turns.shift() as Lane;
        lane.queued = false;
        for (let started = 0; started < QUANTUM && lane.buffer.length > 0; started++) {
          if (this.#running >= this.#limits.maxRunning || !this.#startNext(lane)) break;
        }
        this.#enqueue(lane);
        this.#refill(lane);
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Takes one event off the buffer; false when the lane has to wait for a slot. */
  #startNext(lane: Lane): boolean {
    const event = lane.buffer[0] as HeldEvent;
    const now = this.#clock.now();
    const admission = this.#invoker.admit(lane.functionName, event, now);
    if (admission.kind === 'run') {
      if (event.heldUntil - now < admission.target.spec.timeoutMs + HOLD_MARGIN_MS) {
        lane.buffer.shift();
        this.#track(lane, event, this.#invoker.giveBack(event, now));
        return true;
      }
      const room = this.#executor.capacity(admission.target.spec).runs > 0;
      const refusal = this.#slots.tryAcquire(lane.functionName, admission.target.reservedConcurrency);
      if (refusal === undefined) {
        if (!room) {
          this.#slots.release(lane.functionName);
          return this.#saturate(lane);
        }
        lane.slots++;
      } else if (!room) {
        return this.#refuse(lane, refusal, now);
      }
    }
    lane.buffer.shift();
    this.#track(lane, event, this.#invoker.carryOut(event, admission));
    return true;
  }

  /** The machine is busy, which is no throttle: the lane waits for any run to end. */
  #saturate(lane: Lane): false {
    if (!lane.saturated) {
      lane.saturated = true;
      this.#saturated.push(lane);
    }
    return false;
  }

  #refuse(lane: Lane, reason: string, now: number): boolean {
    if (now >= lane.throttledUntil) {
      lane.throttledUntil = now + THROTTLE_PAUSE_MS;
      lane.throttleBudget = THROTTLES_PER_PAUSE;
    }
    if (lane.throttleBudget > 0) {
      lane.throttleBudget--;
      const event = lane.buffer.shift() as HeldEvent;
      this.#track(lane, event, this.#invoker.throttle(lane.functionName, event, reason));
      return true;
    }
    lane.blocked = true;
    lane.pause ??= this.#clock.schedule(lane.throttledUntil, () => {
      lane.pause = undefined;
      this.wake(lane.functionName);
    });
    return false;
  }

  #track(lane: Lane, event: HeldEvent, work: Promise<void>): void {
    const end = this.#activity.begin();
    lane.running++;
    this.#running++;
    void work
      .catch((error: unknown) =>
        this.#log.error({ err: error, requestId: event.requestId }, 'attempt failed to settle'),
      )
      .finally(() => {
        lane.running--;
        this.#running--;
        this.#heldBytes -= event.payload.length;
        this.#releaseSlots(lane);
        if (this.#stopped) {
          if (this.#running === 0) for (const resolve of this.#drained.splice(0)) resolve();
        } else {
          lane.blocked = false;
          this.#desaturate();
          this.#enqueue(lane);
          this.#pump();
          this.#refill(lane);
        }
        end();
      });
  }

  #releaseSlots(lane: Lane): void {
    while (lane.slots > lane.running) {
      lane.slots--;
      this.#slots.release(lane.functionName);
    }
  }
}

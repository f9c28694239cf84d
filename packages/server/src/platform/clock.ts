/**
 * Time as a value. Everything that asks for the time or waits for it goes through a `Clock`,
 * so that a virtual one can run six hours in milliseconds.
 */
import type { Activity } from './activity.ts';

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Calls `fn` once at `at` (epoch ms) or as soon after as possible. Does not keep the process alive. */
  schedule(at: number, fn: () => void): Timer;
  readonly virtual: boolean;
}

/** setTimeout fires at once for delays beyond 31 bits. */
const MAX_TIMEOUT_MS = 2_147_483_647;

export class RealClock implements Clock {
  readonly virtual = false;

  now(): number {
    return Date.now();
  }

  schedule(at: number, fn: () => void): Timer {
    let handle: NodeJS.Timeout;
    const arm = () => {
      const delayMs = at - Date.now();
      handle =
        delayMs > MAX_TIMEOUT_MS ? setTimeout(arm, MAX_TIMEOUT_MS) : setTimeout(fn, Math.max(0, delayMs));
      handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  }
}

/**
 * This machine's clock, corrected by what the database says: nodes whose own clocks differ agree on the time. It may
 * stand still for a moment and never goes back.
 */
export class CorrectedClock implements Clock {
  readonly virtual = false;
  readonly #readOffsetMs: () => number;
  #last = 0;

  /** @param readOffsetMs what to add to this machine's time now, ms */
  constructor(readOffsetMs: () => number) {
    this.#readOffsetMs = readOffsetMs;
  }

  now(): number {
    this.#last = Math.max(this.#last, Date.now() + this.#readOffsetMs());
    return this.#last;
  }

  schedule(at: number, fn: () => void): Timer {
    let handle: NodeJS.Timeout;
    const arm = () => {
      const delayMs = at - this.now();
      handle =
        delayMs > MAX_TIMEOUT_MS ? setTimeout(arm, MAX_TIMEOUT_MS) : setTimeout(fn, Math.max(0, delayMs));
      handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  }
}

interface VirtualTimer {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/**
 * A clock that stands still until told. Timers fire in order of their time, those of the same instant in
 * the order they were set, and the world settles after each instant before the next one comes.
 */
export class VirtualClock implements Clock {
  readonly virtual = true;
  #now: number;
  #order = 0;
  #timers: VirtualTimer[] = [];
  #advancing: Promise<unknown> = Promise.resolve();
  readonly #activity: Activity;

  constructor(startAt: number, activity: Activity) {
    this.#now = startAt;
    this.#activity = activity;
  }

  now(): number {
    return this.#now;
  }

  schedule(at: number, fn: () => void): Timer {
    const timer: VirtualTimer = { at, order: this.#order++, fn };
    if (at <= this.#now) {
      // Due already: it must not wait for the next advance, and settling must wait for it.
      const end = this.#activity.begin();
      let cancelled = false;
      setImmediate(() => {
        try {
          if (!cancelled) fn();
        } finally {
          end();
        }
      });
      return {
        cancel: () => {
          cancelled = true;
        },
      };
    }
    const index = this.#timers.findIndex((other) => other.at > at);
    if (index === -1) this.#timers.push(timer);
    else this.#timers.splice(index, 0, timer);
    return {
      cancel: () => {
        const found = this.#timers.indexOf(timer);
        if (found !== -1) this.#timers.splice(found, 1);
      },
    };
  }

  /**
   * Moves time forward by `byMs`, running everything that falls due on the way, in order.
   * Resolves with the new time once the world has settled. Calls queue up behind each other.
   */
  advance(byMs: number): Promise<number> {
    const run = this.#advancing.then(async () => {
      await this.#activity.whenIdle();
      const target = this.#now + byMs;
      for (let next = this.#timers[0]; next && next.at <= target; next = this.#timers[0]) {
        this.#now = Math.max(this.#now, next.at);
        for (let due = this.#timers[0]; due && due.at <= this.#now; due = this.#timers[0]) {
          this.#timers.shift();
          due.fn();
        }
        await this.#activity.whenIdle();
      }
      this.#now = target;
      return target;
    });
    this.#advancing = run.catch(() => undefined);
    return run;
  }
}

/**
 * Knows whether anything is under way. A virtual clock moves only when nothing is; a stopping server
 * waits for it. What waits for time (a long poll, a retry that is not due) is not activity.
 */
export class Activity {
  #running = 0;
  #waiters: (() => void)[] = [];

  /** Marks work as begun; call the result once when it has ended. */
  begin(): () => void {
    this.#running++;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#running--;
      if (this.#running === 0) this.#notify();
    };
  }

  async track<T>(work: Promise<T>): Promise<T> {
    const end = this.begin();
    try {
      return await work;
    } finally {
      end();
    }
  }

  get idle(): boolean {
    return this.#running === 0;
  }

  /** Resolves when nothing has been under way for a full turn of the event loop. */
  async whenIdle(): Promise<void> {
    for (;;) {
      if (this.#running > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve));
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.#running === 0) return;
    }
  }

  #notify(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }
}

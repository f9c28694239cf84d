/**
 * Watches the time of the run of the moment with one timer for thousands of runs: it looks who runs when it
 * fires, and sets itself again. Real time: the process it watches lives in it, whatever the server's clock says.
 */

export class TimeoutWatch {
  readonly #timeoutMs: number;
  /** performance.now() at which the present run began; undefined when none runs. */
  readonly #begunAt: () => number | undefined;
  readonly #onTimeout: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number, begunAt: () => number | undefined, onTimeout: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#begunAt = begunAt;
    this.#onTimeout = onTimeout;
  }

  /** A run has begun. Cheap when one began before it within the timeout. */
  arm(): void {
    if (!this.#timer) this.#set(this.#timeoutMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #set(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const begunAt = this.#begunAt();
      if (begunAt === undefined) return;
      const leftMs = begunAt + this.#timeoutMs - performance.now();
      if (leftMs > 0) this.#set(Math.ceil(leftMs));
      else this.#onTimeout();
    }, delayMs);
  }
}

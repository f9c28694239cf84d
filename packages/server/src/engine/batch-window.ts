/** Collects the messages of a mapping with a batching window: from the first message until the window ends. */
import type { HeldMessage } from '../domain/event-source-batch.ts';
import type { Clock, Timer } from '../platform/clock.ts';

export class BatchWindow {
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  readonly #messages = new Map<string, HeldMessage>();
  #bytes = 0;
  #timer: Timer | undefined;

  /** @param onEnd called when the window ends by time */
  constructor(clock: Clock, onEnd: () => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  get size(): number {
    return this.#messages.size;
  }

  /** Of the bodies, without what records add. */
  get bytes(): number {
    return this.#bytes;
  }

  add(held: readonly HeldMessage[], windowMs: number): void {
    this.#timer ??= this.#clock.schedule(this.#clock.now() + windowMs, this.#onEnd);
    for (const each of held) {
      // Received again because its lease ran out in the window: only the newer receipt counts.
      this.#messages.set(each.message.id, each);
      this.#bytes += Buffer.byteLength(each.message.body);
    }
  }

  /** Ends the window and gives what it held, in order of arrival. */
  take(): HeldMessage[] {
    const messages = [...this.#messages.values()];
    this.#messages.clear();
    this.#bytes = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
    return messages;
  }
}

/**
 * Holds a queue to its limit of messages in flight without counting them at every receive: an upper bound is kept
 * from what was handed out since the last count, and the store counts again only when the bound reaches the limit.
 */
import type { Store } from '../../store/store.ts';

interface Bound {
  /** At least as many are in flight. */
  upper: number;
  countedAt: number;
}

/** At the limit, the store counts again at most this often. */
const RECOUNT_MS = 250;

export class InFlightLimit {
  readonly #bounds = new Map<string, Bound>();
  readonly #store: Store;
  readonly #limit: number;

  constructor(store: Store, limit: number) {
    this.#store = store;
    this.#limit = limit;
  }

  /** How many of `wanted` messages may be handed out now. */
  async admit(queue: string, wanted: number, now: number): Promise<number> {
    const bound = this.#bounds.get(queue);
    if (bound && bound.upper + wanted <= this.#limit) return wanted;
    if (bound && bound.upper >= this.#limit && now >= bound.countedAt && now - bound.countedAt < RECOUNT_MS) {
      return 0;
    }
    const { inFlight } = await this.#store.readDepth(queue, now);
    this.#bounds.set(queue, { upper: inFlight, countedAt: now });
    return Math.max(0, Math.min(wanted, this.#limit - inFlight));
  }

  handedOut(queue: string, count: number): void {
    const bound = this.#bounds.get(queue);
    if (bound) bound.upper += count;
  }

  settled(queue: string, count: number): void {
    const bound = this.#bounds.get(queue);
    if (bound) bound.upper = Math.max(0, bound.upper - count);
  }

  forget(queue: string): void {
    this.#bounds.delete(queue);
  }
}

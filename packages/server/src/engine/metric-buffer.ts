/**
 * Samples that belong to no commit of their own (synchronous calls, receives, gauges), folded and stored about
 * once a second. A crash loses the last second of them; what the books count is measured in its own commit.
 */
import type { Activity } from '../platform/activity.ts';
import { type Measure, type Store, StoreUnavailable } from '../store/store.ts';

/** Real time: it bounds what a crash can lose, whatever the server's clock says. */
const FLUSH_MS = 1_000;

type Folded = { -readonly [K in keyof Measure]: Measure[K] };

export class MetricBuffer {
  readonly #store: Pick<Store, 'commit'>;
  readonly #activity: Activity;
  readonly #onError: (error: unknown) => void;
  #folded = new Map<string, Folded>();
  #timer: NodeJS.Timeout | undefined;
  #flight: Promise<void> = Promise.resolve();

  constructor(deps: {
    store: Pick<Store, 'commit'>;
    activity: Activity;
    onError: (error: unknown) => void;
  }) {
    this.#store = deps.store;
    this.#activity = deps.activity;
    this.#onError = deps.onError;
  }

  add(measure: Measure): void {
    const start = measure.at - (measure.at % measure.periodMs);
    const key = `${start}/${measure.periodMs}/${measure.series}`;
    const known = this.#folded.get(key);
    if (!known) {
      this.#folded.set(key, { ...measure });
    } else {
      known.count += measure.count;
      known.sum += measure.sum;
      known.min = Math.min(known.min, measure.min);
      known.max = Math.max(known.max, measure.max);
      if (measure.spread) known.spread = [...(known.spread ?? []), ...measure.spread];
    }
    if (this.#timer) return;
    this.#timer = setTimeout(() => void this.flush(), FLUSH_MS);
    this.#timer.unref();
  }

  /** Resolves when everything added so far is stored, so that a reader sees it. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#folded.size === 0) return this.#flight;
    const unit = [...this.#folded.values()];
    this.#folded = new Map();
    this.#flight = this.#flight.then(() => this.#activity.track(this.#write(unit)));
    return this.#flight;
  }

  async #write(unit: readonly Measure[]): Promise<void> {
    try {
      await this.#store.commit(unit);
    } catch (error) {
      this.#onError(error);
      // The disk may come back; what is measured meanwhile folds into the same few samples.
      if (error instanceof StoreUnavailable) for (const measure of unit) this.add(measure);
    }
  }
}

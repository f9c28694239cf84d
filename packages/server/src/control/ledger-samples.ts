/**
 * The ledger's counters of the last hour, read now and then: how many events were accepted and how they ended,
 * over time, without counting rows. Forgotten when the server stops.
 */
import type { Timer } from '../platform/clock.ts';
import { LEDGER_PREFIX } from '../store/store.ts';
import type { ControlDeps } from './deps.ts';

const SPAN_MS = 3_600_000;
/** On a virtual clock an hour passes in a moment: fewer looks. */
const EVERY_MS = { real: 10_000, virtual: 60_000 } as const;

export interface Sample {
  /** Epoch ms. */
  readonly at: number;
  readonly counters: Readonly<Record<string, number>>;
}

export interface Rates {
  /** Epoch ms of the end of each interval. */
  readonly at: number[];
  /** Events in each interval. */
  readonly accepted: number[];
  readonly succeeded: number[];
  readonly failed: number[];
}

export class LedgerSamples {
  readonly #deps: Pick<ControlDeps, 'store' | 'clock' | 'activity' | 'log'>;
  #samples: Sample[] = [];
  #timer: Timer | undefined;
  #stopped = false;

  constructor(deps: ControlDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#arm(this.#deps.clock.now());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #arm(at: number): void {
    if (this.#stopped) return;
    const { clock, activity, log } = this.#deps;
    this.#timer = clock.schedule(at, () => {
      const end = activity.begin();
      this.#take()
        .catch((error: unknown) => {
          if (!this.#stopped)
            log.warn({ err: error }, 'the ledger could not be sampled; the next round tries again');
        })
        .finally(() => {
          this.#arm(clock.now() + (clock.virtual ? EVERY_MS.virtual : EVERY_MS.real));
          end();
        });
    });
  }

  async #take(): Promise<void> {
    const { store, clock } = this.#deps;
    const counters = await store.readCounters(LEDGER_PREFIX);
    const at = clock.now();
    this.#samples.push({ at, counters });
    const oldest = this.#samples.findIndex((sample) => sample.at >= at - SPAN_MS);
    if (oldest > 0) this.#samples = this.#samples.slice(oldest);
  }

  /** The oldest sample of the last hour. */
  get first(): Sample | undefined {
    return this.#samples[0];
  }

  /** When something was first so. */
  firstAt(condition: (sample: Sample) => boolean): number | undefined {
    return this.#samples.find(condition)?.at;
  }

  rates(now: Sample): Rates {
    const rates: Rates = { at: [], accepted: [], succeeded: [], failed: [] };
    const samples = [...this.#samples, now];
    for (let i = 1; i < samples.length; i++) {
      const [before, after] = [totals(samples[i - 1] as Sample), totals(samples[i] as Sample)];
      rates.at.push((samples[i] as Sample).at);
      rates.accepted.push(after.accepted - before.accepted);
      rates.succeeded.push(after.succeeded - before.succeeded);
      rates.failed.push(after.failed - before.failed);
    }
    return rates;
  }
}

function totals({ counters }: Sample): { accepted: number; succeeded: number; failed: number } {
  const sum = { accepted: 0, succeeded: 0, failed: 0 };
  for (const [name, value] of Object.entries(counters)) {
    const [kind, status] = name.slice(LEDGER_PREFIX.length).split('/');
    if (kind === 'opened') sum.accepted += value;
    else if (kind === 'settled') sum[status === 'Succeeded' ? 'succeeded' : 'failed'] += value;
  }
  return sum;
}

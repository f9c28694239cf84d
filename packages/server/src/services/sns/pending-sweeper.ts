/**
 * Removes subscriptions that nobody confirmed in time, and forgets removed ones that can no longer be restored.
 */
import {
  PENDING_KEPT_MS,
  SUBSCRIPTIONS,
  type SubscriptionRecord,
  TOKEN_VALID_MS,
} from '../../domain/sns-topic.ts';
import type { Timer } from '../../platform/clock.ts';
import type { Effect } from '../../store/store.ts';
import type { SnsDeps } from './deps.ts';
import { REMOVED, type RemovedSubscription } from './removed.ts';

const EVERY_MS = 3_600_000;

export class PendingSweeper {
  readonly #deps: SnsDeps;
  #timer: Timer | undefined;

  constructor(deps: SnsDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { clock, activity, log } = this.#deps;
    this.#timer = clock.schedule(clock.now() + EVERY_MS, () => {
      activity.track(this.tick()).catch((error: unknown) => {
        log.error({ err: error }, 'removing unconfirmed subscriptions failed; the next round tries again');
      });
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  async tick(): Promise<void> {
    const { store, clock } = this.#deps;
    const now = clock.now();
    const effects: Effect[] = [];
    for (const { key, value } of store.resources.list<SubscriptionRecord>(SUBSCRIPTIONS)) {
      if (value.pending && now - value.pending.since > PENDING_KEPT_MS) {
        effects.push({ kind: 'remove', collection: SUBSCRIPTIONS, key });
      }
    }
    for (const { key, value } of store.resources.list<RemovedSubscription>(REMOVED)) {
      if (now - value.removedAt > TOKEN_VALID_MS) effects.push({ kind: 'remove', collection: REMOVED, key });
    }
    if (effects.length > 0) await store.commit(effects);
  }
}

/** Forgets log lines older than their group's retention, a while after they expire. */
import { DAY_MS, LOG_GROUPS, type LogGroup } from '../domain/log-groups.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Store } from '../store/store.ts';

/** AWS takes up to 72 hours (PutRetentionPolicy); an hour keeps the store small. */
const EVERY_MS = 3_600_000;

export interface LogRetention {
  start(): void;
  stop(): void;
  /** Erases what has expired now; resolves when that is durable. */
  tick(): Promise<void>;
}

export function createLogRetention(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly onError: (error: unknown) => void;
}): LogRetention {
  const { store, clock, activity, onError } = deps;
  let timer: Timer | undefined;
  const arm = () => {
    timer = clock.schedule(clock.now() + EVERY_MS, () => {
      activity.track(tick()).catch(onError);
      arm();
    });
  };
  async function tick(): Promise<void> {
    const now = clock.now();
    for (const { key, value } of store.resources.list<LogGroup>(LOG_GROUPS)) {
      if (value.retentionInDays === undefined) continue;
      await store.commit([{ kind: 'erase', group: key, before: now - value.retentionInDays * DAY_MS }]);
    }
  }
  return { start: arm, stop: () => timer?.cancel(), tick };
}

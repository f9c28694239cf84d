/**
 * Forgets what is older than it has to be: log lines past their group's retention, and events some time after
 * their acceptance, once they have a fate. The books keep what they counted. Old measurements become coarser.
 */
import { DAY_MS, LOG_GROUPS, type LogGroup } from '../domain/log-groups.ts';
import { METRIC_ROLL_UP } from '../domain/metric-series.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Store } from '../store/store.ts';

/** AWS takes up to 72 hours (PutRetentionPolicy); an hour keeps the store small. */
const EVERY_MS = 3_600_000;
/** As long as a queue keeps a dead letter at the most, so both sides of a story last equally long. */
export const EVENT_RETENTION_MS = 14 * DAY_MS;
/** Events forgotten per round trip to the store. */
const PRUNE_BATCH = 10_000;

export interface Retention {
  start(): void;
  stop(): void;
  /** Erases what has expired now; resolves when that is durable. */
  tick(): Promise<void>;
}

export function createRetention(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly onError: (error: unknown) => void;
}): Retention {
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
    await store.rollUp(METRIC_ROLL_UP, now);
    while ((await store.prune(now - EVENT_RETENTION_MS, PRUNE_BATCH)) === PRUNE_BATCH);
  }

  return { start: arm, stop: () => timer?.cancel(), tick };
}

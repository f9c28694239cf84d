/** What the control API works on. */

import type { Engine } from '../engine/engine.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock, VirtualClock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Executor } from '../runtime/executor.ts';
import type { Store } from '../store/store.ts';

export interface ControlDeps {
  readonly store: Store;
  readonly engine: Engine;
  readonly executor: Executor;
  readonly clock: Clock;
  /** Present when the clock is virtual. */
  readonly virtualClock?: VirtualClock;
  readonly activity: Activity;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Log;
  readonly region: string;
  readonly accountId: string;
  /** Whether `reset` is allowed. */
  readonly allowReset: boolean;
  /** Present when every call must prove who it is; answers whether the pair is known. */
  readonly authenticate?: (accessKeyId: string, secret: string) => boolean;
}

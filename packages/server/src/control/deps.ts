/** What the control API works on. */

import type { Engine } from '../engine/engine.ts';
import type { FaultRules } from '../faults/fault-rules.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Executor } from '../runtime/executor.ts';
import type { Store } from '../store/store.ts';

export interface ControlDeps {
  readonly store: Store;
  readonly engine: Engine;
  readonly executor: Executor;
  readonly faults: FaultRules;
  readonly clock: Clock;
  /** Present when the clock is virtual: moves it by so many ms and answers with the new time. */
  readonly advanceClock?: (byMs: number) => Promise<number>;
  readonly activity: Activity;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Log;
  readonly region: string;
  readonly accountId: string;
  /** Present when every call must prove who it is; answers what the pair may do, or nothing when it is unknown. */
  readonly authenticate?: (accessKeyId: string, secret: string) => 'operator' | 'viewer' | undefined;
}

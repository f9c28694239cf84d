/** What the Lambda service is made of; handed in by the server. */

import type { InvocationEngine } from '../../engine/engine.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Random } from '../../platform/random.ts';
import type { CodeStore } from '../../runtime/executor.ts';
import type { Store } from '../../store/store.ts';

export interface LambdaDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly codeStore: CodeStore;
  readonly engine: InvocationEngine;
  readonly region: string;
  readonly accountId: string;
  /** Concurrent executions of the account; 1,000 when absent. */
  readonly accountConcurrency?: number;
  /** What this machine can run; a function that could never run is refused when it is created. */
  readonly runtimes?: { find(runtime: string): Promise<object | undefined> };
}

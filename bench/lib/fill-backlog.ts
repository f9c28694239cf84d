/** Puts a backlog of events into a data folder as fast as the store takes them: the same effects as an accepted call. */
import { join } from 'node:path';
import { planAccept } from '../../packages/server/src/domain/lifecycle.ts';
import { RealClock } from '../../packages/server/src/platform/clock.ts';
import { createIds } from '../../packages/server/src/platform/ids.ts';
import { SystemRandom } from '../../packages/server/src/platform/random.ts';
import { openSqliteStore } from '../../packages/server/src/store/sqlite/sqlite-store.ts';
import { answer } from './child.ts';
import { makeEvent } from './signed-request.ts';

export interface Fill {
  readonly kind: 'fill';
  readonly data: string;
  readonly functionName: string;
  readonly events: number;
  readonly payloadBytes: number;
}

const AT_A_TIME = 2_000;

answer<Fill>({
  async fill({ data, functionName, events, payloadBytes }) {
    const clock = new RealClock();
    const ids = createIds(clock, new SystemRandom());
    const store = await openSqliteStore({ path: join(data, 'redrive.db') });
    const functionArn = `arn:aws:lambda:us-east-1:000000000000:function:${functionName}:$LATEST`;
    const payload = makeEvent(payloadBytes).toString();
    for (let done = 0; done < events; done += AT_A_TIME) {
      const commits = Array.from({ length: Math.min(AT_A_TIME, events - done) }, () =>
        store.commit(
          planAccept(
            { requestId: ids.ordered(), functionName, functionArn, payload, source: 'Invoke' },
            clock.now(),
          ),
        ),
      );
      await Promise.all(commits);
    }
    await store.close();
  },
});

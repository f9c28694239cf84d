/** Events are forgotten two weeks after they were accepted, pending ones never, and the books keep both. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRetention, EVENT_RETENTION_MS } from '../../src/engine/retention.ts';
import { Activity } from '../../src/platform/activity.ts';
import { createEngineWorld, succeeded } from './engine-world.ts';

test('settled events go after their time, the books stay balanced', async (t) => {
  const world = await createEngineWorld(t, 1);
  const { clock, store } = world;
  await world.addFunction('f', { maximumRetryAttempts: 0 });
  const node = await world.startNode({ run: () => succeeded(clock.now()) });
  const old = await world.accept(node, 'f');
  await clock.advance(EVENT_RETENTION_MS);
  const young = await world.accept(node, 'f');
  await clock.advance(1);

  const retention = createRetention({ store, clock, activity: new Activity(), onError: assert.ifError });
  await retention.tick();

  assert.equal(await store.readSubject(old), undefined);
  assert.equal((await store.readSubject(young))?.subject.status, 'Succeeded');
  const { drift, lost } = await store.audit();
  assert.deepEqual(drift, []);
  assert.equal(lost.count, 0);
});

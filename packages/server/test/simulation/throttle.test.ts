/**
 * Events that find no slot, and a house that cannot run them: both back off from 1 second to 5 minutes, doubling,
 * without using up a retry, until the event is too old.
 * Source: "How Lambda handles errors and retries with asynchronous invocation".
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timeOfOrderedId } from '../../src/platform/ids.ts';
import { createEngineWorld, type EngineWorld, failed, succeeded, systemError } from './engine-world.ts';

const SECOND = 1_000;
const MAX_DELAY = 300 * SECOND;

/** Delays of 1, 2, 4 … 256, 300, 300 … seconds, as long as the next try is younger than the age. */
function expectedDelays(ageMs: number): number[] {
  const delays: number[] = [];
  for (let elapsed = 0, delay = SECOND; elapsed + delay < ageMs; delay = Math.min(delay * 2, MAX_DELAY)) {
    delays.push(delay);
    elapsed += delay;
  }
  return delays;
}

async function delaysOf(world: EngineWorld, id: string): Promise<number[]> {
  const { entries } = (await world.read(id))!;
  return entries.filter(({ kind }) => kind === 'retryScheduled').map(({ data }) => Number(data?.delayMs));
}

for (const ageSeconds of [60, 127, 128, 1_000, 21_600]) {
  test(`an event that never finds a slot backs off until it is ${ageSeconds} s old`, async (t) => {
    const world = await createEngineWorld(t, ageSeconds);
    await world.addFunction('busy', { maximumEventAgeSeconds: ageSeconds });
    const node = await world.startNode({
      run: () => assert.fail('ran without a slot'),
      accountConcurrency: 0,
      room: 0,
    });
    const acceptedAt = world.clock.now();
    const id = await world.accept(node, 'busy');
    await world.clock.advance(ageSeconds * SECOND);

    const delays = expectedDelays(ageSeconds * SECOND);
    assert.deepEqual(await delaysOf(world, id), delays);
    const { subject } = (await world.read(id))!;
    assert.equal(subject.status, 'DeadLettered');
    assert.equal(subject.reason, 'EventAgeExceeded');
    const lastTry = acceptedAt + delays.reduce((sum, delay) => sum + delay, 0);
    assert.equal(subject.settledAt, lastTry, 'it ends when its next try would come too late');
    assert.deepEqual(await world.deadLetters(), [{ requestId: id, code: '429', message: 'Rate Exceeded.' }]);
  });
}

test('errors of the house double their delay and use up no retry', async (t) => {
  const world = await createEngineWorld(t, 1);
  await world.addFunction('f', { maximumRetryAttempts: 1 });
  const script = [systemError, systemError, systemError, failed, systemError, systemError, succeeded];
  let run = 0;
  const node = await world.startNode({
    run: () => {
      const next = script[run++] ?? succeeded;
      return typeof next === 'function' ? next(world.clock.now()) : next;
    },
  });
  const id = await world.accept(node, 'f');
  await world.clock.advance(200 * SECOND);
  assert.equal(run, script.length);
  assert.deepEqual(
    await delaysOf(world, id),
    [1, 2, 4, 60, 1, 2].map((seconds) => seconds * SECOND),
  );
  const { subject, entries } = (await world.read(id))!;
  assert.equal(subject.status, 'Succeeded');
  const attempts = entries.filter(({ kind }) => kind === 'attempt');
  assert.deepEqual(
    attempts.map(({ data }) => data?.number),
    [1, 2],
  );
});

test('a crowd without slots: none is run too old, all get their fate, the books balance at every step', async (t) => {
  const world = await createEngineWorld(t, 2);
  const ageSeconds = 300;
  await world.addFunction('crowded', { maximumEventAgeSeconds: ageSeconds, maximumRetryAttempts: 0 });
  const accepted: string[] = [];
  const tooOld: string[] = [];
  let open = false;
  const node = await world.startNode({
    accountConcurrency: 1,
    room: 1,
    run: ({ requestId }) => {
      if (world.clock.now() - timeOfOrderedId(requestId) >= ageSeconds * SECOND) tooOld.push(requestId);
      return open ? succeeded(world.clock.now()) : systemError;
    },
  });
  for (let step = 0; step < 60; step++) {
    for (let i = 0; i < 10; i++) accepted.push(await world.accept(node, 'crowded'));
    open = step % 3 === 0;
    await world.clock.advance(10 * SECOND);
    const ledger = await world.ledger();
    assert.equal(ledger.unaccounted, 0);
    assert.equal(ledger.accepted, accepted.length);
  }
  await world.clock.advance(ageSeconds * SECOND);
  assert.deepEqual(tooOld, []);
  const { pending, fates } = await world.ledger();
  assert.equal(pending, 0);
  assert.equal(fates.DeadLettered, (await world.deadLetters()).length);
  t.diagnostic(JSON.stringify(fates));
});

/**
 * Servers that freeze in the middle of their work and come back after others have taken it over, on a disk that
 * fails now and then: every event that was accepted gets exactly one fate and one dead letter at most, refused
 * ones do not exist, and nobody runs more often than allowed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createEngineWorld,
  type EngineWorld,
  failed,
  type Node,
  succeeded,
  systemError,
} from './engine-world.ts';

const SEED = Number(process.env.REDRIVE_SIMULATION_SEED ?? Date.now() % 1_000_000);
const WORLDS = 4;
const STEPS = 60;
const FUNCTIONS = [0, 1, 2] as const;
/** Longer than a hold of 30 minutes: what a frozen node holds comes back by itself too. */
const LONG_STEP_MS = 31 * 60_000;

for (let i = 0; i < WORLDS; i++) {
  const seed = SEED + i;
  test(`frozen holders settle nothing twice (seed ${seed})`, { timeout: 120_000 }, async (t) => {
    const world = await createEngineWorld(t, seed);
    const { random, clock } = world;
    for (const retries of FUNCTIONS)
      await world.addFunction(`f${retries}`, { maximumRetryAttempts: retries });
    const accepted = new Map<string, number>();
    let refused = 0;
    const startNode = () =>
      world.startNode({
        run: () => {
          const dice = random.next();
          return dice < 0.5 ? succeeded(clock.now()) : dice < 0.9 ? failed(clock.now()) : systemError;
        },
      });
    let node = await startNode();
    const frozen: Node[] = [];
    for (let step = 0; step < STEPS; step++) {
      const broken = random.next() < 0.1;
      if (broken) {
        await world.store.injectDiskFault({ kind: random.next() < 0.5 ? 'full' : 'failingFlush' });
      }
      const calls = Array.from({ length: Math.floor(random.next() * 10) }, async () => {
        const retries = Math.floor(random.next() * FUNCTIONS.length);
        try {
          accepted.set(await world.accept(node, `f${retries}`), retries);
        } catch (error) {
          assert.equal((error as Error).name, 'StoreUnavailable');
          refused++;
        }
      });
      if (random.next() < 0.15) {
        // Frozen with calls, runs and commits under way; their callers never hear of them.
        node.freeze();
        frozen.push(node);
      } else {
        await Promise.all(calls);
      }
      if (broken) await world.store.injectDiskFault(undefined);
      if (frozen.includes(node)) node = await startNode();
      await clock.advance(random.next() < 0.1 ? LONG_STEP_MS : Math.floor(random.next() * 120_000));
      assert.equal((await world.ledger()).unaccounted, 0, `step ${step}`);
      if (frozen.length > 0 && random.next() < 0.3) frozen.shift()?.thaw();
    }
    for (const old of frozen) old.thaw();
    await clock.advance(LONG_STEP_MS);
    await clock.advance(LONG_STEP_MS);
    await check(world, accepted);
    t.diagnostic(
      `${accepted.size} accepted, ${refused} refused, ${JSON.stringify((await world.ledger()).fates)}`,
    );
  });
}

async function check(world: EngineWorld, accepted: ReadonlyMap<string, number>): Promise<void> {
  const ledger = await world.ledger();
  assert.equal(ledger.pending, 0);
  assert.equal(ledger.unaccounted, 0);
  for (const [id, retries] of accepted) {
    const found = await world.read(id);
    assert.ok(found, `${id} was accepted and does not exist`);
    const fates = found.entries.filter(({ kind }) => kind === 'fate');
    assert.equal(fates.length, 1, `${id} has ${fates.length} fates`);
    const attempts = found.entries.filter(({ kind }) => kind === 'attempt');
    assert.ok(attempts.length <= retries + 1, `${id} has ${attempts.length} attempts`);
  }
  const letters = (await world.deadLetters()).map(({ requestId }) => requestId);
  assert.equal(new Set(letters).size, letters.length, 'an event with two dead letters');
  assert.equal(letters.length, ledger.fates.DeadLettered);
  const audit = await world.store.audit();
  assert.equal(audit.lost.count, 0);
  assert.deepEqual(audit.drift, []);
}

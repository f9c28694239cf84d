/**
 * Random histories: units, receives, time, holders that vanish and restarts, several asked for in one turn. After
 * every step the store must answer as the model does; so units are all or none, stale receipts conflict, groups
 * keep their order, duplicates are skipped, subjects settle once, and counters add up.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CommitResult, Effect, Message, Receipt, Store, Unit } from '../../../src/store/store.ts';
import { type OpenStore, openIn } from './harness.ts';
import { Model } from './model.ts';

const QUEUES = ['a', 'b'];
const HOLDERS = ['h1', 'h2'];
const MAX_WAIT_MS = 12;
/** A version that no resource has. */
const NO_VERSION = 1_000_000_000;

const small = fc.integer({ min: 0, max: MAX_WAIT_MS });
const pick = fc.nat();
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const queue = fc.constantFrom(...QUEUES);

/** An effect before it is known which receipts, subjects and versions there are to name. */
const effects = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      queue,
      delay: small,
      age: small,
      group: maybe(fc.constantFrom('x', 'y')),
      lease: maybe(fc.constantFrom(...HOLDERS)),
      dedup: maybe(fc.constantFrom('k1', 'k2')),
      subject: maybe(pick),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('ack' as const), receipt: pick, heldAt: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('reschedule' as const),
      receipt: pick,
      heldAt: fc.boolean(),
      delay: small,
      release: fc.boolean(),
      state: maybe(pick),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('open' as const), again: maybe(pick) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('append' as const), subject: pick, settle: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('count' as const), by: fc.integer({ min: -5, max: 5 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('put' as const, 'remove' as const),
      key: fc.constantFrom('k1', 'k2'),
      guard: fc.constantFrom('none', 'current', 'wrong'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('clear' as const), queue, sentBefore: fc.boolean() }),
  },
);
type Plan = typeof effects extends fc.Arbitrary<infer T> ? T : never;

const receives = fc.record({
  kind: fc.constant('receive' as const),
  queue,
  max: fc.integer({ min: 1, max: 4 }),
  leaseMs: small,
  holder: maybe(fc.constantFrom(...HOLDERS)),
});
const steps = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('turn' as const),
      asked: fc.array(fc.oneof(fc.array(effects, { minLength: 1, maxLength: 4 }), receives), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: small }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('holdersGone' as const), alive: fc.subarray(HOLDERS) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

/** One history: the model, and the names in use so far. */
class History {
  readonly model = new Model();
  readonly #prefix: string;
  readonly receipts: Receipt[] = [];
  readonly subjects: string[] = [];
  now = 100;
  #next = 0;

  /** Histories share a store, so each has names of its own; what the last one left is where versions go on. */
  constructor(run: number, versionFloor: number) {
    this.#prefix = `run${run}/`;
    this.model.floor = versionFloor;
  }

  name(name: string): string {
    return this.#prefix + name;
  }

  plan(plans: readonly Plan[]): Unit {
    return plans.flatMap((plan) => this.#effect(plan));
  }

  #effect(plan: Plan): Effect[] {
    switch (plan.kind) {
      case 'send': {
        const sentAt = this.now - plan.age;
        const subject = plan.subject === undefined ? undefined : this.#subject(plan.subject);
        return [
          {
            kind: 'send',
            queue: this.name(plan.queue),
            message: {
              id: this.name(`m${this.#next++}`),
              sentAt,
              dueAt: this.now + plan.delay,
              group: plan.group,
              subject,
              body: subject === undefined ? 'body' : undefined,
            },
            lease:
              plan.lease === undefined ? undefined : { leaseMs: plan.delay, holder: this.name(plan.lease) },
            dedup: plan.dedup === undefined ? undefined : { key: plan.dedup, until: sentAt + MAX_WAIT_MS },
          },
        ];
      }
      case 'ack':
      case 'reschedule': {
        const receipt = this.receipts.at(-1 - (plan.receipt % Math.min(this.receipts.length || 1, 6)));
        if (!receipt) return [];
        const heldAt = plan.heldAt ? this.now : undefined;
        if (plan.kind === 'ack') return [{ kind: 'ack', receipt, heldAt }];
        const state = plan.state === undefined ? undefined : { n: plan.state };
        return [
          { kind: 'reschedule', receipt, heldAt, dueAt: this.now + plan.delay, release: plan.release, state },
        ];
      }
      case 'open': {
        const subject = plan.again === undefined ? this.name(`s${this.#next++}`) : this.#subject(plan.again);
        if (plan.again === undefined) this.subjects.push(subject);
        return [{ kind: 'open', subject, topic: this.name('t'), at: this.now, payload: subject, data: {} }];
      }
      case 'append': {
        const entries = [{ at: this.now, kind: `e${this.#next++}` }];
        const settle = plan.settle ? { status: 'Succeeded' } : undefined;
        return [{ kind: 'append', subject: this.#subject(plan.subject), entries, settle }];
      }
      case 'count':
        return [{ kind: 'count', counter: this.name('n'), by: plan.by }];
      case 'put':
      case 'remove': {
        const key = plan.key;
        const current = this.model.resources.get(key)?.version ?? 0;
        const ifVersion = { none: undefined, current, wrong: NO_VERSION }[plan.guard];
        const collection = this.name('c');
        if (plan.kind === 'remove') return [{ kind: 'remove', collection, key, ifVersion }];
        return [{ kind: 'put', collection, key, value: { n: this.#next++ }, ifVersion }];
      }
      case 'clear':
        return [
          {
            kind: 'clear',
            queue: this.name(plan.queue),
            sentBefore: plan.sentBefore ? this.now - 6 : undefined,
          },
        ];
    }
  }

  /** One of those that may be open, or one that nobody has opened. */
  #subject(choice: number): string {
    return this.subjects.at(-1 - (choice % (this.subjects.length + 1))) ?? this.name('nobody');
  }
}

function comparable(result: CommitResult): unknown {
  if (result.kind === 'conflict') return result;
  return { ...result, sent: result.sent.map(({ receipt, duplicate }) => [receipt.id, duplicate]) };
}

async function takeTurn(
  store: Store,
  history: History,
  asked: readonly (Plan[] | { kind: 'receive' })[],
): Promise<void> {
  const { model } = history;
  const running: Promise<() => void>[] = [];
  for (const one of asked) {
    if (Array.isArray(one)) {
      const unit = history.plan(one);
      const expected = model.commit(unit);
      running.push(
        store.commit(unit).then((result) => () => {
          assert.deepEqual(comparable(result), expected);
          if (result.kind === 'conflict') return;
          for (const sent of result.sent) if (sent.receipt.lease > 0) history.receipts.push(sent.receipt);
        }),
      );
    } else {
      const request = one as typeof receives extends fc.Arbitrary<infer T> ? T : never;
      const { max, leaseMs } = request;
      const holder = request.holder === undefined ? undefined : history.name(request.holder);
      const name = history.name(request.queue);
      const expected = model
        .receive(name, max, history.now, leaseMs, holder)
        .map(({ id, receiveCount, state }) => [id, receiveCount, state]);
      running.push(
        store
          .receive({ queue: name, max, leaseMs, holder, now: history.now })
          .then((messages: Message[]) => () => {
            assert.deepEqual(
              messages.map(({ id, receiveCount, state }) => [id, receiveCount, state]),
              expected,
            );
            for (const message of messages) assert.equal(message.body, message.subject ?? 'body');
            history.receipts.push(...messages.map((message) => message.receipt));
          }),
      );
    }
  }
  for (const check of await Promise.all(running)) check();
}

async function compare(store: Store, history: History): Promise<void> {
  const { model, now } = history;
  for (const short of QUEUES) {
    const name = history.name(short);
    assert.deepEqual(await store.readDepth(name, now), model.depth(name, now));
    const nextDue = model.nextDue(name);
    const expected = nextDue === undefined ? [] : [{ queue: name, dueAt: nextDue }];
    assert.deepEqual(await store.readNextDue(name), expected);
    const browsed = await store.browse(name, { limit: 1000 });
    assert.deepEqual(
      browsed.map((message) => message.id),
      model.browse(name),
    );
  }
  for (const subject of history.subjects) {
    const found = await store.readSubject(subject);
    const expected = model.subjects.get(subject);
    assert.deepEqual(
      found && { status: found.subject.status, entries: found.entries.map((entry) => entry.kind) },
      expected,
    );
  }
  const counters = await store.readCounters(history.name(''));
  assert.equal(counters[history.name('n')] ?? 0, model.counters.get(history.name('n')) ?? 0);
  for (const key of ['k1', 'k2']) {
    assert.deepEqual(store.resources.get(history.name('c'), key)?.value, model.resources.get(key)?.value);
  }
}

export function properties(open: OpenStore): void {
  test('any history: the store answers as the model does', async (t) => {
    const under = await openIn(t, open);
    let run = 0;
    let versionFloor = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 40 }), async (history) => {
        const state = new History(run++, versionFloor);
        try {
          for (const step of history) {
            switch (step.kind) {
              case 'turn':
                await takeTurn(under.store, state, step.asked);
                break;
              case 'wait':
                state.now += step.ms;
                break;
              case 'holdersGone': {
                // Only holders of this history: those of others are all alive.
                const alive = step.alive.map((holder) => state.name(holder));
                const others = Array.from({ length: run - 1 }, (_, i) =>
                  HOLDERS.map((holder) => `run${i}/${holder}`),
                ).flat();
                assert.equal(
                  await under.store.releaseHolders([...alive, ...others], state.now),
                  state.model.releaseHolders(alive, state.now),
                );
                break;
              }
              case 'restart':
                await under.reopen();
                break;
            }
            await compare(under.store, state);
          }
        } finally {
          versionFloor = state.model.floor;
        }
      }),
      { numRuns: Number(process.env.REDRIVE_TEST_RUNS ?? 60) },
    );
    const { drift } = await under.store.audit();
    assert.deepEqual(drift, []);
  });
}

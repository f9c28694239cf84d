/**
 * Event source mappings over hours of virtual time: functions that fail, are throttled and take long, messages
 * that nobody can digest, servers that die at the worst moment. The laws, for every seed:
 *
 * - no message is lost: each was processed by a run that said so, or is in the dead-letter queue;
 * - nothing is deleted that was not processed;
 * - a message is never in two runs at once while its lease lasts;
 * - order within a FIFO group holds;
 * - without crashes and throttles, only what cannot be digested becomes a dead letter.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMapping } from '../../src/domain/event-source-mapping.ts';
import type { Outcome } from '../../src/domain/invocation.ts';
import { createRecord } from '../../src/domain/lambda-configuration.ts';
import { LAMBDA_COLLECTIONS, toValue } from '../../src/domain/lambda-function.ts';
import { QUEUES, queueArn, queueMessagesName } from '../../src/domain/sqs-queue.ts';
import type { InvocationEngine } from '../../src/engine/engine.ts';
import { EventSourceMappings } from '../../src/engine/event-source-mapping.ts';
import { Activity } from '../../src/platform/activity.ts';
import { VirtualClock } from '../../src/platform/clock.ts';
import { createIds } from '../../src/platform/ids.ts';
import { SeededRandom } from '../../src/platform/random.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store, Unit } from '../../src/store/store.ts';
import { atEnd, type Cleanup } from '../support/cleanup.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { failed, succeeded, systemError } from './engine-world.ts';

const PLACE = { region: 'us-east-1', accountId: '000000000000' };
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const START_AT = Date.UTC(2030, 0, 1);
const VISIBILITY_MS = 60_000;
const MAX_RECEIVES = 4;
const MESSAGES = 60;
const HOUR_MS = 3_600_000;

interface Plan {
  readonly fifo: boolean;
  readonly reports: boolean;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly crashes: boolean;
  readonly throttles: boolean;
}

interface Run {
  readonly ids: readonly string[];
  readonly groups: readonly string[];
}

/** What is under way for a node; ends with it when it dies. */
class MortalActivity {
  readonly #shared: Activity;
  readonly #ends = new Set<() => void>();
  #dead = false;
  constructor(shared: Activity) {
    this.#shared = shared;
  }
  begin(): () => void {
    if (this.#dead) return () => undefined;
    const end = this.#shared.begin();
    this.#ends.add(end);
    return () => {
      this.#ends.delete(end);
      end();
    };
  }
  die(): void {
    this.#dead = true;
    for (const end of this.#ends) end();
    this.#ends.clear();
  }
}

/** A store that never answers again once its node is dead. */
function mortal(store: Store, isDead: () => boolean): Store {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function') return value;
      if (name === 'onQueueChange') return value.bind(target);
      const method = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) =>
        isDead()
          ? new Promise(() => undefined)
          : method(...args).then((result) => (isDead() ? new Promise(() => undefined) : result));
    },
  });
}

async function simulate(t: Cleanup, seed: number, plan: Plan): Promise<void> {
  const random = new SeededRandom(seed);
  const chance = (probability: number) => random.next() < probability;
  const activity = new Activity();
  const clock = new VirtualClock(START_AT, activity);
  const ids = createIds(clock, random);
  const store = await openSqliteStore({ path: join(await tempFolder(t), 'redrive.db'), activity });
  atEnd(t, () => store.close());
  const suffix = plan.fifo ? '.fifo' : '';
  const arn = (name: string) => queueArn(PLACE.region, PLACE.accountId, name + suffix);
  const queue = (name: string, attributes: Record<string, string>): Unit[number] => ({
    kind: 'put',
    collection: QUEUES,
    key: name + suffix,
    value: { name: name + suffix, arn: arn(name), createdAt: 0, modifiedAt: 0, attributes, tags: {} },
  });
  const record = createRecord(
    { name: 'fn', ...PLACE, revisionId: 'r', lastModifiedAt: START_AT },
    { codeSha256: '0'.repeat(64), codeSize: 1 },
    { runtime: 'nodejs24.x', handler: 'index.handler', role: 'role' },
  );
  const mapping = createMapping(
    {
      uuid: 'mapping',
      ...PLACE,
      eventSourceArn: arn('source'),
      functionName: 'fn',
      functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:fn',
    },
    {
      batchSize: plan.batchSize,
      maximumBatchingWindowSeconds: plan.windowSeconds,
      functionResponseTypes: plan.reports ? ['ReportBatchItemFailures'] : [],
    },
    START_AT,
  );
  const redrive = JSON.stringify({ deadLetterTargetArn: arn('dead'), maxReceiveCount: MAX_RECEIVES });
  await store.commit([
    queue('dead', {}),
    queue('source', { VisibilityTimeout: String(VISIBILITY_MS / 1000), RedrivePolicy: redrive }),
    { kind: 'put', collection: LAMBDA_COLLECTIONS.functions, key: 'fn', value: toValue(record) },
    {
      kind: 'put',
      collection: LAMBDA_COLLECTIONS.eventSourceMappings,
      key: 'mapping',
      value: toValue(mapping),
    },
  ]);

  const processed = new Map<string, number>();
  /** Order in which messages of a group were first processed. */
  const orders = new Map<string, string[]>();
  /** When the lease of a message in a run ends. */
  const underWay = new Map<string, number>();
  let crashNow: () => void = () => undefined;

  /** The function: what it does to a batch, after a while. */
  function engineOf(isDead: () => boolean): InvocationEngine {
    return {
      accept: async () => undefined,
      async invoke(input): Promise<Outcome> {
        const { Records } = JSON.parse(input.payload) as {
          Records: { messageId: string; body: string; attributes: Record<string, string> }[];
        };
        assert.ok(Records.length > 0 && Records.length <= plan.batchSize);
        if (plan.throttles && chance(0.2)) {
          return chance(0.5)
            ? { kind: 'throttled', reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' }
            : systemError;
        }
        const now = clock.now();
        for (const { messageId, attributes } of Records) {
          assert.ok((underWay.get(messageId) ?? 0) <= now, `${messageId} is in two runs at ${now}`);
          const receivedAt = Number(attributes.ApproximateReceiveCount);
          assert.ok(receivedAt <= MAX_RECEIVES, `${messageId} was received ${receivedAt} times`);
          underWay.set(messageId, now + VISIBILITY_MS);
        }
        const run: Run = {
          ids: Records.map(({ messageId }) => messageId),
          groups: Records.map(({ attributes }) => attributes.MessageGroupId ?? ''),
        };
        await new Promise<void>((resolve) =>
          clock.schedule(now + Math.floor(random.next() * 5_000), resolve),
        );
        // Its server has died, and the function with it.
        if (isDead()) return systemError;
        const outcome = judge(Records, run);
        for (const id of run.ids) underWay.delete(id);
        // Dying between the end of a run and the deletion of its messages is the worst moment.
        if (plan.crashes && !isDead() && chance(0.03)) crashNow();
        return outcome;
      },
    };
  }

  function judge(records: readonly { messageId: string; body: string }[], run: Run): Outcome {
    const bad = records.filter(
      ({ body }) => body.startsWith('poison') || (body.startsWith('flaky') && chance(0.4)),
    );
    if (!plan.reports && bad.length > 0) return failed(clock.now());
    const failedIds = new Set(bad.map(({ messageId }) => messageId));
    const blocked = new Set<string>();
    const reported: string[] = [];
    run.ids.forEach((id, i) => {
      const group = run.groups[i] as string;
      // What AWS asks of functions of FIFO queues: stop a group at its first failure.
      if (failedIds.has(id) || (plan.fifo && blocked.has(group))) {
        blocked.add(group);
        reported.push(id);
        return;
      }
      if (!processed.has(id)) orders.set(group, [...(orders.get(group) ?? []), id]);
      processed.set(id, (processed.get(id) ?? 0) + 1);
    });
    return {
      ...(succeeded(clock.now()) as Extract<Outcome, { kind: 'succeeded' }>),
      payload: JSON.stringify({ batchItemFailures: reported.map((itemIdentifier) => ({ itemIdentifier })) }),
    };
  }

  let stopNode: () => Promise<void> = async () => undefined;
  let generation = 0;
  async function startNode(): Promise<void> {
    generation++;
    const own = generation;
    let dead = false;
    const holder = `node-${own}`;
    await store.releaseHolders([holder], clock.now());
    const mortalActivity = new MortalActivity(activity);
    const manager = new EventSourceMappings({
      store: mortal(store, () => dead),
      clock,
      ids,
      activity: mortalActivity as unknown as Activity,
      log: SILENT,
      engine: engineOf(() => dead),
      holder,
    });
    manager.start();
    stopNode = () => manager.stop();
    crashNow = () => {
      if (own !== generation) return;
      dead = true;
      mortalActivity.die();
      underWay.clear();
      const end = activity.begin();
      void startNode().finally(end);
    };
  }
  await startNode();
  atEnd(t, () => stopNode());

  const sent: { readonly id: string; readonly group: string; readonly body: string }[] = [];
  for (let i = 0; i < MESSAGES; i++) {
    const kind = chance(0.1) ? 'poison' : chance(0.2) ? 'flaky' : 'good';
    const message = { id: `m${i}`, group: `g${Math.floor(random.next() * 4)}`, body: `${kind} ${i}` };
    sent.push(message);
    const now = clock.now();
    await store.commit([
      {
        kind: 'send',
        queue: queueMessagesName(`source${suffix}`),
        message: {
          id: message.id,
          dueAt: now,
          sentAt: now,
          body: message.body,
          attributes: plan.fifo ? { groupId: message.group } : {},
          group: plan.fifo ? message.group : undefined,
        },
      },
    ]);
    if (chance(0.3)) await clock.advance(Math.floor(random.next() * 20_000));
    if (plan.crashes && chance(0.05)) crashNow();
  }
  const left = () => store.browse(queueMessagesName(`source${suffix}`), { limit: 1000 });
  for (let i = 0; i < 48 && (await left()).length > 0; i++) await clock.advance(HOUR_MS / 4);

  assert.deepEqual(
    (await left()).map(({ id }) => id),
    [],
    'the queue has been emptied',
  );
  const dead = await store.browse(queueMessagesName(`dead${suffix}`), { limit: 1000 });
  const deadIds = new Set(dead.map(({ id }) => id));
  for (const { id } of sent) assert.ok(processed.has(id) || deadIds.has(id), `${id} is lost`);
  for (const { id, body } of sent) {
    if (body.startsWith('poison')) assert.ok(deadIds.has(id) && !processed.has(id), `${id} was digested`);
  }
  if (!plan.crashes && !plan.throttles) {
    for (const { id, body } of sent) {
      if (body.startsWith('good')) assert.ok(!deadIds.has(id), `${id} died of its neighbours`);
      assert.ok(!(deadIds.has(id) && processed.has(id)), `${id} was processed and yet is a dead letter`);
    }
  }
  if (plan.fifo) {
    for (const [group, order] of orders) {
      const numbers = order.map((id) => Number(id.slice(1)));
      assert.deepEqual(
        numbers,
        [...numbers].sort((a, b) => a - b),
        `order of ${group}`,
      );
    }
  }
}

const SEEDS = [1, 2, 3, 4, 6, 104];
for (const fifo of [false, true]) {
  for (const reports of [false, true]) {
    test(`${fifo ? 'FIFO' : 'standard'} queue, ${reports ? 'partial responses' : 'whole batches'}`, async (t) => {
      for (const seed of SEEDS) {
        const plan: Plan = {
          fifo,
          reports,
          batchSize: 1 + (seed % 10),
          windowSeconds: fifo ? 0 : seed % 3,
          crashes: seed % 2 === 0,
          throttles: seed % 3 === 0,
        };
        await t.test(`seed ${seed}: ${JSON.stringify(plan)}`, (inner) => simulate(inner, seed, plan));
      }
    });
  }
}

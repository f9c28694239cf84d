import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Activity } from '../platform/activity.ts';
import { GroupCommit, type Work, type WorkResult } from './group-commit.ts';
import { StoreUnavailable, type Unit } from './store.ts';

const unit = (body = ''): Unit => [
  { kind: 'send', queue: 'q', message: { id: 'm', dueAt: 0, sentAt: 0, body } },
];
const committed: WorkResult = { kind: 'committed', sent: [], versions: [] };

/** A database that answers when told. */
function slowDatabase(maxInFlight = 1) {
  const batches: {
    works: readonly Work[];
    answer: (results?: WorkResult[]) => void;
    fail: (error: Error) => void;
  }[] = [];
  const activity = new Activity();
  const group = new GroupCommit({
    maxInFlight,
    activity,
    execute: (works) =>
      new Promise((resolve, reject) => {
        const all = works.map(() => committed);
        batches.push({ works, answer: (results = all) => resolve(results), fail: reject });
      }),
  });
  return { group, batches, activity };
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('what is asked for in one turn is one batch; what comes meanwhile is the next', async () => {
  const { group, batches, activity } = slowDatabase();
  const first = [group.commit(unit()), group.receive({ queue: 'q', max: 1, now: 0, leaseMs: 0 })];
  await turn();
  const second = [group.commit(unit()), group.commit(unit())];
  await turn();
  assert.deepEqual(
    batches.map((batch) => batch.works.map((work) => work.kind)),
    [['commit', 'receive']],
  );
  batches[0]?.answer([committed, []]);
  assert.deepEqual(await Promise.all(first), [committed, []]);
  await turn();
  assert.equal(batches[1]?.works.length, 2);
  assert.ok(!activity.idle);
  batches[1]?.answer();
  await Promise.all(second);
  await turn();
  assert.ok(activity.idle);
});

test('a batch is bounded in units and in size', async () => {
  const { group, batches } = slowDatabase(100);
  const small = Array.from({ length: 2500 }, () => group.commit(unit()));
  const large = Array.from({ length: 5 }, () => group.commit(unit('x'.repeat(3 * 2 ** 20))));
  await turn();
  assert.deepEqual(
    batches.map((batch) => batch.works.length),
    [1000, 1000, 502, 2, 1],
  );
  for (const batch of batches) batch.answer();
  await Promise.all([...small, ...large]);
});

test('a batch that fails rejects all its callers, and the next goes its way', async () => {
  const { group, batches } = slowDatabase();
  const failing = Promise.allSettled([group.commit(unit()), group.commit(unit())]);
  await turn();
  batches[0]?.fail(new Error('disk full'));
  for (const result of await failing) {
    assert.ok(result.status === 'rejected' && result.reason instanceof StoreUnavailable);
    assert.match(result.reason.message, /disk full/);
  }
  const next = group.commit(unit());
  await turn();
  batches[1]?.answer();
  assert.equal((await next).kind, 'committed');
});

test('an Error as result rejects its caller alone', async () => {
  const { group, batches } = slowDatabase();
  const both = Promise.allSettled([group.commit(unit()), group.commit(unit())]);
  await turn();
  batches[0]?.answer([new RangeError('this one'), committed]);
  assert.deepEqual(
    (await both).map((result) => result.status),
    ['rejected', 'fulfilled'],
  );
});

test('closing waits for what is under way and refuses the rest', async () => {
  const { group, batches } = slowDatabase();
  const last = group.commit(unit());
  let closed = false;
  const closing = group.close().then(() => {
    closed = true;
  });
  await assert.rejects(group.commit(unit()), StoreUnavailable);
  await turn();
  assert.ok(!closed);
  batches[0]?.answer();
  await last;
  await closing;
});

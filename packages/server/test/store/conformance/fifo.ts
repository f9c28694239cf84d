/** Groups: their order survives everything, and one that is blocked holds up nobody else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message, QueueChange } from '../../../src/store/store.ts';
import { ack, commit, idsOf, type OpenStore, openIn, receive, send } from './harness.ts';

const inGroup = (group: string, ...ids: string[]) => ids.map((id) => send(id, { group }));

export function fifo(open: OpenStore): void {
  test('a receive hands out one group in order before it turns to the next', async (t) => {
    const { store } = await openIn(t, open);
    await commit(
      store,
      send('a1', { group: 'a' }),
      send('b1', { group: 'b' }),
      send('a2', { group: 'a' }),
      send('b2', { group: 'b' }),
    );
    assert.deepEqual(idsOf(await receive(store, 0, { max: 3 })), ['a1', 'a2', 'b1']);
    assert.deepEqual(await receive(store, 0), [], 'b2 waits for b1');
  });

  test('what is in flight or delayed holds back the later ones', async (t) => {
    const under = await openIn(t, open);
    await commit(
      under.store,
      send('d1', { group: 'd', dueAt: 50 }),
      ...inGroup('d', 'd2'),
      ...inGroup('a', 'a1', 'a2', 'a3'),
    );
    const [a1, a2] = (await receive(under.store, 0, { max: 2, leaseMs: 100 })) as [Message, Message];
    assert.deepEqual(idsOf([a1, a2]), ['a1', 'a2']);
    const store = await under.reopen();
    assert.deepEqual(await receive(store, 10), []);
    await commit(store, { kind: 'reschedule', receipt: a2.receipt, dueAt: 10, release: true });
    assert.deepEqual(await receive(store, 10), [], 'a1 is still in flight');
    await commit(store, ack(a1.receipt));
    assert.deepEqual(idsOf(await receive(store, 10, { leaseMs: 1000 })), ['a2', 'a3']);
    assert.deepEqual(idsOf(await receive(store, 50)), ['d1', 'd2']);
  });

  test('a lease that ran out brings the group back from its head', async (t) => {
    const { store } = await openIn(t, open);
    await commit(store, ...inGroup('a', 'a1', 'a2'));
    await receive(store, 0, { max: 1, leaseMs: 100 });
    assert.deepEqual(idsOf(await receive(store, 100)), ['a1', 'a2']);
  });

  test('several messages of a group settled in one unit, in any order, free the next', async (t) => {
    const { store } = await openIn(t, open);
    await commit(store, ...inGroup('a', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6'));
    const [a1, a2, a3, a4] = (await receive(store, 0, { max: 4 })) as [Message, Message, Message, Message];
    await commit(store, ack(a1.receipt), ack(a2.receipt));
    assert.deepEqual(await receive(store, 5), []);
    await commit(store, ack(a4.receipt), {
      kind: 'reschedule',
      receipt: a3.receipt,
      dueAt: 5,
      release: true,
    });
    assert.deepEqual(idsOf(await receive(store, 5)), ['a3', 'a5', 'a6']);
  });

  test('clearing what is old promotes the first that is left', async (t) => {
    const { store } = await openIn(t, open);
    await commit(
      store,
      send('a1', { group: 'a', sentAt: 1, dueAt: 1000 }),
      send('a2', { group: 'a', sentAt: 2, dueAt: 1000 }),
      send('a3', { group: 'a', sentAt: 9 }),
    );
    await commit(store, { kind: 'clear', queue: 'q', sentBefore: 9 });
    assert.deepEqual(idsOf(await receive(store, 10)), ['a3']);
  });

  test('messages with and without a group share a queue', async (t) => {
    const { store } = await openIn(t, open);
    await commit(
      store,
      send('x', { dueAt: 2 }),
      send('a1', { group: 'a', dueAt: 1 }),
      send('a2', { group: 'a', dueAt: 1 }),
      send('y', { dueAt: 0 }),
    );
    assert.deepEqual(idsOf(await receive(store, 5)), ['y', 'a1', 'a2', 'x']);
  });

  test('freeing the next message of a group is heard', async (t) => {
    const { store } = await openIn(t, open);
    await commit(store, ...inGroup('a', 'a1'), send('a2', { group: 'a', dueAt: 3 }));
    const [a1] = (await receive(store, 5, { max: 1 })) as [Message];
    const heard: QueueChange[] = [];
    store.onQueueChange((changes) => heard.push(...changes));
    await commit(store, send('a3', { group: 'a', dueAt: 1 }));
    assert.deepEqual(heard.splice(0), [], 'behind others nothing becomes receivable');
    await commit(store, ack(a1.receipt));
    assert.deepEqual(heard, [{ queue: 'q', dueAt: 3 }]);
  });

  test('100,000 messages of a blocked group at the head cost a receive nothing', async (t) => {
    const { store } = await openIn(t, open);
    for (let i = 0; i < 100; i++) {
      void store.commit(Array.from({ length: 1000 }, (_, j) => send(`a${i * 1000 + j}`, { group: 'a' })));
    }
    await commit(store, ...Array.from({ length: 100 }, (_, i) => send(`b${i}`, { group: `b${i}` })));
    const [head] = (await receive(store, 0, { max: 1 })) as [Message];
    assert.equal(head.id, 'a0');
    const start = performance.now();
    for (let i = 0; i < 100; i++) assert.deepEqual(idsOf(await receive(store, 0, { max: 1 })), [`b${i}`]);
    const perReceiveMs = (performance.now() - start) / 100;
    assert.ok(perReceiveMs < 25, `${perReceiveMs.toFixed(2)} ms for each receive`);
    assert.equal((await store.readDepth('q', 0)).visible, 99_999);
  });
}

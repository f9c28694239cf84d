/** Queues without order: sending, receiving, receipts, leases, deduplication, clearing, depth. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message, QueueChange } from '../../../src/store/store.ts';
import { ack, commit, idsOf, type OpenStore, openIn, opening, receive, refuse, send } from './harness.ts';

export function messages(open: OpenStore): void {
  test('a message comes back as it was sent, also after a restart', async (t) => {
    const under = await openIn(t, open);
    const attributes = { name: { type: 'String', value: 'grüße \u{1f600} \u0000' } };
    await commit(
      under.store,
      send('a', {
        body: 'bödy \u{1f600}',
        sentAt: 5,
        dueAt: 7,
        attributes,
        state: { n: 1 },
        receiveCount: 3,
        firstReceivedAt: 4,
      }),
    );
    const store = await under.reopen();
    assert.deepEqual(await receive(store, 6), []);
    const [message] = await receive(store, 7, { leaseMs: 100 });
    assert.ok(message);
    const { receipt, ...rest } = message;
    assert.deepEqual(
      { ...rest },
      {
        id: 'a',
        queue: 'q',
        body: 'bödy \u{1f600}',
        subject: undefined,
        attributes,
        state: { n: 1 },
        group: undefined,
        sentAt: 5,
        dueAt: 107,
        receiveCount: 4,
        firstReceivedAt: 4,
      },
    );
    assert.deepEqual(
      { queue: receipt.queue, id: receipt.id, lease: receipt.lease },
      { queue: 'q', id: 'a', lease: 1 },
    );
  });

  test('messages are handed out by their due time, then in order of sending', async (t) => {
    const { store } = await openIn(t, open);
    await commit(
      store,
      send('c', { dueAt: 3 }),
      send('a', { dueAt: 1 }),
      send('b1', { dueAt: 2 }),
      send('b2', { dueAt: 2 }),
    );
    assert.deepEqual(idsOf(await receive(store, 2, { max: 2 })), ['a', 'b1']);
    assert.deepEqual(idsOf(await receive(store, 5)), ['b2', 'c']);
    assert.deepEqual(await receive(store, 5), []);
    assert.deepEqual(await receive(store, 5, { queue: 'none' }), []);
  });

  test('a received message is hidden for its lease, then handed out again', async (t) => {
    const { store } = await openIn(t, open);
    await commit(store, send('a'));
    const [first] = await receive(store, 10, { leaseMs: 100 });
    assert.deepEqual(await receive(store, 109), []);
    const [second] = await receive(store, 110, { leaseMs: 100 });
    assert.equal(second?.receiveCount, 2);
    assert.equal(second?.firstReceivedAt, 10);
    await refuse(store, 'StaleReceipt', 0, ack((first as Message).receipt));
    await commit(store, ack((second as Message).receipt));
    await refuse(store, 'UnknownMessage', 0, ack((second as Message).receipt));
    assert.deepEqual(await receive(store, 9999), []);
  });

  test('a receipt stays current after its lease until the next receive', async (t) => {
    const { store } = await openIn(t, open);
    await commit(store, send('a'), send('b'));
    const [a, b] = (await receive(store, 10, { leaseMs: 100 })) as [Message, Message];
    await refuse(store, 'StaleReceipt', 0, { kind: 'ack', receipt: a.receipt, heldAt: 110 });
    await commit(store, { kind: 'ack', receipt: a.receipt, heldAt: 109 });
    await commit(store, ack(b.receipt));
  });

  test('a rescheduled message is due when told, with its new state', async (t) => {
    const { store } = await openIn(t, open);
    await commit(store, send('a', { state: { n: 1 } }));
    const [first] = (await receive(store, 0)) as [Message];
    await commit(store, {
      kind: 'reschedule',
      receipt: first.receipt,
      dueAt: 50,
      release: true,
      state: { n: 2 },
    });
    assert.deepEqual(await store.readDepth('q', 10), {
      visible: 0,
      inFlight: 0,
      delayed: 1,
      oldestSentAt: 0,
    });
    await refuse(store, 'StaleReceipt', 0, { kind: 'ack', receipt: first.receipt, heldAt: 10 });
    assert.deepEqual(await receive(store, 49), []);
    const [second] = (await receive(store, 50)) as [Message];
    assert.deepEqual(second.state, { n: 2 });
    await commit(store, { kind: 'reschedule', receipt: second.receipt, dueAt: 60, release: false });
    assert.deepEqual(await store.readDepth('q', 59), {
      visible: 0,
      inFlight: 1,
      delayed: 0,
      oldestSentAt: 0,
    });
    const [third] = (await receive(store, 60)) as [Message];
    assert.deepEqual(third.state, { n: 2 });
    await commit(store, { kind: 'reschedule', receipt: third.receipt, dueAt: 0, release: true, state: {} });
    assert.deepEqual((await receive(store, 61))[0]?.state, {});
  });

  test('a message sent with a lease is born in flight', async (t) => {
    const { store } = await openIn(t, open);
    const { sent } = await commit(store, {
      ...send('a', { dueAt: 10, sentAt: 10 }),
      lease: { leaseMs: 100, holder: 'me' },
    });
    assert.deepEqual(await receive(store, 109), []);
    assert.deepEqual(await store.readDepth('q', 50), {
      visible: 0,
      inFlight: 1,
      delayed: 0,
      oldestSentAt: 10,
    });
    const receipt = sent[0]?.receipt;
    assert.ok(receipt);
    assert.equal((await receive(store, 110))[0]?.receiveCount, 2);
    await refuse(store, 'StaleReceipt', 0, ack(receipt));
  });

  test('what a holder that is gone held comes back at once', async (t) => {
    const under = await openIn(t, open);
    await commit(under.store, send('a'), send('b'), send('c'), {
      ...send('d'),
      lease: { leaseMs: 9999, holder: 'gone' },
    });
    await receive(under.store, 0, { max: 1, holder: 'gone' });
    await receive(under.store, 0, { max: 1, holder: 'alive' });
    await receive(under.store, 0, { max: 1 });
    const store = await under.reopen();
    assert.equal(await store.releaseHolders(['alive'], 5), 2);
    assert.deepEqual(await store.readNextDue('q'), [{ queue: 'q', dueAt: 5 }]);
    assert.deepEqual(idsOf(await receive(store, 5)), ['a', 'd']);
    assert.equal(await store.releaseHolders(['alive'], 5), 0);
  });

  test('a message with a subject carries its payload', async (t) => {
    const { store } = await openIn(t, open);
    await refuse(store, 'UnknownSubject', 0, send('m', { subject: 's' }));
    await commit(
      store,
      opening('s', { payload: '{"a":1}' }),
      send('m', { subject: 's', attributes: { x: 1 } }),
    );
    await commit(store, send('n', { subject: 's', queue: 'r' }));
    const [message] = await receive(store, 0);
    assert.equal(message?.body, '{"a":1}');
    assert.equal(message?.subject, 's');
    assert.deepEqual(message?.attributes, { x: 1 });
    assert.equal((await store.browse('r', { limit: 1 }))[0]?.body, '{"a":1}');
  });

  test('duplicates are skipped for as long as their key is remembered', async (t) => {
    const under = await openIn(t, open);
    const dedup = { key: 'k', until: 100 };
    const first = await commit(under.store, { ...send('a'), dedup });
    const store = await under.reopen();
    const again = await commit(store, { ...send('b', { sentAt: 99 }), dedup: { key: 'k', until: 199 } });
    assert.equal(again.sent[0]?.duplicate, true);
    assert.deepEqual(again.sent[0]?.receipt, first.sent[0]?.receipt);
    const elsewhere = await commit(store, { ...send('c', { queue: 'r' }), dedup });
    assert.equal(elsewhere.sent[0]?.duplicate, false);
    const later = await commit(
      store,
      { ...send('d', { sentAt: 100 }), dedup: { key: 'k', until: 200 } },
      { ...send('e', { sentAt: 100 }), dedup: { key: 'k', until: 200 } },
    );
    assert.deepEqual(
      later.sent.map((sent) => [sent.receipt.id, sent.duplicate]),
      [
        ['d', false],
        ['d', true],
      ],
    );
    assert.deepEqual(idsOf(await receive(store, 0)), ['a', 'd']);
    await commit(store, { kind: 'clear', queue: 'q' });
    const cleared = await commit(store, { ...send('f', { sentAt: 101 }), dedup: { key: 'k', until: 200 } });
    assert.equal(cleared.sent[0]?.duplicate, false);
  });

  test('a cleared queue is empty, at once and after a restart, and can be used again', async (t) => {
    const under = await openIn(t, open);
    await commit(under.store, ...Array.from({ length: 1500 }, (_, i) => send(`m${i}`)));
    const [held] = (await receive(under.store, 0, { max: 1 })) as [Message];
    await commit(under.store, { kind: 'clear', queue: 'q' }, send('new', { sentAt: 3 }));
    await refuse(under.store, 'UnknownMessage', 0, ack(held.receipt));
    assert.deepEqual(await under.store.readDepth('q', 9999), {
      visible: 1,
      inFlight: 0,
      delayed: 0,
      oldestSentAt: 3,
    });
    assert.deepEqual(idsOf(await under.store.browse('q', { limit: 10 })), ['new']);
    const store = await under.reopen();
    assert.deepEqual(idsOf(await receive(store, 9999)), ['new']);
    await commit(store, { kind: 'clear', queue: 'unheard of' });
  });

  test('clearing what was sent before an instant spares the rest', async (t) => {
    const { store } = await openIn(t, open);
    await commit(
      store,
      send('old', { sentAt: 1 }),
      send('young', { sentAt: 5 }),
      send('moved', { sentAt: 2 }),
      ...Array.from({ length: 1200 }, (_, i) => send(`m${i}`, { sentAt: 3 })),
      { ...send('kept'), dedup: { key: 'k', until: 100 } },
      { kind: 'clear', queue: 'q', sentBefore: 5 },
    );
    assert.deepEqual(idsOf(await receive(store, 10)), ['young']);
    const again = await commit(store, { ...send('again', { sentAt: 6 }), dedup: { key: 'k', until: 100 } });
    assert.equal(again.sent[0]?.duplicate, true, 'deduplication still remembers');
  });

  test('browsing shows messages by the time they were sent, page by page, and hides nothing', async (t) => {
    const { store } = await openIn(t, open);
    await commit(
      store,
      send('c', { sentAt: 3 }),
      send('a', { sentAt: 1, dueAt: 99 }),
      send('b', { sentAt: 2 }),
      send('b2', { sentAt: 2 }),
    );
    await receive(store, 0, { max: 1 });
    const first = await store.browse('q', { limit: 3 });
    assert.deepEqual(idsOf(first), ['a', 'b', 'b2']);
    const last = first.at(-1) as Message;
    const rest = await store.browse('q', { limit: 3, after: { sentAt: last.sentAt, seq: last.receipt.seq } });
    assert.deepEqual(idsOf(rest), ['c']);
    assert.equal(rest[0]?.receiveCount, 1);
    assert.equal(rest[0]?.receipt.lease, 1);
    const heads = await store.browse('q', { limit: 3, bodies: false });
    assert.deepEqual(
      heads,
      first.map((message) => ({ ...message, body: '' })),
    );
    assert.deepEqual(await store.browse('none', { limit: 3 }), []);
  });

  test('the depth follows every change and the time, in both directions', async (t) => {
    const { store } = await openIn(t, open);
    await commit(
      store,
      send('a', { sentAt: 4 }),
      send('b', { dueAt: 10, sentAt: 3 }),
      send('c', { dueAt: 20, sentAt: 5 }),
    );
    const depth = async (now: number) => {
      const { visible, inFlight, delayed } = await store.readDepth('q', now);
      return [visible, inFlight, delayed];
    };
    assert.deepEqual(await depth(0), [1, 0, 2]);
    assert.deepEqual(await depth(10), [2, 0, 1]);
    assert.deepEqual(await depth(9), [1, 0, 2]);
    const [a] = (await receive(store, 9, { leaseMs: 5 })) as [Message];
    assert.deepEqual(await depth(9), [0, 1, 2]);
    assert.deepEqual(await depth(14), [2, 0, 1]);
    assert.deepEqual(await depth(13), [1, 1, 1]);
    await commit(store, ack(a.receipt));
    assert.deepEqual(await depth(30), [2, 0, 0]);
    assert.equal((await store.readDepth('q', 30)).oldestSentAt, 3);
    assert.deepEqual(await store.readDepth('none', 0), {
      visible: 0,
      inFlight: 0,
      delayed: 0,
      oldestSentAt: undefined,
    });
  });

  test('the next due message of each queue with a prefix', async (t) => {
    const { store } = await openIn(t, open);
    await commit(
      store,
      send('a', { queue: 'f/1', dueAt: 30 }),
      send('b', { queue: 'f/1', dueAt: 20 }),
      send('c', { queue: 'f/2', dueAt: 10 }),
      send('d', { queue: 'g/1' }),
      send('e', { queue: 'f/3' }),
    );
    const [e] = (await receive(store, 0, { queue: 'f/3' })) as [Message];
    await commit(store, ack(e.receipt));
    await receive(store, 10, { queue: 'f/2', leaseMs: 50 });
    assert.deepEqual(await store.readNextDue('f/'), [
      { queue: 'f/1', dueAt: 20 },
      { queue: 'f/2', dueAt: 60 },
    ]);
    assert.equal((await store.readNextDue('')).length, 3);
  });

  test('listeners hear what became receivable, and when', async (t) => {
    const { store } = await openIn(t, open);
    const heard: QueueChange[] = [];
    const stop = store.onQueueChange((changes) => heard.push(...changes));
    const hears = async (expected: QueueChange[], action: Promise<unknown>) => {
      const result = await action;
      assert.deepEqual(heard.splice(0), expected);
      return result;
    };
    await hears(
      [
        { queue: 'q', dueAt: 4 },
        { queue: 'r', dueAt: 9 },
      ],
      commit(store, send('b', { dueAt: 7 }), send('a', { dueAt: 4 }), send('c', { queue: 'r', dueAt: 9 })),
    );
    const [a] = (await hears([{ queue: 'q', dueAt: 1004 }], receive(store, 4))) as [Message];
    await hears(
      [{ queue: 'q', dueAt: 50 }],
      commit(store, { kind: 'reschedule', receipt: a.receipt, dueAt: 50, release: true }),
    );
    await hears([], commit(store, ack(a.receipt)));
    await hears([], receive(store, 0));
    await hears([], store.commit([send('x'), ack(a.receipt)]));
    stop();
    await hears([], commit(store, send('y')));
  });
}

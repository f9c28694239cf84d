/** Subjects, entries, counters, the ledger, the recount. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../../src/store/store.ts';
import {
  ack,
  beforeAndAfterReopening,
  commit,
  type OpenStore,
  openIn,
  opening,
  receive,
  refuse,
  send,
  settling,
} from './harness.ts';

export function journal(open: OpenStore): void {
  test('a subject keeps what it was opened with, its entries in order, and its fate', async (t) => {
    const under = await openIn(t, open);
    const data = { functionName: 'orders', nested: { list: [1, null, 'x'] } };
    await commit(under.store, opening('s', { at: 5, topic: 'arn:a', payload: '"p\u0000\u{1f600}"', data }));
    await commit(under.store, { kind: 'append', subject: 's', entries: [{ at: 5, kind: 'accepted' }] });
    await commit(under.store, {
      kind: 'append',
      subject: 's',
      entries: [
        { at: 6, kind: 'attempt', data: { number: 1 } },
        { at: 7, kind: 'retryScheduled' },
      ],
    });
    assert.equal((await under.store.readSubject('s'))?.subject.status, 'Pending');
    await commit(under.store, settling('s', 'Discarded', 9, 'RetriesExhausted'));
    await refuse(under.store, 'AlreadySettled', 0, settling('s', 'Succeeded'));
    await commit(under.store, { kind: 'append', subject: 's', entries: [{ at: 10, kind: 'delivered' }] });
    for await (const store of beforeAndAfterReopening(under)) {
      const found = await store.readSubject('s');
      assert.deepEqual(found?.subject, {
        subject: 's',
        topic: 'arn:a',
        acceptedAt: 5,
        status: 'Discarded',
        reason: 'RetriesExhausted',
        settledAt: 9,
        payload: '"p\u0000\u{1f600}"',
        data,
      });
      assert.deepEqual(
        found?.entries.map((entry) => [entry.at, entry.kind, entry.data]),
        [
          [5, 'accepted', undefined],
          [6, 'attempt', { number: 1 }],
          [7, 'retryScheduled', undefined],
          [9, 'fate', undefined],
          [10, 'delivered', undefined],
        ],
      );
    }
    assert.equal(await under.store.readSubject('nobody'), undefined);
  });

  test('ids are unique, whatever their order', async (t) => {
    const under = await openIn(t, open);
    await commit(under.store, opening('m'), opening('z'), opening('a'));
    for await (const store of beforeAndAfterReopening(under)) {
      for (const id of ['m', 'z', 'a']) await refuse(store, 'DuplicateSubject', 0, opening(id));
    }
    await refuse(under.store, 'UnknownSubject', 0, { kind: 'append', subject: 'b', entries: [] });
    await refuse(under.store, 'UnknownSubject', 0, settling('zz', 'Succeeded'));
  });

  test('subjects are listed newest first, page by page, by topic, status and time', async (t) => {
    const { store } = await openIn(t, open);
    for (let i = 0; i < 20; i++) {
      await commit(
        store,
        opening(`s${String(i).padStart(2, '0')}`, { at: Math.floor(i / 2), topic: i % 4 === 0 ? 'a' : 'b' }),
      );
    }
    await commit(
      store,
      settling('s00', 'Succeeded'),
      settling('s01', 'Discarded'),
      settling('s04', 'Discarded'),
    );
    const list = async (filter: object) =>
      (await store.listSubjects({ limit: 100, ...filter })).map((s) => s.subject);
    const all = await list({});
    assert.deepEqual(
      all,
      Array.from({ length: 20 }, (_, i) => `s${String(19 - i).padStart(2, '0')}`),
    );
    assert.deepEqual(await list({ topic: 'a' }), ['s16', 's12', 's08', 's04', 's00']);
    assert.deepEqual(await list({ topic: 'none' }), []);
    assert.deepEqual(await list({ status: 'Discarded' }), ['s04', 's01']);
    assert.deepEqual(await list({ status: 'Discarded', topic: 'a' }), ['s04']);
    assert.deepEqual(await list({ status: 'Succeeded' }), ['s00']);
    assert.equal((await list({ status: 'Pending' })).length, 17);
    assert.deepEqual(await list({ status: 'Pending', topic: 'a' }), ['s16', 's12', 's08']);
    assert.deepEqual(await list({ from: 2, to: 4 }), ['s07', 's06', 's05', 's04']);
    assert.deepEqual(await list({ from: 2, to: 4, before: 's06', status: 'Discarded' }), ['s04']);
    const pages: string[] = [];
    for (let before: string | undefined; ; before = pages.at(-1)) {
      const page = await list({ limit: 3, before });
      if (page.length === 0) break;
      pages.push(...page);
    }
    assert.deepEqual(pages, all);
  });

  test('a search reads at most as many subjects as it may and says where to go on', async (t) => {
    const { store } = await openIn(t, open);
    for (let i = 0; i < 30; i++) {
      const id = `s${String(i).padStart(2, '0')}`;
      const payload = JSON.stringify({ order: i % 10 === 3 ? 'RARE' : 'usual' });
      await commit(store, opening(id, { at: i, payload }), {
        kind: 'append',
        subject: id,
        entries: [{ at: i, kind: 'attempt', data: { error: i === 5 ? 'said "no"' : 'none' } }],
        settle: { status: 'Discarded', reason: i % 2 ? 'Odd' : 'Even' },
      });
    }
    const found = async (search: object) => {
      const ids: string[] = [];
      let looks = 0;
      for (let before: string | undefined; ; looks++) {
        const page = await store.searchSubjects({ limit: 2, scan: 7, before, ...search });
        ids.push(...page.subjects.map(({ subject }) => subject));
        assert.ok(page.subjects.length <= 2);
        if (page.next === undefined) return { ids, looks };
        before = page.next;
      }
    };
    assert.deepEqual((await found({ payloadText: 'rare' })).ids, ['s23', 's13', 's03']);
    assert.deepEqual((await found({ entryText: 'SAID "no"' })).ids, ['s05']);
    assert.equal((await found({ reason: 'Odd' })).ids.length, 15);
    assert.deepEqual((await found({ reason: 'Odd', payloadText: 'rare', status: 'Discarded', to: 20 })).ids, [
      's13',
      's03',
    ]);
    const nothing = await found({ payloadText: '%' });
    assert.deepEqual(nothing.ids, []);
    assert.equal(nothing.looks, 4);
  });

  test('counters add up and are found by prefix', async (t) => {
    const under = await openIn(t, open);
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        commit(
          under.store,
          { kind: 'count', counter: 'n/a', by: i },
          { kind: 'count', counter: 'n/b', by: -1 },
        ),
      ),
    );
    await commit(
      under.store,
      { kind: 'count', counter: 'other', by: 0 },
      { kind: 'count', counter: 'n0', by: 7 },
    );
    const store = await under.reopen();
    assert.deepEqual(await store.readCounters('n/'), { 'n/a': 1225, 'n/b': -50 });
    assert.deepEqual(await store.readCounters('none'), {});
  });

  test('the ledger counts what was opened and settled, and how many messages stand', async (t) => {
    const under = await openIn(t, open);
    await commit(under.store, opening('s1', { topic: 't' }), send('m1', { queue: 'f/1', subject: 's1' }));
    await commit(
      under.store,
      opening('s2', { topic: 'u' }),
      send('m2', { queue: 'f/2', subject: 's2' }),
      send('x', { queue: 'g' }),
    );
    assert.deepEqual(await under.store.readBooks('f/'), {
      counters: { 'ledger/opened/t': 1, 'ledger/opened/u': 1 },
      messages: 2,
    });
    const [m1] = (await receive(under.store, 0, { queue: 'f/1' })) as [Message];
    await commit(under.store, ack(m1.receipt), settling('s1', 'Succeeded'));
    for await (const store of beforeAndAfterReopening(under)) {
      assert.deepEqual(await store.readBooks('f/'), {
        counters: { 'ledger/opened/t': 1, 'ledger/opened/u': 1, 'ledger/settled/Succeeded/t': 1 },
        messages: 1,
      });
    }
    await commit(under.store, { kind: 'clear', queue: 'f/2' });
    assert.equal((await under.store.readBooks('f/')).messages, 0);
  });

  test('the audit recounts, and names what was lost', async (t) => {
    const under = await openIn(t, open);
    await commit(under.store, opening('s1'), send('m1', { subject: 's1' }));
    await commit(under.store, opening('s2'), send('m2', { subject: 's2', queue: 'r' }));
    await commit(under.store, opening('s3'), settling('s3', 'Succeeded'));
    assert.deepEqual(await under.store.audit(), {
      accepted: 3,
      pending: 2,
      statuses: { Succeeded: 1 },
      lost: { count: 0, examples: [] },
      drift: [],
    });
    await commit(under.store, { kind: 'clear', queue: 'r' }, opening('s4'));
    await commit(under.store, { kind: 'count', counter: 'ledger/opened/topic', by: 2 });
    const report = await (await under.reopen()).audit();
    assert.deepEqual(report.lost, { count: 2, examples: ['s2', 's4'] });
    assert.deepEqual(report.drift, [{ counter: 'ledger/opened/topic', stored: 6, counted: 4 }]);
  });

  test('pruning forgets the settled and old, spares what is needed, and the books still balance', async (t) => {
    const under = await openIn(t, open);
    const { store } = under;
    for (let i = 0; i < 30; i++) {
      await commit(store, opening(`s${String(i).padStart(2, '0')}`, { at: i, topic: 'a/b' }), {
        kind: 'append',
        subject: `s${String(i).padStart(2, '0')}`,
        entries: [{ at: i, kind: 'accepted' }],
      });
    }
    await commit(store, send('dead', { subject: 's03' }), send('pending', { subject: 's05' }));
    for (let i = 0; i < 30; i++)
      if (i !== 5)
        await commit(store, settling(`s${String(i).padStart(2, '0')}`, i % 2 ? 'Succeeded' : 'Discarded', i));
    assert.equal(await store.prune(20, 7), 7);
    assert.equal(await store.prune(20, 100), 11);
    assert.equal(await store.prune(20, 100), 0);
    const left = (await store.listSubjects({ limit: 100, to: 20 })).map(({ subject }) => subject);
    assert.deepEqual(left, ['s05', 's03']);
    assert.equal(await store.readSubject('s04'), undefined);
    await refuse(store, 'UnknownSubject', 0, settling('s04', 'Succeeded'));
    assert.deepEqual(
      (await store.listSubjects({ limit: 1, before: 's04' })).map((s) => s.subject),
      ['s03'],
    );
    const [dead] = (await receive(store, 0, { max: 1 })) as [Message];
    assert.equal(dead.body, 'payload of s03');
    await commit(store, ack(dead.receipt));
    assert.equal(await store.prune(20, 100), 1);
    const report = await (await under.reopen()).audit();
    assert.deepEqual(report, {
      accepted: 30,
      pending: 1,
      statuses: { Succeeded: 14, Discarded: 15 },
      lost: { count: 0, examples: [] },
      drift: [],
    });
  });
}

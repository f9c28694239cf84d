/** All of a unit or none; and no unit's trouble is another's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  InvalidUnit,
  type JsonObject,
  type Message,
  StoreUnavailable,
  type Unit,
} from '../../../src/store/store.ts';
import {
  ack,
  beforeAndAfterReopening,
  commit,
  idsOf,
  type OpenStore,
  openIn,
  opening,
  receive,
  refuse,
  send,
  settling,
} from './harness.ts';

export function atomicity(open: OpenStore): void {
  test('a unit that meets a conflict has no effect of any kind', async (t) => {
    const under = await openIn(t, open);
    await commit(under.store, send('gone'), send('held'), opening('s'), send('p', { queue: 'r' }));
    await commit(under.store, { kind: 'put', collection: 'c', key: 'k', value: { n: 1 } });
    await commit(under.store, {
      kind: 'write',
      group: 'g',
      stream: 'x',
      at: 0,
      lines: [{ at: 0, text: 'kept' }],
    });
    const [gone, held] = (await receive(under.store, 0)) as [Message, Message];
    await commit(under.store, ack(gone.receipt));
    const everything: Unit = [
      send('new'),
      { kind: 'reschedule', receipt: held.receipt, dueAt: 0, release: true },
      opening('s2'),
      settling('s', 'Succeeded'),
      { kind: 'count', counter: 'n', by: 1 },
      { kind: 'put', collection: 'c', key: 'k', value: { n: 2 } },
      { kind: 'remove', collection: 'c', key: 'k' },
      { kind: 'write', group: 'g', stream: 'x', at: 0, lines: [{ at: 0, text: 'new' }] },
      { kind: 'erase', group: 'g' },
      { kind: 'clear', queue: 'r' },
    ];
    const heard: unknown[] = [];
    under.store.onQueueChange((changes) => heard.push(...changes));
    under.store.resources.onChange((...change) => heard.push(change));
    await refuse(under.store, 'UnknownMessage', everything.length, ...everything, ack(gone.receipt));
    assert.deepEqual(heard, []);
    for await (const store of beforeAndAfterReopening(under)) {
      assert.deepEqual(await receive(store, 0), []);
      assert.equal((await store.readDepth('r', 0)).visible, 1);
      assert.equal((await store.readSubject('s'))?.subject.status, 'Pending');
      assert.deepEqual((await store.readSubject('s'))?.entries, []);
      assert.equal(await store.readSubject('s2'), undefined);
      assert.equal((await store.readCounters('')).n, undefined);
      assert.deepEqual(store.resources.get('c', 'k')?.value, { n: 1 });
      const lines = await store.readLines({ group: 'g', order: 'ascending', limit: 9 });
      assert.deepEqual(
        lines.map((line) => line.text),
        ['kept'],
      );
    }
    await commit(under.store, ack(held.receipt));
  });

  test('effects of one unit see what those before them did', async (t) => {
    const { store } = await openIn(t, open);
    await commit(store, send('a'));
    const [a] = (await receive(store, 0)) as [Message];
    await refuse(store, 'UnknownMessage', 1, ack(a.receipt), ack(a.receipt));
    await refuse(
      store,
      'AlreadySettled',
      2,
      opening('s'),
      settling('s', 'Succeeded'),
      settling('s', 'Discarded'),
    );
    await refuse(store, 'DuplicateSubject', 1, opening('s'), opening('s'));
    await refuse(
      store,
      'VersionMismatch',
      1,
      { kind: 'put', collection: 'c', key: 'k', value: {}, ifVersion: 0 },
      { kind: 'put', collection: 'c', key: 'k', value: {}, ifVersion: 0 },
    );
    await commit(
      store,
      opening('s'),
      { kind: 'append', subject: 's', entries: [{ at: 1, kind: 'accepted' }] },
      send('m', { subject: 's' }),
      settling('s', 'Succeeded', 2),
      { kind: 'reschedule', receipt: a.receipt, dueAt: 0, release: true },
      ack(a.receipt),
    );
    assert.deepEqual(idsOf(await receive(store, 0)), ['m']);
  });

  test('units asked for in the same turn succeed and fail each for itself, in order', async (t) => {
    const { store } = await openIn(t, open);
    await commit(store, send('a'));
    const [a] = (await receive(store, 0)) as [Message];
    const results = await Promise.all([
      store.commit([opening('s1')]),
      store.commit([ack(a.receipt), { kind: 'count', counter: 'n', by: 1 }]),
      store.commit([ack(a.receipt), { kind: 'count', counter: 'n', by: 10 }]),
      store.commit([opening('s1')]),
      store.commit([send('b')]),
      receive(store, 0),
      receive(store, 0),
    ]);
    assert.deepEqual(
      results.slice(0, 5).map((result) => ('kind' in result ? result.kind : 'received')),
      ['committed', 'committed', 'conflict', 'conflict', 'committed'],
    );
    assert.deepEqual(idsOf(results[5]), ['b']);
    assert.deepEqual(results[6], []);
    assert.equal((await store.readCounters('n')).n, 1);
  });

  test('a unit that no database could take fails alone', async (t) => {
    const under = await openIn(t, open);
    const circular: JsonObject = {};
    circular.self = circular;
    const bad: Unit[] = [
      [send('x'), { kind: 'count', counter: 'n', by: 100 }, send('nowhen', { dueAt: undefined as never })],
      [{ kind: 'count', counter: 'n', by: 100 }, send('circular', { state: circular })],
      [opening('s9'), { kind: 'append', subject: 's9', entries: [], settle: { status: 'Succeeded' } }],
      [send('x', { queue: 'fresh' }), send('half', { dueAt: 0.5 })],
    ];
    const units: Unit[] = bad.flatMap((unit, i) => [
      [send(`m${i}`), { kind: 'count', counter: 'n', by: 1 }],
      unit,
    ]);
    const results = await Promise.allSettled(units.map((unit) => under.store.commit(unit)));
    for (const [i, result] of results.entries()) {
      if (i % 2 === 0) assert.deepEqual([result.status, i], ['fulfilled', i]);
      else assert.ok(result.status === 'rejected' && result.reason instanceof InvalidUnit, `unit ${i}`);
    }
    const store = await under.reopen();
    assert.deepEqual(idsOf(await receive(store, 0)), ['m0', 'm1', 'm2', 'm3']);
    assert.deepEqual((await store.readCounters('n')).n, 4);
    assert.deepEqual(await store.readNextDue('fresh'), []);
    assert.deepEqual((await store.audit()).drift, []);
  });

  test('an empty unit is committed', async (t) => {
    const { store } = await openIn(t, open);
    assert.deepEqual(await store.commit([]), { kind: 'committed', sent: [], versions: [] });
  });

  test('closing finishes what was asked for before and refuses what comes after', async (t) => {
    const under = await openIn(t, open);
    const asked = Array.from({ length: 3000 }, (_, i) => under.store.commit([send(`m${i}`)]));
    const closing = under.store.close();
    await assert.rejects(under.store.commit([send('late')]), StoreUnavailable);
    await assert.rejects(under.store.readCounters(''), StoreUnavailable);
    await closing;
    for (const result of await Promise.all(asked)) assert.equal(result.kind, 'committed');
    const store = await under.reopen();
    assert.equal((await store.readDepth('q', 0)).visible, 3000);
  });
}

/** Resources: versions, and the view in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, Put } from '../../../src/store/store.ts';
import { beforeAndAfterReopening, commit, type OpenStore, openIn, refuse } from './harness.ts';

const put = (key: string, value: JsonObject, ifVersion?: number): Put => ({
  kind: 'put',
  collection: 'c',
  key,
  value,
  ifVersion,
});

export function resources(open: OpenStore): void {
  test('versions begin at 1, grow by one, and guard changes', async (t) => {
    const under = await openIn(t, open);
    assert.deepEqual((await commit(under.store, put('k', { n: 1 }, 0))).versions, [1]);
    await refuse(under.store, 'VersionMismatch', 0, put('k', { n: 2 }, 0));
    const store = await under.reopen();
    assert.deepEqual(store.resources.get('c', 'k'), { key: 'k', version: 1, value: { n: 1 } });
    assert.deepEqual((await commit(store, put('k', { n: 2 }, 1), put('l', {}))).versions, [2, 1]);
    await refuse(store, 'VersionMismatch', 0, put('k', { n: 3 }, 1));
    await refuse(store, 'VersionMismatch', 0, { kind: 'remove', collection: 'c', key: 'k', ifVersion: 1 });
    assert.deepEqual((await commit(store, put('k', { n: 3 }))).versions, [3]);
    await commit(store, { kind: 'remove', collection: 'c', key: 'k', ifVersion: 3 });
    assert.equal(store.resources.get('c', 'k'), undefined);
    await commit(store, { kind: 'remove', collection: 'c', key: 'k' });
  });

  test('a version is never given out twice for one key', async (t) => {
    const under = await openIn(t, open);
    await commit(under.store, put('k', {}), put('k', {}), { kind: 'remove', collection: 'c', key: 'k' });
    const store = await under.reopen();
    const { versions } = await commit(store, put('k', {}, 0));
    assert.ok((versions[0] as number) > 2);
  });

  test('the list is sorted and can be narrowed by a prefix', async (t) => {
    const under = await openIn(t, open);
    await commit(under.store, ...['b', 'a/2', 'a', 'a/1', 'ab'].map((key) => put(key, { key })));
    await commit(under.store, { kind: 'put', collection: 'other', key: 'a/3', value: {} });
    for await (const { resources } of beforeAndAfterReopening(under)) {
      const keys = (prefix?: string) => resources.list('c', prefix).map((resource) => resource.key);
      assert.deepEqual(keys(), ['a', 'a/1', 'a/2', 'ab', 'b']);
      assert.deepEqual(keys('a/'), ['a/1', 'a/2']);
      assert.deepEqual(keys('zz'), []);
      assert.deepEqual(resources.list('nothing'), []);
    }
    await commit(under.store, put('a/0', {}), { kind: 'remove', collection: 'c', key: 'a/1' });
    assert.deepEqual(
      under.store.resources.list('c', 'a/').map(({ key }) => key),
      ['a/0', 'a/2'],
    );
  });

  test('values in memory are what is stored: copies that nobody can change', async (t) => {
    const { store } = await openIn(t, open);
    const value = { list: [1], gone: undefined };
    const done = commit(store, put('k', value));
    const versions = (await done).versions;
    value.list.push(2);
    const stored = store.resources.get<{ list: number[] }>('c', 'k');
    assert.deepEqual(stored, { key: 'k', version: versions[0], value: { list: [1] } });
    assert.throws(() => stored?.value.list.push(3), TypeError);
  });

  test('the view changes before the commit resolves, and listeners hear of it', async (t) => {
    const { store } = await openIn(t, open);
    const heard: [string, unknown][] = [];
    const stop = store.resources.onChange((collection, key) =>
      heard.push([key, store.resources.get(collection, key)?.value]),
    );
    await commit(store, put('k', { n: 1 }), put('l', {}), { kind: 'remove', collection: 'c', key: 'l' });
    assert.deepEqual(heard, [
      ['k', { n: 1 }],
      ['l', {}],
      ['l', undefined],
    ]);
    stop();
    await commit(store, put('k', {}));
    assert.equal(heard.length, 3);
  });
}

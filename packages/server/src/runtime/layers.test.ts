import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeZip } from '../../test/support/zip.ts';
import { createCodeStore } from './code-store.ts';
import { createLayerFolders } from './layers.ts';

const root = await mkdtemp(join(tmpdir(), 'redrive-layers-'));
after(() => rm(root, { recursive: true, force: true }));
const codeStore = await createCodeStore(join(root, 'code'));
const folders = await createLayerFolders(join(root, 'layers'), codeStore);
const put = async (files: Record<string, string>) => (await codeStore.put(await makeZip(files))).sha256;

test('later layers cover earlier ones, file by file', async () => {
  const one = await put({ 'nodejs/a.js': 'one', 'nodejs/shared.js': 'one', 'bin/tool': 'one' });
  const two = await put({ 'nodejs/b.js': 'two', 'nodejs/shared.js': 'two', bin: 'a file now' });
  const merged = await folders.merge([one, two]);
  const read = (path: string) => readFile(join(merged, path), 'utf8');
  assert.deepEqual(await Promise.all(['nodejs/a.js', 'nodejs/b.js', 'nodejs/shared.js', 'bin'].map(read)), [
    'one',
    'two',
    'two',
    'a file now',
  ]);
  const other = await folders.merge([two, one]);
  assert.equal(await readFile(join(other, 'nodejs/shared.js'), 'utf8'), 'one');
  assert.equal(await readFile(join(other, 'bin/tool'), 'utf8'), 'one');
  // The layers themselves are untouched.
  assert.equal(await readFile(join(await codeStore.path(one), 'nodejs/shared.js'), 'utf8'), 'one');
});

test('the same layers are merged once, also by those who ask at the same time', async () => {
  const layer = await put({ 'python/x.py': 'x' });
  const [first, second] = await Promise.all([folders.merge([layer]), folders.merge([layer])]);
  assert.equal(first, second);
  const again = await createLayerFolders(join(root, 'layers'), codeStore);
  assert.equal(await again.merge([layer]), first);
});

test('what was left half done is removed; a missing layer is an error, not an empty folder', async () => {
  await mkdir(join(root, 'layers', 'incoming-x'));
  const again = await createLayerFolders(join(root, 'layers'), codeStore);
  await assert.rejects(again.merge(['0'.repeat(64)]));
  const left = await readdir(join(root, 'layers'));
  assert.deepEqual(
    left.filter((name) => name.startsWith('incoming-')),
    [],
  );
});

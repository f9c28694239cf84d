import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createRuntimes } from './runtimes.ts';

const folder = await mkdtemp(join(tmpdir(), 'redrive-runtimes-'));
const path = process.env.PATH;
after(async () => {
  process.env.PATH = path;
  await rm(folder, { recursive: true });
});

test('our own version runs its runtime, and stands in for those that are not here', async () => {
  process.env.PATH = folder;
  const runtimes = createRuntimes();
  const own = process.versions.node.split('.')[0];
  const exact = await runtimes.find(`nodejs${own}.x`);
  assert.deepEqual(exact, {
    kind: 'node',
    file: process.execPath,
    version: process.versions.node,
    label: `nodejs:${process.versions.node}`,
    exact: true,
  });
  const other = await runtimes.find('nodejs18.x');
  assert.equal(other?.file, process.execPath);
  assert.equal(other?.exact, false);
});

test('another version on the path is found by asking it', async () => {
  const other = join(folder, 'node');
  await writeFile(other, '#!/bin/sh\necho v18.20.4\n');
  await chmod(other, 0o755);
  process.env.PATH = folder;
  const found = await createRuntimes().find('nodejs18.x');
  assert.deepEqual(found, {
    kind: 'node',
    file: other,
    version: '18.20.4',
    label: 'nodejs:18.20.4',
    exact: true,
  });
  assert.equal((await createRuntimes().find('nodejs20.x'))?.file, process.execPath);
});

test('custom runtimes need no program; others are not known', async () => {
  const runtimes = createRuntimes();
  assert.equal((await runtimes.find('provided.al2023'))?.label, 'provided:al2023');
  assert.equal(await runtimes.find('java21'), undefined);
  assert.equal(await runtimes.find('nodejs'), undefined);
});

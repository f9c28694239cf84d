/** Code survives, is checked, and never leaves its folder. */
import assert from 'node:assert/strict';
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { ZipFile } from 'yazl';
import { createCodeStore } from './code-store.ts';
import { type CodeStore, InvalidZip, type InvalidZipReason } from './executor.ts';

interface Entry {
  readonly name: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
}

async function zipOf(entries: readonly Entry[]): Promise<Buffer> {
  const zip = new ZipFile();
  for (const { name, content = '', mode = 0o100644 } of entries) {
    if (name.endsWith('/')) zip.addEmptyDirectory(name, { mode });
    else zip.addBuffer(Buffer.from(content), name, { mode });
  }
  zip.end();
  return buffer(zip.outputStream);
}

/** yazl refuses bad names, so they are written over good ones of the same length. */
async function zipNamed(name: string, mode?: number): Promise<Buffer> {
  const stand = 'x'.repeat(name.length);
  const zip = await zipOf([{ name: stand, content: 'content', ...(mode !== undefined && { mode }) }]);
  for (let at = zip.indexOf(stand); at !== -1; at = zip.indexOf(stand, at + 1)) zip.write(name, at);
  return zip;
}

describe('code store', () => {
  let root: string;
  let store: CodeStore;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'redrive-code-'));
    store = await createCodeStore(join(root, 'code'));
  });
  after(() => rm(root, { recursive: true, force: true }));

  async function refuses(zip: Uint8Array, reason: InvalidZipReason): Promise<InvalidZip> {
    const before = await readdir(join(root, 'code'));
    let refusal: unknown;
    await store.put(zip).catch((error: unknown) => {
      refusal = error;
    });
    assert.ok(refusal instanceof InvalidZip, `expected a refusal, got ${refusal}`);
    assert.equal(refusal.reason, reason, refusal.detail);
    assert.deepEqual(await readdir(join(root, 'code')), before, 'nothing is left behind');
    return refusal;
  }

  test('a zip is stored by its hash, unpacked, and read back as it was', async () => {
    const zip = await zipOf([
      { name: 'index.mjs', content: 'export const handler = 1' },
      { name: 'lib/run.sh', content: '#!/bin/sh', mode: 0o100755 },
      { name: 'empty/', mode: 0o40755 },
    ]);
    const { sha256, sizeBytes } = await store.put(zip);
    assert.equal(sizeBytes, zip.length);
    assert.match(sha256, /^[0-9a-f]{64}$/);
    assert.deepEqual(await store.read(sha256), zip);
    const path = await store.path(sha256);
    assert.equal(await readFile(join(path, 'index.mjs'), 'utf8'), 'export const handler = 1');
    assert.equal((await lstat(join(path, 'lib/run.sh'))).mode & 0o777, 0o555);
    assert.equal((await lstat(join(path, 'index.mjs'))).mode & 0o777, 0o444);
    assert.ok((await lstat(join(path, 'empty'))).isDirectory());
    assert.deepEqual(await store.put(zip), { sha256, sizeBytes }, 'again');
  });

  test('the same zip stored many times at once is there once', async () => {
    const zip = await zipOf([{ name: 'a', content: 'concurrent' }]);
    const stored = await Promise.all(Array.from({ length: 8 }, () => store.put(zip)));
    assert.equal(new Set(stored.map((one) => one.sha256)).size, 1);
    const names = await readdir(join(root, 'code'));
    assert.deepEqual(
      names.filter((name) => name.startsWith('incoming-')),
      [],
    );
  });

  test('code outlives the process; what was unpacked in another boot is unpacked again', async () => {
    const { sha256 } = await store.put(await zipOf([{ name: 'a', content: 'kept' }]));
    const path = await store.path(sha256);
    await writeFile(join(root, 'code', sha256, 'unpacked-in'), 'an earlier boot');
    await rm(join(path, 'a'));
    const reopened = await createCodeStore(join(root, 'code'));
    assert.equal(await readFile(join(await reopened.path(sha256), 'a'), 'utf8'), 'kept');
  });

  test('half-stored code of an earlier process is removed', async () => {
    const left = join(root, 'code', 'incoming-left');
    await mkdir(join(left, 'task'), { recursive: true });
    await createCodeStore(join(root, 'code'));
    await assert.rejects(lstat(left), { code: 'ENOENT' });
  });

  for (const [what, bytes] of [
    ['no zip at all', Buffer.from('this is no zip')],
    ['a header and nothing else', Buffer.from('PK\x03\x04')],
  ] as const) {
    test(`refused: ${what}`, async () => {
      const refusal = await refuses(bytes, 'Malformed');
      assert.equal(
        refusal.message,
        'Could not unzip uploaded file. Please check your file, then try to upload again.',
      );
    });
  }

  test('refused: empty', async () => {
    assert.equal((await refuses(Buffer.alloc(0), 'Empty')).message, 'Uploaded file must be a non-empty zip');
    await refuses(await zipOf([]), 'Empty');
  });

  test('refused: damaged content', async () => {
    const zip = await zipOf([{ name: 'a', content: 'x'.repeat(10_000) }]);
    zip.fill(0xff, 40, 60);
    await refuses(zip, 'Malformed');
  });

  test('refused: cut short', async () => {
    const zip = await zipOf([{ name: 'a', content: 'x'.repeat(10_000) }]);
    await refuses(zip.subarray(0, zip.length - 30), 'Malformed');
  });

  for (const name of ['../escape', '/etc/escape', 'a/../../escape', 'C:\\escape', '..\\escape']) {
    test(`refused: a path that leaves the folder: ${name}`, async () => {
      await refuses(await zipNamed(name), 'Malformed');
    });
  }

  test('refused: two entries of one name', async () => {
    await refuses(await zipOf([{ name: 'a' }, { name: 'a' }]), 'Malformed');
  });

  test('refused: a file used as a folder', async () => {
    await refuses(await zipOf([{ name: 'a', content: '1' }, { name: 'a/b' }]), 'Malformed');
  });

  for (const target of ['/etc/passwd', '../outside', '..', 'inner/../../outside', 'inner/../other']) {
    test(`refused: a link to ${target}`, async () => {
      await refuses(await zipOf([{ name: 'link', content: target, mode: 0o120777 }]), 'Malformed');
    });
  }

  test('refused: devices and the like', async () => {
    await refuses(await zipOf([{ name: 'device', mode: 0o020644 }]), 'Malformed');
  });

  test('links inside are kept', async () => {
    const { sha256 } = await store.put(
      await zipOf([
        { name: 'lib/deep/link', content: '../../index.mjs', mode: 0o120777 },
        { name: 'index.mjs', content: 'linked' },
      ]),
    );
    const link = join(await store.path(sha256), 'lib/deep/link');
    assert.equal(await readlink(link), '../../index.mjs');
    assert.equal(await readFile(link, 'utf8'), 'linked');
  });

  test('refused: more than 50 MB zipped', async () => {
    const refusal = await refuses(Buffer.alloc(52_428_801), 'ZippedTooLarge');
    assert.equal(refusal.message, 'Zipped size must be smaller than 52428800 bytes');
  });

  test('refused: a bomb, whatever its header says', async () => {
    const bomb = bombOf(300_000_000);
    const refusal = await refuses(bomb, 'UnzippedTooLarge');
    assert.equal(refusal.message, 'Unzipped size must be smaller than 262144000 bytes');
    // One that claims to be small is caught by the size that does not fit its claim.
    const liar = bombOf(300_000_000, 1_000);
    await refuses(liar, 'Malformed');
  });

  test('a folder gives the same zip whatever its dates, and another when a byte changes', async () => {
    const folder = await mkdtemp(join(root, 'source-'));
    await mkdir(join(folder, 'lib'));
    await writeFile(join(folder, 'index.mjs'), 'export const handler = 1');
    await writeFile(join(folder, 'lib/run.sh'), '#!/bin/sh', { mode: 0o755 });
    await symlink('index.mjs', join(folder, 'main.mjs'));
    const first = await store.putFolder(folder);
    await rm(join(folder, 'index.mjs'));
    await writeFile(join(folder, 'index.mjs'), 'export const handler = 1');
    assert.deepEqual(await store.putFolder(folder), first);
    await writeFile(join(folder, 'index.mjs'), 'export const handler = 2');
    assert.notEqual((await store.putFolder(folder)).sha256, first.sha256);
    const path = await store.path(first.sha256);
    assert.equal(await readlink(join(path, 'main.mjs')), 'index.mjs');
    assert.equal((await lstat(join(path, 'lib/run.sh'))).mode & 0o111, 0o111);
  });

  test('sweep forgets what nobody names', async () => {
    const kept = await store.put(await zipOf([{ name: 'kept' }]));
    const lost = await store.put(await zipOf([{ name: 'lost' }]));
    await store.path(lost.sha256);
    assert.ok((await store.sweep(new Set([kept.sha256]))) >= 1);
    await assert.rejects(store.read(lost.sha256), { code: 'ENOENT' });
    await assert.rejects(store.path(lost.sha256));
    assert.ok(await store.read(kept.sha256));
  });

  test('names that are no hashes reach no file', async () => {
    await assert.rejects(async () => store.read('../../etc/passwd'), RangeError);
  });
});

/** A zip of zeros made by hand: its header may say any size. */
function bombOf(size: number, claimed = size): Buffer {
  const compressed = deflateRawSync(Buffer.alloc(size), { level: 9 });
  const name = Buffer.from('zeros');
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt16LE(20, 4);
  local.writeUInt16LE(8, 8);
  local.writeUInt32LE(compressed.length, 18);
  local.writeUInt32LE(claimed, 22);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50, 0);
  central.writeUInt16LE(20, 4);
  central.writeUInt16LE(20, 6);
  central.writeUInt16LE(8, 10);
  central.writeUInt32LE(compressed.length, 20);
  central.writeUInt32LE(claimed, 24);
  central.writeUInt16LE(name.length, 28);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length + name.length, 12);
  end.writeUInt32LE(local.length + name.length + compressed.length, 16);
  return Buffer.concat([local, name, compressed, central, name, end]);
}

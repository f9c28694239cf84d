/**
 * Code by hash: `<root>/<sha256>/package.zip` and `<root>/<sha256>/task/` with its content.
 *
 * A resolved `put` is on disk: the zip and the folder that names it are synced. The unpacked content is derived
 * and not synced file by file; it is trusted only within the boot of the machine that wrote it and made again
 * from the zip after a power cut.
 */
import { randomUUID, webcrypto } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CodeStore, StoredCode } from './executor.ts';
import { unzip } from './unzip.ts';
import { zipFolder } from './zip-folder.ts';

const ZIP = 'package.zip';
const TASK = 'task';
/** Holds the boot in which `task` was unpacked. */
const UNPACKED_IN = 'unpacked-in';
const INCOMING = 'incoming-';
const SHA256 = /^[0-9a-f]{64}$/;

/** `root` is made if absent; what an earlier process left half done is removed. */
export async function createCodeStore(root: string): Promise<CodeStore> {
  await mkdir(root, { recursive: true });
  await Promise.all(
    (await readdir(root)).filter((n) => n.startsWith(INCOMING)).map((n) => removeTree(join(root, n))),
  );
  const boot = await readBootId();
  /** Unpackings under way or known good in this process. */
  const ready = new Map<string, Promise<string>>();

  async function put(zip: Uint8Array): Promise<StoredCode> {
    const bytes = Buffer.from(zip);
    const sha256 = await hash(bytes);
    const stored = { sha256, sizeBytes: bytes.length };
    if (await holds(join(root, sha256), bytes.length)) return stored;
    const incoming = join(root, INCOMING + randomUUID());
    try {
      await mkdir(join(incoming, TASK), { recursive: true });
      await unzip(bytes, join(incoming, TASK));
      await writeFile(join(incoming, UNPACKED_IN), boot);
      await writeSynced(join(incoming, ZIP), bytes);
      await syncFolder(incoming);
      await moveInto(incoming, join(root, sha256));
      await syncFolder(root);
    } finally {
      await removeTree(incoming);
    }
    return stored;
  }

  async function unpackedPath(sha256: string): Promise<string> {
    const folder = join(root, sha256);
    const unpackedIn = await readFile(join(folder, UNPACKED_IN), 'utf8').catch(() => undefined);
    if (unpackedIn === boot) return join(folder, TASK);
    const fresh = join(root, INCOMING + randomUUID());
    try {
      await mkdir(fresh);
      await unzip(await readFile(join(folder, ZIP)), fresh);
      await removeTree(join(folder, TASK));
      await rename(fresh, join(folder, TASK));
      await writeFile(join(folder, UNPACKED_IN), boot);
    } finally {
      await removeTree(fresh);
    }
    return join(folder, TASK);
  }

  return {
    put,
    putFolder: async (path) => put(await zipFolder(path)),
    read: (sha256) => readFile(join(root, checked(sha256), ZIP)),
    path(sha256) {
      const known = ready.get(sha256);
      if (known) return known;
      const path = unpackedPath(checked(sha256));
      ready.set(sha256, path);
      path.catch(() => ready.delete(sha256));
      return path;
    },
    async sweep(keep) {
      const unnamed = (await readdir(root)).filter((name) => SHA256.test(name) && !keep.has(name));
      for (const name of unnamed) {
        ready.delete(name);
        // Out of the way first: a folder is there whole or not at all.
        const doomed = join(root, INCOMING + randomUUID());
        await rename(join(root, name), doomed);
        await removeTree(doomed);
      }
      return unnamed.length;
    },
  };
}

/** Off the event loop: 50 MB would hold it up for a tenth of a second. */
async function hash(bytes: Buffer<ArrayBuffer>): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}

function checked(sha256: string): string {
  if (!SHA256.test(sha256)) throw new RangeError(`expected a hex SHA-256, found ${JSON.stringify(sha256)}`);
  return sha256;
}

/** Names the running system; another one may have lost what was not synced. Elsewhere than Linux: never trusted. */
async function readBootId(): Promise<string> {
  const id = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => randomUUID());
  return id.trim();
}

async function holds(folder: string, bytes: number): Promise<boolean> {
  try {
    const file = await open(join(folder, ZIP));
    try {
      return (await file.stat()).size === bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function moveInto(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // Somebody stored the same bytes meanwhile.
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Also where a zip brought folders without write permission. */
async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    await makeWritable(path);
    await rm(path, { recursive: true, force: true });
  }
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
  }
}

/**
 * The content of a function's layers in one folder, what AWS has at `/opt`. Layers are laid over each other in
 * order. The folder is named after the layers' hashes and made once; its files are links to the unpacked
 * code, which nobody writes to.
 */
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { CodeStore } from './executor.ts';

export interface LayerFolders {
  /** Folder with the content of the layers, read-only. Rejects when the code of one cannot be read. */
  merge(layers: readonly string[]): Promise<string>;
}

/** Made, then renamed: a folder under its own name is whole. */
const INCOMING = 'incoming-';

/**
 * @param root folder of the folders; made when missing and emptied: what an earlier process made was not synced,
 * and making it again costs little
 */
export async function createLayerFolders(root: string, codeStore: CodeStore): Promise<LayerFolders> {
  await removeTree(root);
  await mkdir(root, { recursive: true });
  const known = new Map<string, Promise<string>>();

  async function make(layers: readonly string[], name: string): Promise<string> {
    const target = join(root, name);
    if (await exists(target)) return target;
    const incoming = join(root, `${INCOMING}${randomUUID()}`);
    try {
      await mkdir(incoming);
      for (const layer of layers) await layOver(await codeStore.path(layer), incoming);
      // Whoever was faster made the same.
      await rename(incoming, target).catch(async (error: unknown) => {
        if (!(await exists(target))) throw error;
      });
    } finally {
      await removeTree(incoming);
    }
    return target;
  }

  return {
    merge(layers) {
      const name = createHash('sha256').update(layers.join(' ')).digest('hex');
      let folder = known.get(name);
      if (!folder) {
        folder = make(layers, name);
        known.set(name, folder);
        folder.catch(() => known.delete(name));
      }
      return folder;
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

/** Puts everything of `source` into `target`, replacing what is in the way. */
async function layOver(source: string, target: string): Promise<void> {
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    const there = await lstat(to).catch(() => undefined);
    if (entry.isDirectory()) {
      if (there && !there.isDirectory()) await rm(to);
      if (!there?.isDirectory()) await mkdir(to);
      await layOver(from, to);
      continue;
    }
    if (there) await removeTree(to);
    if (entry.isSymbolicLink()) await symlink(await readlink(from), to);
    else await linkOrCopy(from, to);
  }
}

/** Not every file system has links, and not across its border. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    await chmod(to, (await lstat(from)).mode);
  }
}

async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

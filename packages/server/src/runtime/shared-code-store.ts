/**
 * Function code that many nodes share: stored where all find it, unpacked on each that runs it. The folder of a node
 * is only a cache.
 */
import type { CodeStore } from './executor.ts';

/** Where all nodes find code, by hex SHA-256. */
export interface SharedCode {
  put(sha256: string, bytes: Uint8Array): Promise<void>;
  get(sha256: string): Promise<Buffer | undefined>;
  sweep(keep: ReadonlySet<string>): Promise<number>;
}

export function shareCode(local: CodeStore, shared: SharedCode): CodeStore {
  /** Hashes that are here for certain, and those on their way. */
  const here = new Map<string, Promise<void>>();

  async function fetchCode(sha256: string): Promise<void> {
    const known = await local.read(sha256).catch(() => undefined);
    if (known) return;
    const bytes = await shared.get(sha256);
    if (!bytes) throw new Error(`the code ${sha256} is neither on this node nor in the database`);
    await local.put(bytes);
  }
  function ensure(sha256: string): Promise<void> {
    let fetching = here.get(sha256);
    if (!fetching) {
      fetching = fetchCode(sha256);
      here.set(sha256, fetching);
      fetching.catch(() => here.delete(sha256));
    }
    return fetching;
  }
  async function publish<T extends { readonly sha256: string }>(stored: T): Promise<T> {
    await shared.put(stored.sha256, await local.read(stored.sha256));
    return stored;
  }

  return {
    put: async (zip) => publish(await local.put(zip)),
    putFolder: async (path) => publish(await local.putFolder(path)),
    async read(sha256) {
      await ensure(sha256);
      return local.read(sha256);
    },
    async path(sha256) {
      await ensure(sha256);
      return local.path(sha256);
    },
    async sweep(keep) {
      here.clear();
      await shared.sweep(keep);
      return local.sweep(keep);
    },
  };
}

/** A stopped server's data folder, opened for as long as something is read from it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Activity } from '../platform/activity.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { CliFailure, EXIT } from './failure.ts';

export async function openDataFolder<T>(dataDir: string, read: (store: Store) => Promise<T>): Promise<T> {
  const path = join(dataDir, 'redrive.db');
  if (!existsSync(path)) {
    throw new CliFailure(
      `--data: expected a data folder of Redrive, found no redrive.db in ${dataDir}`,
      EXIT.usage,
    );
  }
  const store = await openSqliteStore({ path, activity: new Activity() });
  try {
    return await read(store);
  } finally {
    await store.close();
  }
}

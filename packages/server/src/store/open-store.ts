/** Opens the store that the configuration names, with what comes with it: SQLite in the data folder, or PostgreSQL. */
import { join } from 'node:path';
import type { Activity } from '../platform/activity.ts';
import { type Clock, CorrectedClock, RealClock } from '../platform/clock.ts';
import { type Blobs, createBlobs } from './postgres/blobs.ts';
import { Lease, type Singleton } from './postgres/leases.ts';
import { openPostgresStore } from './postgres/postgres-store.ts';
import type { DiskFault } from './sqlite/disk-fault.ts';
import { openSqliteStore } from './sqlite/sqlite-store.ts';
import { type Store, StoreUnavailable } from './store.ts';

export interface OpenedStore {
  readonly store: Store;
  /** The one clock of all nodes. */
  readonly clock: Clock;
  /** Code that all nodes share; absent where there is one node. */
  readonly blobs?: Blobs;
  /** Slots of a pool of so many that this node may use now. */
  readonly share: (pool: string, total: number) => number;
  /** Runs work on one node at a time; returns the way to stop it here. */
  readonly singleton: (name: string, work: Singleton) => () => Promise<void>;
  readonly injectDiskFault: (fault: DiskFault | undefined) => Promise<void>;
}

export interface OpenStoreOptions {
  readonly dataDir: string;
  readonly storeUrl?: string | undefined;
  readonly activity: Activity;
  readonly onError: (error: unknown) => void;
}

export async function openStore({
  dataDir,
  storeUrl,
  activity,
  onError,
}: OpenStoreOptions): Promise<OpenedStore> {
  if (storeUrl === undefined) {
    const store = await openSqliteStore({ path: join(dataDir, 'redrive.db'), activity });
    return {
      store,
      clock: new RealClock(),
      share: (_, total) => total,
      singleton: (_, work) => {
        work.start();
        return async () => work.stop();
      },
      injectDiskFault: (fault) => store.injectDiskFault(fault),
    };
  }
  const store = await openPostgresStore({ url: storeUrl, activity, onError });
  return {
    store,
    clock: new CorrectedClock(() => store.cluster.clockOffsetMs),
    blobs: createBlobs(store.pool),
    share: (pool, total) => store.cluster.share(pool, total),
    singleton: (name, work) => {
      const lease = new Lease(store.pool, name, store.cluster.node, work);
      const renew = () => void lease.renew().catch(onError);
      const stopRenewing = store.onBeat(renew);
      renew();
      return async () => {
        stopRenewing();
        await lease.release().catch(onError);
      };
    },
    injectDiskFault: async (fault) => {
      if (fault)
        throw new StoreUnavailable(
          'A disk fault needs the store in the data folder: this one is PostgreSQL.',
        );
    },
  };
}

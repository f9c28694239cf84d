/** The store on SQLite, on disk. */
import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { storeConformance } from './conformance.ts';

storeConformance('SQLite', (folder) => openSqliteStore({ path: join(folder, 'data', 'redrive.db') }));

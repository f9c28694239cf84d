/** The store on PostgreSQL: each folder of the suite is a schema of one server. */
import { basename } from 'node:path';
import { openPostgresStore } from '../../src/store/postgres/postgres-store.ts';
import { endOfFile } from '../support/cleanup.ts';
import { startPostgres } from '../support/postgres.ts';
import { storeConformance } from './conformance.ts';

const postgres = await startPostgres(endOfFile());

storeConformance('PostgreSQL', async (folder) =>
  openPostgresStore({ url: await postgres.schemaUrl(basename(folder)) }),
);

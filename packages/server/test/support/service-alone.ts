/** One service behind the real front, over a real store in a new folder: for wire tests that need no functions. */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Activity } from '../../src/platform/activity.ts';
import { type Clock, RealClock } from '../../src/platform/clock.ts';
import { createIds, type Ids } from '../../src/platform/ids.ts';
import { SystemRandom } from '../../src/platform/random.ts';
import { createFrontend } from '../../src/protocol/frontend.ts';
import { createHttpServer } from '../../src/protocol/http.ts';
import type { Service } from '../../src/protocol/operation.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { atEnd, type Cleanup } from './cleanup.ts';
import { tempFolder } from './temp-folder.ts';

export interface ServiceParts {
  readonly store: SqliteStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly activity: Activity;
  readonly random: SystemRandom;
  readonly region: string;
  readonly accountId: string;
}

export async function serveAlone(
  t: Cleanup,
  create: (parts: ServiceParts) => Service,
): Promise<ServiceParts & { readonly endpoint: string }> {
  const path = join(await tempFolder(t), 'redrive.db');
  const activity = new Activity();
  const clock = new RealClock();
  const random = new SystemRandom();
  const store = await openSqliteStore({ path, activity });
  atEnd(t, () => store.close());
  const place = { region: 'us-east-1', accountId: '000000000000' };
  const parts: ServiceParts = { store, clock, ids: createIds(clock, random), activity, random, ...place };
  const frontend = createFrontend({
    services: [create(parts)],
    auth: { mode: 'open' },
    ...place,
    clock,
    ids: parts.ids,
    log: {
      error: (details, message) => process.stderr.write(`${message} ${JSON.stringify(details)}\n`),
    },
    fallback: (_request, response) => {
      response.writeHead(404).end();
    },
  });
  const server = createHttpServer(frontend.handle.bind(frontend));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return { ...parts, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

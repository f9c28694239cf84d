/** The whole server in the test's own process: for tests that move its clock or look inside. */
import type { Config } from '../../src/config.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { atEnd, type Cleanup } from './cleanup.ts';
import { tempFolder } from './temp-folder.ts';

/** A server on a free port and, unless told otherwise, a new data folder; it stops with the test. */
export async function startInProcess(
  t: Cleanup,
  config: Partial<Config> = {},
): Promise<RunningServer & { readonly config: Config }> {
  const whole: Config = {
    host: '127.0.0.1',
    port: 0,
    dataDir: config.dataDir ?? (await tempFolder(t)),
    clock: 'real',
    auth: 'open',
    region: 'us-east-1',
    account: '000000000000',
    templates: [],
    allowReset: false,
    logLevel: 'warn',
    ...config,
  };
  const server = await startServer(whole);
  atEnd(t, () => server.stop());
  return { ...server, config: whole };
}

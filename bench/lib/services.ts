/**
 * Redis and PostgreSQL for the peers: their own servers on free ports and new folders, durable at every commit,
 * stopped and removed afterwards. The machine has to bring the programs.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';

export interface Service {
  readonly url: string;
  readonly version: string;
  end(): Promise<void>;
}

/** Why a peer cannot be measured here, and what to install. */
export class Missing extends Error {
  override readonly name = 'Missing';
}

const START_TIMEOUT_MS = 30_000;
/** `nobody`: PostgreSQL refuses to run as root. */
const UNPRIVILEGED = { uid: 65_534, gid: 65_534 };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function untilUp(child: ChildProcess, name: string, isUp: () => Promise<unknown>): Promise<void> {
  const until = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const up = await isUp().then(
      () => true,
      () => false,
    );
    if (up) return;
    if (child.exitCode !== null || Date.now() > until) throw new Error(`${name} did not start`);
    await pause(50);
  }
}

function stopper(child: ChildProcess, signal: NodeJS.Signals, folder: string): () => Promise<void> {
  return async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      await exited;
    }
    await rm(folder, { recursive: true, force: true });
  };
}

/** `appendfsync always`: an answered command is on disk. */
export async function startRedis(): Promise<Service> {
  const version = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  if (version.error)
    throw new Missing('redis-server is not installed (Debian: apt-get install redis-server)');
  const folder = await mkdtemp(join(tmpdir(), 'redrive-bench-redis-'));
  const port = await freePort();
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
  };
  const child = spawn(
    'redis-server',
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    { stdio: 'ignore' },
  );
  const end = stopper(child, 'SIGTERM', folder);
  const url = `redis://127.0.0.1:${port}`;
  try {
    await untilUp(child, 'redis-server', async () => {
      const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
      redis.on('error', () => undefined);
      try {
        await redis.connect();
        await redis.ping();
      } finally {
        redis.disconnect();
      }
    });
  } catch (error) {
    await end();
    throw error;
  }
  return { url, version: `Redis ${/v=(\S+)/.exec(version.stdout)?.[1]}`, end };
}

async function findPostgres(): Promise<string> {
  const given = process.env.POSTGRES_BIN;
  if (given) return given;
  const root = '/usr/lib/postgresql';
  const versions = await readdir(root).catch(() => []);
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  if (newest === undefined) {
    throw new Missing(
      'PostgreSQL is not installed (Debian: apt-get install postgresql; else set POSTGRES_BIN to the folder of its programs)',
    );
  }
  return join(root, newest, 'bin');
}

/** PostgreSQL's own settings (fsync and synchronous_commit are on) with more shared memory. */
export async function startPostgres(): Promise<Service> {
  const bin = await findPostgres();
  const folder = await mkdtemp(join(tmpdir(), 'redrive-bench-postgres-'));
  const data = join(folder, 'data');
  const isRoot = process.getuid?.() === 0;
  const who = isRoot ? UNPRIVILEGED : {};
  if (isRoot) await chown(folder, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  const made = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'bench', '-A', 'trust', '--no-locale', '-E', 'UTF8'],
    {
      ...who,
      encoding: 'utf8',
      cwd: folder,
    },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error ?? made.stderr}`);
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    shared_buffers: '512MB',
    max_connections: 200,
  };
  const child = spawn(
    join(bin, 'postgres'),
    [
      '-D',
      data,
      '-p',
      String(port),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    { ...who, stdio: 'ignore', cwd: folder },
  );
  const end = stopper(child, 'SIGINT', folder);
  const url = `postgres://bench@127.0.0.1:${port}/postgres`;
  const query = async (sql: string) => {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      return await client.query(sql);
    } finally {
      await client.end();
    }
  };
  try {
    await untilUp(child, 'postgres', () => query('SELECT 1'));
    const { rows } = await query('SHOW server_version');
    return { url, version: `PostgreSQL ${String(rows[0]?.server_version).split(' ')[0]}`, end };
  } catch (error) {
    await end();
    throw error;
  }
}

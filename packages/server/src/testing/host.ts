/** Where a test's server lives: in this process, or in one of its own that can be killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Host {
  readonly endpoint: string;
  stop(): Promise<void>;
  /** SIGKILL, then a new start on the same data. Rejects for a server in this process. */
  kill(): Promise<void>;
}

export interface HostOptions {
  readonly dataDir: string;
  readonly seed: number;
  /** Epoch ms. */
  readonly startAt: number;
  readonly region: string;
  readonly account: string;
}

export async function startInside(options: HostOptions): Promise<Host> {
  const { startServer } = await import('../server.ts');
  const server = await startServer({
    ...options,
    host: '127.0.0.1',
    port: 0,
    clock: 'virtual',
    auth: 'open',
    templates: [],
    allowReset: true,
    logLevel: 'silent',
  });
  return {
    endpoint: server.endpoint,
    stop: () => server.stop(),
    kill: () => Promise.reject(new Error('only a server in a process of its own can be killed')),
  };
}

const BIN = fileURLToPath(new URL('../../bin/redrive.mjs', import.meta.url));
const READY = /^redrive ready endpoint=(\S+)/m;

export async function startApart(options: HostOptions): Promise<Host> {
  let running = await spawnServer(options);
  return {
    get endpoint() {
      return running.endpoint;
    },
    stop: () => end(running.child, 'SIGTERM'),
    async kill() {
      await end(running.child, 'SIGKILL');
      running = await spawnServer(options);
    },
  };
}

async function spawnServer(options: HostOptions): Promise<{ child: ChildProcess; endpoint: string }> {
  const { dataDir, seed, startAt, region, account } = options;
  const flags = {
    port: 0,
    data: dataDir,
    clock: 'virtual',
    seed,
    'start-at': new Date(startAt).toISOString(),
    region,
    account,
    'log-level': 'error',
  };
  const child = spawn(
    process.execPath,
    [BIN, 'start', ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  for await (const text of child.stdout.setEncoding('utf8')) {
    output += text;
    const endpoint = READY.exec(output)?.[1];
    if (endpoint !== undefined) {
      child.stdout.resume();
      return { child, endpoint };
    }
  }
  throw new Error(`the server ended before it was ready:\n${errors}`);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

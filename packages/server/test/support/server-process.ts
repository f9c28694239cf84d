/** A real server in its own process: started, killed and started again as a person or a power cut would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { atEnd, type Cleanup } from './cleanup.ts';
import { eventually } from './eventually.ts';

const BIN = fileURLToPath(new URL('../../bin/redrive.mjs', import.meta.url));
const READY = /^redrive ready endpoint=(\S+)/m;
/** A cold start on a busy machine of two cores. */
const START_TIMEOUT_MS = 60_000;

export interface ProcessOptions {
  /** Data folder; the same one again continues where the last process ended. */
  readonly data: string;
  /** Further arguments of `redrive start`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Options of node itself. */
  readonly nodeArgs?: readonly string[];
  /** Sees the process before it is ready. */
  readonly onSpawn?: (child: ChildProcess) => void;
}

export interface ServerProcess {
  readonly endpoint: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** Everything on stderr so far. */
  stderr(): string;
  /** SIGKILL; resolves when the process is gone. */
  kill9(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** Resolves when the server has said that it is ready. Whatever is left of it ends with the test. */
export async function startProcess(t: Cleanup, options: ProcessOptions): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    [
      ...(options.nodeArgs ?? []),
      BIN,
      'start',
      '--port',
      '0',
      '--data',
      options.data,
      '--log-level',
      'warn',
      ...(options.args ?? []),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } },
  );
  options.onSpawn?.(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const gone = () => child.exitCode !== null || child.signalCode !== null;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (!gone()) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
    return child.exitCode;
  };
  atEnd(t, () => end('SIGKILL'));
  const endpoint = await eventually(
    () => {
      const found = READY.exec(stdout)?.[1];
      if (found !== undefined) return found;
      return gone() ? '' : undefined;
    },
    { timeoutMs: START_TIMEOUT_MS, what: 'the ready line' },
  );
  if (endpoint === '') throw new Error(`the server ended with ${child.exitCode}:\n${stderr}`);
  return {
    endpoint,
    pid: child.pid as number,
    child,
    stderr: () => stderr,
    kill9: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
  };
}

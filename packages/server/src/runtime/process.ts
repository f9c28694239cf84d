/**
 * One operating-system process of a function, leader of its own group. Killing it kills the group, and when it
 * ends by itself whatever it left behind in the group is killed too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import type { Exit } from './failures.ts';

export interface ProcessListener {
  /** Bytes from descriptor 4. */
  control(chunk: Buffer): void;
  /** Bytes from standard output (1) or standard error (2). */
  output(descriptor: 1 | 2, chunk: Buffer): void;
  /** The process has ended; bytes it wrote before may still be on their way for a turn or two. */
  exit(exit: Exit): void;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** It gets descriptors 3, which it reads, and 4, which it writes. */
  readonly converses: boolean;
}

const PAGE_KB = 4;

export class FunctionProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #inbound: Readable | undefined;
  readonly #outbound: Writable | undefined;
  /** Resolves when the process is no more. */
  readonly gone: Promise<void>;
  #listener: ProcessListener | undefined;
  #exit: Exit | undefined;

  #pidFile: string | undefined;

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    // Two descriptors: a failed write must not take what the process said last with it.
    this.#outbound = (child.stdio[3] ?? undefined) as Writable | undefined;
    this.#inbound = (child.stdio[4] ?? undefined) as Readable | undefined;
    this.#inbound?.on('data', (chunk: Buffer) => this.#listener?.control(chunk));
    // The exit says everything that a broken pipe could say.
    this.#inbound?.on('error', () => undefined);
    this.#outbound?.on('error', () => undefined);
    for (const descriptor of [1, 2] as const) {
      const stream = child.stdio[descriptor] as Readable;
      stream.on('data', (chunk: Buffer) => this.#listener?.output(descriptor, chunk));
      stream.on('error', () => undefined);
    }
    this.gone = new Promise((resolve) => {
      child.on('exit', (code, signal) => {
        this.#exit = { code, signal };
        this.kill();
        if (this.#pidFile !== undefined) rm(this.#pidFile, { force: true }).catch(() => undefined);
        resolve();
        this.#listener?.exit(this.#exit);
      });
    });
  }

  /** Rejects when the system gives no process (no such program, no memory, too many processes). */
  static start(command: Command): Promise<FunctionProcess> {
    return new Promise((resolve, reject) => {
      let child: ChildProcess;
      try {
        child = spawn(command.file, command.args, {
          cwd: command.cwd,
          env: command.env as NodeJS.ProcessEnv,
          stdio: command.converses ? ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'] : ['ignore', 'pipe', 'pipe'],
          detached: true,
        });
      } catch (error) {
        reject(error);
        return;
      }
      child.on('error', reject);
      if (child.pid === undefined) return;
      resolve(new FunctionProcess(child, child.pid));
    });
  }

  get alive(): boolean {
    return this.#exit === undefined;
  }

  /** From now on `listener` hears of the process. If it has ended already, it hears that at once. */
  listen(listener: ProcessListener): void {
    this.#listener = listener;
    if (this.#exit) listener.exit(this.#exit);
  }

  /** Writes down which process this is while it lives, so that a later server can end what an earlier one left. */
  record(pidFile: string): void {
    this.#pidFile = pidFile;
    // Without the file a crash of the server may leave the process behind; that is no reason not to run it.
    writeFile(pidFile, `${this.pid} ${readStartTime(this.pid) ?? ''}`).catch(() => undefined);
  }

  send(bytes: Buffer): void {
    this.#outbound?.write(bytes);
  }

  /** Ends the whole group at once. */
  kill(): void {
    killGroup(this.pid);
  }

  /** Lets go of the descriptors; a grandchild that left the group may still hold their other ends. */
  release(): void {
    this.#listener = undefined;
    if (this.alive) this.kill();
    this.#inbound?.destroy();
    this.#outbound?.destroy();
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /** Resident memory of the process and its descendants, KB; 0 when it is gone. */
  readRssKb(): number {
    return readTreeRssKb(this.pid, 0);
  }
}

export function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Deeper trees than this are not a function's doing. */
const MAX_DEPTH = 16;

function readTreeRssKb(pid: number, depth: number): number {
  try {
    const statm = readFileSync(`/proc/${pid}/statm`, 'latin1');
    const start = statm.indexOf(' ') + 1;
    let kb = Number.parseInt(statm.slice(start), 10) * PAGE_KB;
    if (depth < MAX_DEPTH) {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
      if (children !== '') {
        for (const child of children.trim().split(' ')) kb += readTreeRssKb(Number(child), depth + 1);
      }
    }
    return kb;
  } catch {
    // It ended between two looks.
    return 0;
  }
}

/** Clock ticks since boot at which the process started: with the pid, a name that is never used again. */
export function readStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

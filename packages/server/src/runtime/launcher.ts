/**
 * Starts the process of an environment: the right program, variables, flags. Keeps Node processes that were
 * started ahead and wait to be told what they are, so that most cold starts need not wait for Node itself.
 */
import { constants, existsSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FunctionSpec } from '../domain/invocation.ts';
import type { Log } from '../platform/log.ts';
import { type Credentials, formatFunctionEnvironment } from './function-environment.ts';
import { FunctionProcess } from './process.ts';
import { HttpSession, RuntimeApi } from './runtime-api.ts';
import { FIRST_NODE_WITHOUT_CALLBACKS, RUNTIME_DIR, type Runtime, type Runtimes } from './runtimes.ts';
import { type Assignment, type Session, SocketSession } from './session.ts';

export interface LaunchRequest {
  readonly spec: FunctionSpec;
  readonly runtime: Runtime;
  readonly taskRoot: string;
  readonly tmp: string;
  readonly logStream: string;
  /** Signs the log frames of our bootstraps. */
  readonly nonce: Buffer;
  readonly pidFile: string;
}

export interface LauncherOptions {
  readonly runtimes: Runtimes;
  readonly endpoint: () => string;
  readonly credentials: () => Credentials;
  readonly log: Log;
}

/** The program a custom runtime must bring is not there, or cannot be executed. */
export class NoBootstrap extends Error {
  override readonly name = 'NoBootstrap';
}

/** Variables that a process reads only when it starts: with one of them it cannot have been started ahead. */
const READ_AT_START =
  /^(NODE_(?!ENV$|PATH$)|LD_|UV_|OPENSSL_|SSL_CERT|MALLOC_|GLIBC_|AWS_LAMBDA_EXEC_WRAPPER$)/;
/** Kinds of process kept ahead, one of each. */
const MAX_SPARES = 2;
const EXPLICIT_STRIP_TYPES = { from: [22, 6], to: [22, 18] } as const;

export class Launcher {
  readonly #options: LauncherOptions;
  /** By what they were started with, least recently used first. */
  readonly #spares = new Map<string, Promise<FunctionProcess | undefined>>();
  readonly #alive = new Set<FunctionProcess>();
  #stopped = false;

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  findRuntime(name: string): Promise<Runtime | undefined> {
    return this.#options.runtimes.find(name);
  }

  /** Rejects when the system gives no process; with NoBootstrap when the code lacks its program. */
  async launch(request: LaunchRequest): Promise<Session> {
    return request.runtime.kind === 'custom' ? this.#launchCustom(request) : this.#launchOwn(request);
  }

  async #launchOwn(request: LaunchRequest): Promise<Session> {
    const environment = this.#environmentOf(request);
    const { process, bare } = await this.#startOwn(request, environment);
    process.record(request.pidFile);
    return new SocketSession(process, this.#assignment(request, bare ? environment : undefined));
  }

  async #launchCustom(request: LaunchRequest): Promise<Session> {
    const { taskRoot, pidFile } = request;
    const bootstrap = await findBootstrap([join(taskRoot, 'bootstrap'), '/opt/bootstrap']);
    const api = await RuntimeApi.start();
    try {
      const env = this.#environmentOf(request, api.address);
      const args = ['-c', MERGED, 'sh', bootstrap];
      const process = this.#track(await FunctionProcess.start({ file: '/bin/sh', args, cwd: taskRoot, env }));
      process.record(pidFile);
      return new HttpSession(process, api);
    } catch (error) {
      api.close();
      throw error;
    }
  }

  #environmentOf(request: LaunchRequest, runtimeApi?: string): Record<string, string> {
    const { spec, runtime, taskRoot, tmp, logStream } = request;
    return formatFunctionEnvironment({
      spec,
      taskRoot,
      optRoot: '/opt',
      runtimeDir: RUNTIME_DIR,
      logStream,
      credentials: this.#options.credentials(),
      endpoint: this.#options.endpoint(),
      tmp,
      ...(runtimeApi !== undefined && { runtimeApi }),
      ...(runtime.file !== undefined && { interpreter: runtime.file }),
    });
  }

  /** Ends every process and resolves when they are gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const spares = [...this.#spares.values()];
    this.#spares.clear();
    for (const spare of spares) end(await spare);
    const alive = [...this.#alive];
    for (const process of alive) process.kill();
    await Promise.all(alive.map((process) => process.gone));
  }

  #track(process: FunctionProcess): FunctionProcess {
    this.#alive.add(process);
    void process.gone.then(() => this.#alive.delete(process));
    return process;
  }

  #assignment(request: LaunchRequest, environment: Record<string, string> | undefined): Assignment {
    const { spec, taskRoot } = request;
    return {
      taskRoot,
      ...(environment && { environment }),
      nonce: request.nonce.toString('hex'),
      logFormat: spec.logFormat,
      hidden: [
        [join(RUNTIME_DIR, 'bootstrap-handler.mjs'), '/var/runtime/index.mjs'],
        [join(RUNTIME_DIR, 'bootstrap.py'), '/var/runtime/bootstrap.py'],
        [RUNTIME_DIR, '/var/runtime'],
        [taskRoot, '/var/task'],
      ],
      acceptsCallbacks: Number(/\d+/.exec(spec.runtime)?.[0]) < FIRST_NODE_WITHOUT_CALLBACKS,
      context: {
        functionName: spec.name,
        functionVersion: spec.version,
        memoryLimitInMB: String(spec.memoryMb),
        logGroupName: spec.logGroup,
        logStreamName: request.logStream,
      },
    };
  }

  /** `bare`: the process has yet to be told its variables. */
  async #startOwn(
    request: LaunchRequest,
    environment: Record<string, string>,
  ): Promise<{ readonly process: FunctionProcess; readonly bare: boolean }> {
    const { spec, runtime, taskRoot } = request;
    const command = ownCommand(runtime, spec.memoryMb);
    const ahead =
      !Object.keys(spec.environment).some((name) => READ_AT_START.test(name)) &&
      !existsSync(join(taskRoot, 'lib'));
    if (ahead) {
      const spare = await this.#takeSpare(command);
      if (spare) return { process: spare, bare: true };
    }
    const wrapper = spec.environment.AWS_LAMBDA_EXEC_WRAPPER;
    if (wrapper !== undefined) command.unshift('/bin/sh', '-c', 'exec "$@"', 'sh', inside(wrapper, taskRoot));
    const [file, ...args] = command;
    const process = await FunctionProcess.start({
      file: file as string,
      args,
      cwd: taskRoot,
      env: ahead ? BARE_ENVIRONMENT : environment,
    });
    return { process: this.#track(process), bare: ahead };
  }

  async #takeSpare(command: readonly string[]): Promise<FunctionProcess | undefined> {
    const key = command.join('\0');
    const promised = this.#spares.get(key);
    // Before anything else can happen: a process is given away once.
    this.#spares.delete(key);
    const spare = await promised;
    return spare?.alive ? spare : undefined;
  }

  /**
   * Starts a process like the one `request` got, for the next cold start. Called when the cold start is over, so
   * that the two do not compete.
   */
  prepare(spec: FunctionSpec, runtime: Runtime): void {
    if (this.#stopped || runtime.kind === 'custom') return;
    const command = ownCommand(runtime, spec.memoryMb);
    const key = command.join('\0');
    if (this.#spares.has(key)) return;
    const [file, ...args] = command;
    const spare = FunctionProcess.start({ file: file as string, args, cwd: '/', env: BARE_ENVIRONMENT }).then(
      (started) => this.#track(started),
      (error: unknown) => {
        this.#options.log.warn({ err: error }, 'no process could be started ahead');
        return undefined;
      },
    );
    this.#spares.set(key, spare);
    for (const [oldKey, old] of this.#spares) {
      if (this.#spares.size <= MAX_SPARES) break;
      this.#spares.delete(oldKey);
      void old.then(end);
    }
  }
}

/** All that a process may know before it is told what it is. */
const BARE_ENVIRONMENT = { LANG: 'en_US.UTF-8', TZ: ':UTC', PYTHONDONTWRITEBYTECODE: '1', PYTHONUTF8: '1' };

function end(process: FunctionProcess | undefined): void {
  process?.kill();
  process?.release();
}

/** Standard output and error in one stream, in the order in which they were written. */
const MERGED = 'exec "$@" 2>&1';

/** The first that is an executable file. Rejects with NoBootstrap. */
async function findBootstrap(candidates: readonly string[]): Promise<string> {
  for (const file of candidates) {
    try {
      await access(file, constants.X_OK);
      if ((await stat(file)).isFile()) return file;
    } catch {
      // Not there, or not to be executed: the next one.
    }
  }
  throw new NoBootstrap(`no executable file: ${candidates.join(', ')}`);
}

/** The interpreter with our bootstrap. */
function ownCommand(runtime: Runtime, memoryMb: number): string[] {
  const file = runtime.file as string;
  return runtime.kind === 'python'
    ? [file, join(RUNTIME_DIR, 'bootstrap.py')]
    : [file, ...nodeFlags(runtime, memoryMb), join(RUNTIME_DIR, 'bootstrap.mjs')];
}

/** As AWS's bootstrap: young generation 5 % of the memory; the old one may fill it, the watch on it does the rest. */
function nodeFlags(runtime: Runtime, memoryMb: number): string[] {
  const flags = [
    `--max-semi-space-size=${Math.max(1, Math.floor(memoryMb * 0.05))}`,
    `--max-old-space-size=${memoryMb}`,
    '--disable-warning=ExperimentalWarning',
  ];
  const [major = 0, minor = 0] = runtime.version.split('.').map(Number);
  const { from, to } = EXPLICIT_STRIP_TYPES;
  if (major === from[0] && minor >= from[1] && minor < to[1]) flags.push('--experimental-strip-types');
  if (major < 21) flags.pop();
  return flags;
}

/** A path as the function knows it → the path here. */
function inside(path: string, taskRoot: string): string {
  return path.startsWith('/var/task/') ? join(taskRoot, path.slice('/var/task/'.length)) : path;
}

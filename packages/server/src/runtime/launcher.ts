/**
 * Starts the process of an environment: the right program, variables, flags. Keeps Node processes that were
 * started ahead and wait to be told what they are, so that most cold starts need not wait for Node itself.
 */
import { randomUUID } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { access, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FunctionSpec } from '../domain/invocation.ts';
import type { Log } from '../platform/log.ts';
import { type Credentials, formatFunctionEnvironment } from './function-environment.ts';
import type { Isolation } from './isolation.ts';
import type { LayerFolders } from './layers.ts';
import { FunctionProcess } from './process.ts';
import { HttpSession, RuntimeApi } from './runtime-api.ts';
import { FIRST_NODE_WITHOUT_CALLBACKS, RUNTIME_DIR, type Runtime, type Runtimes } from './runtimes.ts';
import { type Assignment, type Session, SocketSession } from './session.ts';

export interface LaunchRequest {
  readonly spec: FunctionSpec;
  readonly runtime: Runtime;
  readonly taskRoot: string;
  /** The environment's folder from its first process on; absent before it. */
  readonly folder?: string;
  readonly logStream: string;
  /** Signs the log frames of our bootstraps. */
  readonly nonce: Buffer;
}

/** With the folder of its layers; `/opt` when it has none. */
interface PlacedRequest extends LaunchRequest {
  readonly optRoot: string;
}

export interface Launched {
  readonly session: Session;
  /** Holds the environment's temporary folder. */
  readonly folder: string;
}

/** A process that waits to be told what it is, and the folder it came with. */
interface Spare {
  readonly process: FunctionProcess;
  readonly folder: string;
}

export interface LauncherOptions {
  readonly runtimes: Runtimes;
  readonly endpoint: () => string;
  readonly credentials: () => Credentials;
  readonly log: Log;
  /** Folder of the folders of all environments. */
  readonly root: string;
  readonly isolation: Promise<Isolation>;
  readonly layers: Promise<LayerFolders>;
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
  readonly #spares = new Map<string, Promise<Spare | undefined>>();
  readonly #alive = new Set<FunctionProcess>();
  #stopped = false;

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  findRuntime(name: string): Promise<Runtime | undefined> {
    return this.#options.runtimes.find(name);
  }

  /** Rejects when the system gives no process; with NoBootstrap when the code lacks its program. */
  async launch(request: LaunchRequest): Promise<Launched> {
    const { layers = [] } = request.spec;
    const optRoot = layers.length > 0 ? await (await this.#options.layers).merge(layers) : '/opt';
    const placed = { ...request, optRoot };
    return request.runtime.kind === 'custom' ? this.#launchCustom(placed) : this.#launchOwn(placed);
  }

  async #launchOwn(request: PlacedRequest): Promise<Launched> {
    const { spec, runtime, taskRoot, optRoot } = request;
    const isolation = await this.#options.isolation;
    const command = ownCommand(runtime, spec.memoryMb);
    const ahead =
      !Object.keys(spec.environment).some((name) => READ_AT_START.test(name)) &&
      !existsSync(join(taskRoot, 'lib')) &&
      // A process started ahead cannot be given an /opt any more.
      layersOf(request) === undefined;
    // A private /tmp comes with its process; an environment that has a folder already keeps that.
    const spare =
      ahead && (request.folder === undefined || isolation.tier === 'basic')
        ? await this.#takeSpare(command)
        : undefined;
    const folder = request.folder ?? spare?.folder ?? (await this.#makeFolder());
    if (spare && spare.folder !== folder) this.#removeFolder(spare.folder);
    const environment = this.#environmentOf(request, isolation, folder);
    const wrapper = spec.environment.AWS_LAMBDA_EXEC_WRAPPER;
    if (wrapper !== undefined)
      command.unshift('/bin/sh', '-c', 'exec "$@"', 'sh', inside(wrapper, taskRoot, optRoot));
    const process =
      spare?.process ??
      (await this.#start(
        isolation.wrap(command, join(folder, TMP), layersOf(request)),
        taskRoot,
        ahead ? BARE_ENVIRONMENT : environment,
      ));
    process.record(join(folder, PID_FILE));
    const session = new SocketSession(process, this.#assignment(request, ahead ? environment : undefined));
    return { session, folder };
  }

  async #launchCustom(request: PlacedRequest): Promise<Launched> {
    const { taskRoot, optRoot } = request;
    const bootstrap = await findBootstrap([join(taskRoot, 'bootstrap'), join(optRoot, 'bootstrap')]);
    const isolation = await this.#options.isolation;
    const folder = request.folder ?? (await this.#makeFolder());
    const api = await RuntimeApi.start();
    try {
      const environment = this.#environmentOf(request, isolation, folder, api.address);
      const command = ['/bin/sh', '-c', MERGED, 'sh', bootstrap];
      const wrapped = isolation.wrap(command, join(folder, TMP), layersOf(request));
      const process = await this.#start(wrapped, taskRoot, environment, false);
      process.record(join(folder, PID_FILE));
      return { session: new HttpSession(process, api), folder };
    } catch (error) {
      api.close();
      throw error;
    }
  }

  async #start(
    command: readonly string[],
    cwd: string,
    env: Readonly<Record<string, string>>,
    converses = true,
  ): Promise<FunctionProcess> {
    const [file, ...args] = command;
    const process = await FunctionProcess.start({ file: file as string, args, cwd, env, converses });
    if (this.#stopped) {
      process.release();
      await process.gone;
      throw new Error('the server is stopping');
    }
    this.#alive.add(process);
    void process.gone.then(() => this.#alive.delete(process));
    return process;
  }

  async #makeFolder(): Promise<string> {
    const folder = join(this.#options.root, randomUUID());
    await mkdir(join(folder, TMP), { recursive: true });
    return folder;
  }

  #removeFolder(folder: string): void {
    rm(folder, { recursive: true, force: true }).catch((error: unknown) =>
      this.#options.log.warn({ err: error, folder }, 'folder of an environment was not removed'),
    );
  }

  #environmentOf(
    request: PlacedRequest,
    isolation: Isolation,
    folder: string,
    runtimeApi?: string,
  ): Record<string, string> {
    const { spec, runtime, taskRoot, logStream } = request;
    return formatFunctionEnvironment({
      spec,
      taskRoot,
      optRoot: isolation.coversOpt ? '/opt' : request.optRoot,
      runtimeDir: RUNTIME_DIR,
      logStream,
      credentials: this.#options.credentials(),
      endpoint: this.#options.endpoint(),
      ...(isolation.tier === 'basic' && { tmp: join(folder, TMP) }),
      ...(runtimeApi !== undefined && { runtimeApi }),
      ...(runtime.file !== undefined && { interpreter: runtime.file }),
    });
  }

  /** Ends every process and resolves when they are gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const spares = [...this.#spares.values()];
    this.#spares.clear();
    for (const spare of spares) this.#end(await spare);
    const alive = [...this.#alive];
    for (const process of alive) process.kill();
    await Promise.all(alive.map((process) => process.gone));
  }

  #assignment(request: PlacedRequest, environment: Record<string, string> | undefined): Assignment {
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
        [request.optRoot, '/opt'],
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

  async #takeSpare(command: readonly string[]): Promise<Spare | undefined> {
    const key = command.join('\0');
    const promised = this.#spares.get(key);
    // Before anything else can happen: a process is given away once.
    this.#spares.delete(key);
    const spare = await promised;
    if (spare?.process.alive) return spare;
    this.#end(spare);
    return undefined;
  }

  /**
   * Starts a process like those of this function, for the next cold start. Called when a cold start is over, so
   * that the two do not compete.
   */
  prepare(spec: FunctionSpec, runtime: Runtime): void {
    if (this.#stopped || runtime.kind === 'custom') return;
    const command = ownCommand(runtime, spec.memoryMb);
    const key = command.join('\0');
    if (this.#spares.has(key)) return;
    this.#spares.set(key, this.#startSpare(command));
    for (const [oldKey, old] of this.#spares) {
      if (this.#spares.size <= MAX_SPARES) break;
      this.#spares.delete(oldKey);
      void old.then((spare) => this.#end(spare));
    }
  }

  /** Never rejects: without it the next cold start takes longer, that is all. */
  async #startSpare(command: readonly string[]): Promise<Spare | undefined> {
    let folder: string | undefined;
    try {
      const isolation = await this.#options.isolation;
      folder = await this.#makeFolder();
      const process = await this.#start(isolation.wrap(command, join(folder, TMP)), '/', BARE_ENVIRONMENT);
      return { process, folder };
    } catch (error) {
      if (!this.#stopped) this.#options.log.warn({ err: error }, 'no process could be started ahead');
      if (folder !== undefined) this.#removeFolder(folder);
      return undefined;
    }
  }

  #end(spare: Spare | undefined): void {
    if (!spare) return;
    spare.process.release();
    void spare.process.gone.then(() => this.#removeFolder(spare.folder));
  }
}

/** Names within an environment's folder. */
const TMP = 'tmp';
const PID_FILE = 'pid';

/** All that a process may know before it is told what it is. */
const BARE_ENVIRONMENT = { LANG: 'en_US.UTF-8', TZ: ':UTC', PYTHONDONTWRITEBYTECODE: '1', PYTHONUTF8: '1' };

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

/** Folder of the function's layers, if it has any. */
function layersOf({ spec, optRoot }: PlacedRequest): string | undefined {
  return spec.layers && spec.layers.length > 0 ? optRoot : undefined;
}

/** A path as the function knows it → the path here. */
function inside(path: string, taskRoot: string, optRoot: string): string {
  if (path.startsWith('/var/task/')) return join(taskRoot, path.slice('/var/task/'.length));
  return path.startsWith('/opt/') ? join(optRoot, path.slice('/opt/'.length)) : path;
}

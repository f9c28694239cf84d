/**
 * All execution environments of this server: which run goes where, when to start another environment, which one
 * makes room. A run that was accepted is answered exactly once; it may be handed to several processes, but begins
 * in one of them only.
 */
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import type { FunctionSpec, Outcome, RunRequest } from '../domain/invocation.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import { Environment, type EnvironmentDeps, type EnvironmentHost } from './environment.ts';
import type { Capacity, CodeStore, Executor, ExecutorState, LogSink, RunOptions } from './executor.ts';
import type { Credentials } from './function-environment.ts';
import { createGroup, enqueue, type Group, keyOf, take } from './group.ts';
import { type Isolation, type IsolationTier, probeIsolation } from './isolation.ts';
import { Job } from './job.ts';
import { Launcher } from './launcher.ts';
import { createLayerFolders } from './layers.ts';
import { endOrphans } from './orphans.ts';
import { createRuntimes, RUNTIME_DIR, type Runtime, type Runtimes } from './runtimes.ts';
import { decideEnvironments, decideRestartPauseMs } from './scaling.ts';
import { createTurns } from './turns.ts';

export interface ExecutorLimits {
  /** Environments at the same time. Default: four for each processor, 16 at least. */
  readonly maxEnvironments?: number;
  /** Environments at the same time when callers wait for the answer. Default: what the memory holds. */
  readonly maxUrgentEnvironments?: number;
  /** An environment without work is ended after this. Default: 5 minutes. */
  readonly idleMs?: number;
  /** Default: AWS's 10 s. */
  readonly initTimeoutMs?: number;
}

export interface ExecutorOptions {
  readonly codeStore: CodeStore;
  /** Function processes keep their files under `<dataDir>/environments`. */
  readonly dataDir: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly logSink: LogSink;
  readonly log: Log;
  /** URL of this server as functions reach it; asked at every start of a process. */
  readonly endpoint: () => string;
  /** What functions sign their calls with. */
  readonly credentials?: () => Credentials;
  readonly limits?: ExecutorLimits;
  readonly runtimes?: Runtimes;
  /** Default: as much as this machine permits. */
  readonly isolation?: IsolationTier | 'auto';
}

const DEFAULT_CREDENTIALS: Credentials = {
  accessKeyId: 'redrive',
  secretAccessKey: 'redrive',
  sessionToken: 'redrive',
};
const IDLE_MS = 5 * 60_000;
const INIT_TIMEOUT_MS = 10_000;
const REAP_EVERY_MS = 10_000;
const TICK_MS = 15;
/** An environment may serve its function so long while others have none. */
const QUANTUM_MS = 250;
/** What an environment needs at the least, for the memory budget of urgent runs. */
const ENVIRONMENT_BYTES = 64 * 1024 * 1024;
/** A process that dies within this has died young. */
const YOUNG_MS = 2_000;
const WEIGHT = 0.2;

interface Concurrency {
  limit: number | undefined;
  busy: number;
}

export function createExecutor(options: ExecutorOptions): Executor {
  return new Pool(options);
}

class Pool implements Executor, EnvironmentHost {
  readonly #deps: EnvironmentDeps;
  readonly #launcher: Launcher;
  readonly #groups = new Map<string, Group>();
  readonly #groupOf = new WeakMap<FunctionSpec, Group>();
  readonly #environments = new Map<Environment, Group>();
  readonly #concurrency = new Map<string, Concurrency>();
  /** Functions with runs waiting and no environment at all, longest first. */
  readonly #starving = new Set<Group>();
  readonly #dirty = new Set<Group>();
  readonly #maxEnvironments: number;
  readonly #maxUrgent: number;
  readonly #parallelStarts: number;
  readonly #idleMs: number;
  readonly #reaper: NodeJS.Timeout;
  #ticker: NodeJS.Timeout | undefined;
  #isolation: Isolation | undefined;
  #busy = 0;
  #stopped = false;
  #onQuiet: (() => void) | undefined;

  constructor(options: ExecutorOptions) {
    const cores = availableParallelism();
    const limits = options.limits ?? {};
    this.#maxEnvironments = limits.maxEnvironments ?? Math.max(16, 4 * cores);
    this.#maxUrgent =
      limits.maxUrgentEnvironments ??
      Math.max(this.#maxEnvironments, Math.floor((totalmem() * 0.7) / ENVIRONMENT_BYTES));
    this.#parallelStarts = Math.max(2, cores);
    this.#idleMs = limits.idleMs ?? IDLE_MS;
    const root = join(options.dataDir, 'environments');
    endOrphans(root);
    const isolation = probeIsolation(options.isolation ?? 'auto', root, [
      options.dataDir,
      RUNTIME_DIR,
      process.execPath,
    ]);
    const layers = createLayerFolders(join(options.dataDir, 'layers'), options.codeStore);
    // Said to whoever needs a layer; nobody may.
    layers.catch(() => undefined);
    this.#launcher = new Launcher({
      runtimes: options.runtimes ?? createRuntimes(),
      endpoint: options.endpoint,
      credentials: options.credentials ?? (() => DEFAULT_CREDENTIALS),
      log: options.log,
      root,
      isolation,
      layers,
    });
    void isolation.then((found) => {
      this.#isolation = found;
    });
    this.#deps = {
      clock: options.clock,
      ids: options.ids,
      random: options.random,
      log: options.log,
      logSink: options.logSink,
      codeStore: options.codeStore,
      launcher: this.#launcher,
      initTimeoutMs: limits.initTimeoutMs ?? INIT_TIMEOUT_MS,
      afterTurns: createTurns(),
    };
    this.#reaper = setInterval(() => this.#reap(), Math.min(REAP_EVERY_MS, this.#idleMs));
    this.#reaper.unref();
  }

  // --- Executor ---------------------------------------------------------------------------------------

  run(request: RunRequest, options?: RunOptions): Promise<Outcome> {
    return new Promise((resolve) => {
      const job = new Job(request, options, resolve);
      if (this.#stopped) {
        job.answer({ kind: 'systemError', message: 'The server is stopping.' });
        return;
      }
      if (options?.signal?.aborted) {
        job.answer(GIVEN_UP);
        return;
      }
      const group = this.#groupFor(request.spec);
      enqueue(group, job);
      if (options?.signal) this.#watchSignal(group, job, options.signal);
      this.#markDirty(group);
    });
  }

  capacity(spec: FunctionSpec): Capacity {
    const group = this.#groups.get(keyOf(spec));
    const { limit, busy } = this.#concurrencyOf(spec.arn);
    let room = 0;
    let concurrency = 0;
    let own = 0;
    let idleElsewhere = 0;
    for (const [environment, itsGroup] of this.#environments) {
      if (itsGroup === group) {
        own++;
        if (environment.busy) concurrency++;
        if (environment.busy || limit === undefined || busy < limit)
          room += environment.starting ? 1 : environment.room;
      } else if (environment.idle) idleElsewhere++;
    }
    const startable = this.#maxEnvironments - this.#environments.size + idleElsewhere;
    const allowed = limit === undefined ? startable : Math.min(startable, limit - Math.max(own, busy));
    const waiting = group?.waiting.length ?? 0;
    return {
      runs: this.#stopped ? 0 : Math.max(0, room + Math.max(0, allowed) - waiting),
      concurrency,
      waiting,
    };
  }

  limit(functionArn: string, maxConcurrency: number | undefined): void {
    this.#concurrencyOf(functionArn).limit = maxConcurrency;
    for (const group of this.#groups.values()) if (group.spec.arn === functionArn) this.#markDirty(group);
  }

  concurrency(functionArn: string): number {
    return this.#concurrency.get(functionArn)?.busy ?? 0;
  }

  retire(functionArn: string, keepRevision?: string): void {
    for (const [environment, { spec }] of this.#environments) {
      if (spec.arn === functionArn && spec.revisionId !== keepRevision) environment.retire();
    }
  }

  async stop(drainMs: number): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#reaper);
    for (const group of this.#groups.values()) {
      clearTimeout(group.pause);
      for (const job of group.waiting.splice(0)) {
        job.answer({ kind: 'systemError', message: 'The server is stopping.' });
      }
    }
    if (this.#busy > 0 && drainMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, drainMs);
        this.#onQuiet = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    for (const environment of [...this.#environments.keys()]) environment.end();
    clearInterval(this.#ticker);
    await this.#launcher.stop();
  }

  describe(): ExecutorState {
    let starting = 0;
    let waiting = 0;
    for (const environment of this.#environments.keys()) if (environment.starting) starting++;
    for (const group of this.#groups.values()) waiting += group.waiting.length;
    const isolation = this.#isolation
      ? { tier: this.#isolation.tier, reason: this.#isolation.reason }
      : { tier: 'unknown' as const };
    return { environments: this.#environments.size, busy: this.#busy, starting, waiting, isolation };
  }

  // --- EnvironmentHost --------------------------------------------------------------------------------

  onRoom(environment: Environment): void {
    const group = this.#environments.get(environment);
    if (!group) return;
    if (this.#starving.size > 0 && this.#mustYield(environment, group)) environment.retire();
    this.#markDirty(group);
  }

  onReturned(jobs: readonly Job[]): void {
    const kept = jobs.filter((job) => !job.aborted && !this.#stopped);
    for (const job of jobs) {
      if (job.aborted) job.answer(GIVEN_UP);
      else if (this.#stopped) job.answer({ kind: 'systemError', message: 'The server is stopping.' });
    }
    const first = kept[0];
    if (!first) return;
    const group = this.#groupFor(first.request.spec);
    group.waiting = [...kept, ...group.waiting];
    this.#markDirty(group);
  }

  onAnswered(environment: Environment, durationMs: number): void {
    const group = this.#environments.get(environment);
    if (!group) return;
    group.averageMs =
      group.averageMs === undefined ? durationMs : group.averageMs + WEIGHT * (durationMs - group.averageMs);
  }

  onStarted(environment: Environment, coldMs: number): void {
    const group = this.#environments.get(environment);
    if (group) group.coldMs += WEIGHT * (coldMs - group.coldMs);
  }

  onDied(environment: Environment, livedMs: number, answered: number): void {
    const group = this.#environments.get(environment);
    if (!group) return;
    group.crashes = livedMs < YOUNG_MS && answered === 0 ? group.crashes + 1 : 0;
    group.notBefore = performance.now() + decideRestartPauseMs(group.crashes);
  }

  onUnlaunchable(environment: Environment, message: string): void {
    const group = this.#groups.get(keyOf(environment.spec));
    // Others of it may still serve; without any, nobody shall wait for what will not come.
    if (!group || group.environments.size > 0) return;
    for (const job of group.waiting.splice(0)) job.answer({ kind: 'systemError', message });
  }

  onBusy(environment: Environment, busy: boolean): void {
    const change = busy ? 1 : -1;
    this.#busy += change;
    const { arn } = environment.spec;
    const concurrency = this.#concurrencyOf(arn);
    concurrency.busy += change;
    if (busy) this.#ticker ??= setInterval(() => this.#tick(), TICK_MS);
    else {
      if (this.#busy === 0) {
        clearInterval(this.#ticker);
        this.#ticker = undefined;
        this.#onQuiet?.();
      }
      // Another version of the function may have waited for this one to end.
      if (concurrency.limit !== undefined) {
        for (const group of this.#groups.values()) {
          if (group.spec.arn === arn && group.waiting.length > 0) this.#markDirty(group);
        }
      }
    }
  }

  onEnded(environment: Environment): void {
    const group = this.#environments.get(environment);
    this.#environments.delete(environment);
    group?.environments.delete(environment);
    for (const waiting of this.#groups.values()) {
      if (waiting === group || waiting.waiting.length > 0) this.#markDirty(waiting);
    }
  }

  // --- Handing over -----------------------------------------------------------------------------------

  #markDirty(group: Group): void {
    if (this.#dirty.size === 0) {
      queueMicrotask(() => {
        const groups = this.#byNeed();
        this.#dirty.clear();
        for (const dirty of groups) this.#pump(dirty);
      });
    }
    this.#dirty.add(group);
  }

  /** Who starves comes first, longest first; then who has least. */
  #byNeed(): Group[] {
    if (this.#dirty.size === 1) return [...this.#dirty];
    const starving = [...this.#starving].filter((group) => this.#dirty.has(group));
    const others = [...this.#dirty].filter((group) => !this.#starving.has(group));
    return [...starving, ...others.sort((a, b) => a.environments.size - b.environments.size)];
  }

  #pump(group: Group): void {
    if (this.#stopped) return;
    if (group.waiting.length === 0) {
      this.#starving.delete(group);
      if (group.environments.size === 0) this.#forget(group);
      return;
    }
    if (group.runtime === 'unknown') return;
    if (group.runtime === 'missing') {
      const message = `Nothing on this machine runs ${group.spec.runtime}.`;
      for (const job of group.waiting.splice(0)) job.answer({ kind: 'systemError', message });
      return;
    }
    this.#handOver(group);
    if (group.waiting.length > 0) this.#grow(group, group.runtime);
    else this.#starving.delete(group);
  }

  #handOver(group: Group): void {
    const { limit } = this.#concurrencyOf(group.spec.arn);
    const paused = performance.now() < group.notBefore;
    const idle: Environment[] = [];
    const working: Environment[] = [];
    for (const environment of group.environments) {
      if (environment.room === 0 || (paused && environment.needsProcess)) continue;
      if (environment.busy) working.push(environment);
      else idle.push(environment);
    }
    // The one that worked last has the warmest caches; one without a process comes last.
    idle.sort((a, b) => Number(a.needsProcess) - Number(b.needsProcess) || b.lastUsedAt - a.lastUsedAt);
    const share = Math.ceil(group.waiting.length / Math.max(1, idle.length));
    for (const environment of idle) {
      if (group.waiting.length === 0) return;
      if (limit !== undefined && this.concurrency(group.spec.arn) >= limit) break;
      environment.give(take(group, Math.min(share, environment.room)));
    }
    for (const environment of working) {
      if (group.waiting.length === 0) return;
      environment.give(take(group, environment.room));
    }
    if (paused && group.waiting.length > 0) this.#pauseUntil(group, group.notBefore);
  }

  #grow(group: Group, runtime: Runtime): void {
    const now = performance.now();
    if (now < group.notBefore) {
      this.#pauseUntil(group, group.notBefore);
      return;
    }
    let running = 0;
    let stuck = 0;
    for (const environment of group.environments) {
      running += environment.load;
      if (environment.elapsedMs(now) > group.coldMs) stuck++;
    }
    const wanted = decideEnvironments({
      waiting: group.waiting.length,
      running,
      environments: group.environments.size,
      stuck,
      averageMs: group.averageMs,
      coldMs: group.coldMs,
      parallelStarts: this.#parallelStarts,
    });
    const urgent = group.waiting[0]?.urgent === true;
    // An urgent run waits for nobody whose end is not in sight.
    const atLeast = urgent && group.environments.size === running ? group.environments.size + 1 : 0;
    for (let missing = Math.max(wanted, atLeast) - group.environments.size; missing > 0; missing--) {
      if (!this.#mayStart(group, urgent)) return;
      this.#start(group, runtime);
    }
    this.#starving.delete(group);
  }

  #mayStart(group: Group, urgent: boolean): boolean {
    const { arn } = group.spec;
    const { limit } = this.#concurrencyOf(arn);
    if (limit !== undefined) {
      let own = 0;
      for (const [environment, other] of this.#environments)
        if (other.spec.arn === arn && !environment.idle) own++;
      if (own >= limit) return false;
    }
    let starting = 0;
    for (const environment of this.#environments.keys()) if (environment.starting) starting++;
    if (starting >= this.#parallelStarts * 2 && !urgent) return false;
    const hasNone = group.environments.size === 0;
    // What others lack altogether is not given to those who want more.
    if (hasNone || this.#starving.size === 0) {
      if (this.#environments.size < this.#maxEnvironments) return true;
      if (this.#evict(group)) return true;
    }
    if (urgent && this.#environments.size < this.#maxUrgent) return true;
    if (hasNone) this.#starving.add(group);
    return false;
  }

  /** Ends the environment that has been without work for longest, if any has. */
  #evict(group: Group): boolean {
    let oldest: Environment | undefined;
    for (const [environment, owner] of this.#environments) {
      if (owner === group || !environment.idle || owner.waiting.length > 0) continue;
      if (!oldest || environment.lastUsedAt < oldest.lastUsedAt) oldest = environment;
    }
    oldest?.end();
    return oldest !== undefined;
  }

  #start(group: Group, runtime: Runtime): void {
    const environment = new Environment(this.#deps, this, group.spec, runtime);
    this.#environments.set(environment, group);
    group.environments.add(environment);
  }

  /** Others have nothing and this function has had its turn, or has no use for the environment. */
  #mustYield(environment: Environment, group: Group): boolean {
    if (this.#environments.size < this.#maxEnvironments) return false;
    if (group.waiting.length === 0 && environment.idle) return true;
    if (performance.now() - environment.createdAt < QUANTUM_MS) return false;
    let demanding = 0;
    for (const other of this.#groups.values()) if (other.waiting.length > 0 || other === group) demanding++;
    const share = Math.max(1, Math.floor(this.#maxEnvironments / demanding));
    return group.environments.size > share || demanding > this.#maxEnvironments;
  }

  // --- Housekeeping -----------------------------------------------------------------------------------

  #groupFor(spec: FunctionSpec): Group {
    const known = this.#groupOf.get(spec);
    if (known && this.#groups.get(known.key) === known) return known;
    const key = keyOf(spec);
    let group = this.#groups.get(key);
    if (!group) {
      group = createGroup(spec);
      this.#groups.set(key, group);
      void this.#resolveRuntime(group);
    }
    this.#groupOf.set(spec, group);
    return group;
  }

  async #resolveRuntime(group: Group): Promise<void> {
    group.runtime = (await this.#launcher.findRuntime(group.spec.runtime)) ?? 'missing';
    this.#markDirty(group);
  }

  /** What is known of a function outlives its environments only while it has work. */
  #forget(group: Group): void {
    clearTimeout(group.pause);
    if (group.notBefore < performance.now()) this.#groups.delete(group.key);
  }

  #concurrencyOf(arn: string): Concurrency {
    let found = this.#concurrency.get(arn);
    if (!found) {
      found = { limit: undefined, busy: 0 };
      this.#concurrency.set(arn, found);
    }
    return found;
  }

  #pauseUntil(group: Group, at: number): void {
    if (group.pause) return;
    group.pause = setTimeout(
      () => {
        group.pause = undefined;
        this.#markDirty(group);
      },
      Math.max(1, at - performance.now()),
    );
  }

  #tick(): void {
    const now = performance.now();
    for (const environment of this.#environments.keys()) environment.tick(now);
    // Runs that last make more environments worth while.
    for (const group of this.#groups.values()) if (group.waiting.length > 0) this.#markDirty(group);
  }

  #reap(): void {
    const now = performance.now();
    for (const environment of [...this.#environments.keys()]) {
      if (environment.idle && now - environment.lastUsedAt > this.#idleMs) environment.end();
    }
  }

  #watchSignal(group: Group, job: Job, signal: AbortSignal): void {
    const onAbort = () => {
      if (job.answered) return;
      const index = group.waiting.indexOf(job);
      if (index !== -1) {
        group.waiting.splice(index, 1);
        job.answer(GIVEN_UP);
        return;
      }
      for (const environment of group.environments) environment.abort(job);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    job.onAnswered = () => signal.removeEventListener('abort', onAbort);
  }
}

const GIVEN_UP: Outcome = { kind: 'systemError', message: 'The run was given up.' };

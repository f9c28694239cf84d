/**
 * The life of one execution environment: a log stream, a temporary folder and, one after the other, the
 * processes in it. A process that dies or is killed is followed by another only when a run needs it, and that
 * one is initialised inside the run, as on AWS. Runs are executed one at a time; a run that was sent ahead but
 * did not begin is given back, never failed.
 */
import { rm } from 'node:fs/promises';
import type { FunctionSpec } from '../domain/invocation.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import { concludeRun, type Finished } from './conclusion.ts';
import type { CodeStore, LogSink } from './executor.ts';
import {
  type Exit,
  exited,
  type Failure,
  noBootstrap,
  reported,
  responseTooLarge,
  timedOut,
} from './failures.ts';
import {
  BEGIN,
  END,
  END_ERROR,
  END_EXITS,
  END_FORGETS,
  END_NEXT_BEGINS,
  END_TOO_LARGE,
  FORGOT,
  INIT_ERROR,
  type ProcessFrame,
  READY,
  SLOW_RUN_MS,
} from './frames.ts';
import type { Job } from './job.ts';
import { Lane } from './lane.ts';
import { type Launcher, NoBootstrap } from './launcher.ts';
import {
  type Ending,
  formatInitDone,
  formatInitReport,
  formatInitStart,
  formatStart,
  formatStreamName,
} from './log-lines.ts';
import { Output } from './output.ts';
import { formatRuntimeVersionArn, type Runtime } from './runtimes.ts';
import type { Session } from './session.ts';
import { endStragglers } from './stragglers.ts';
import { TimeoutWatch } from './timeout-watch.ts';

export interface EnvironmentDeps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Log;
  readonly logSink: LogSink;
  readonly codeStore: CodeStore;
  readonly launcher: Launcher;
  /** AWS: 10 s. */
  readonly initTimeoutMs: number;
  readonly afterTurns: (callback: () => void) => void;
}

/** Who gives the environment its work. */
export interface EnvironmentHost {
  /** There may be room for more runs. */
  onRoom(environment: Environment): void;
  /** Runs that were handed over and did not begin; in order. */
  onReturned(jobs: readonly Job[]): void;
  /** A run has ended and is answered. */
  onAnswered(environment: Environment, durationMs: number): void;
  /** Its first process is initialised; that took `coldMs`. */
  onStarted(environment: Environment, coldMs: number): void;
  /** Its process has gone without having been told to, `livedMs` after it was started, having answered so many runs. */
  onDied(environment: Environment, livedMs: number, answered: number): void;
  /** No process can be had for it; the environment has ended. */
  onUnlaunchable(environment: Environment, message: string): void;
  /** It executes a run now, or no longer. */
  onBusy(environment: Environment, busy: boolean): void;
  onEnded(environment: Environment): void;
}

type State =
  /** Its first process is being started and initialised. */
  | 'starting'
  | 'ready'
  /** No process: the next run brings one up. */
  | 'reset'
  /** A process is being started and initialised inside a run. */
  | 'reviving'
  /** The process is known to be going. */
  | 'dying'
  | 'ended';

/** The server looks at a slow run this much later than the process would. */
const FORGET_MARGIN_MS = 15;
const MEMORY_LOOK_MS = 100;
/** Close to its limit, memory is looked at more often. */
const MEMORY_NEAR = 0.5;
const MEMORY_LOOK_NEAR_MS = 30;
/** How long a killed process may take to be gone before its run is answered all the same. */
const KILL_GRACE_MS = 2_000;
/** What a runtime that reported a failed initialisation has left to exit. */
const INIT_ERROR_GRACE_MS = 200;
const KB_PER_MB = 1024;

export class Environment {
  readonly id: string;
  readonly spec: FunctionSpec;
  readonly logStream: string;
  /** performance.now() of the last run's end, or of the start. */
  lastUsedAt = performance.now();
  /** performance.now() since when it has been working for its function without a break. */
  readonly createdAt = performance.now();
  readonly #deps: EnvironmentDeps;
  readonly #host: EnvironmentHost;
  readonly #runtime: Runtime;
  readonly #output: Output;
  readonly #watch: TimeoutWatch;
  /** Holds its temporary folder; from the first process on. */
  #folder: string | undefined;
  #state: State = 'starting';
  #session: Session | undefined;
  readonly #lane: Lane;
  #finished: Finished[] = [];
  #settling = false;
  #launchedAt = 0;
  #initError: Failure | undefined;
  #initMs: number | undefined;
  #peakKb = 0;
  #killedFor: 'timeout' | 'memory' | 'abort' | undefined;
  #initWatch: NodeJS.Timeout | undefined;
  #nextMemoryLook = 0;
  #retiring = false;
  #busy = false;

  constructor(deps: EnvironmentDeps, host: EnvironmentHost, spec: FunctionSpec, runtime: Runtime) {
    this.#deps = deps;
    this.#host = host;
    this.spec = spec;
    this.#runtime = runtime;
    this.id = deps.ids.uuid().replaceAll('-', '');
    this.logStream = formatStreamName(deps.clock.now(), spec.version, this.id);
    this.#output = new Output(spec, this.logStream, deps.clock, deps.logSink);
    this.#lane = new Lane(spec.timeoutMs);
    this.#watch = new TimeoutWatch(
      spec.timeoutMs,
      () => this.#lane.begunAt,
      () => this.#onTimeout(),
    );
    void this.#start();
  }

  get starting(): boolean {
    return this.#state === 'starting' || this.#state === 'reviving';
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** Can be ended without harm to a run. */
  get idle(): boolean {
    return (
      (this.#state === 'ready' || this.#state === 'reset') &&
      this.#lane.length === 0 &&
      this.#finished.length === 0
    );
  }

  get ended(): boolean {
    return this.#state === 'ended';
  }

  get retiring(): boolean {
    return this.#retiring;
  }

  /** Runs that may be handed over now. */
  get room(): number {
    if (this.#retiring) return 0;
    if (this.#state === 'reset') return this.#lane.length + this.#finished.length === 0 ? 1 : 0;
    if (this.#state !== 'ready' || !this.#session) return 0;
    const { window } = this.#lane;
    // One at a time: the next one begins when all that the last one wrote has been read.
    if (window === 1 || this.#output.writesRaw || !this.#session.prefetches) {
      return this.#lane.length + this.#finished.length === 0 ? 1 : 0;
    }
    // Behind a run that lasts nothing may be put: the process would forget it.
    if (this.#lane.length > 0 && this.elapsedMs(performance.now()) > SLOW_RUN_MS / 2) return 0;
    return Math.max(0, window - this.#lane.length);
  }

  /** The next run must bring a process up. */
  get needsProcess(): boolean {
    return this.#state === 'reset';
  }

  /** How long the run under way has lasted, ms; 0 without one. */
  elapsedMs(now: number): number {
    const { begunAt } = this.#lane;
    return begunAt === undefined ? 0 : now - begunAt;
  }

  /** Runs handed over and not ended. */
  get load(): number {
    return this.#lane.length;
  }

  /** Hands runs over, at most `room`. */
  give(jobs: readonly Job[]): void {
    if (jobs.length === 0) return;
    if (this.#state === 'reset') {
      const job = jobs[0] as Job;
      this.#lane.add([job]);
      this.#setBusy(true);
      job.revived = true;
      this.#begin(job);
      this.#state = 'reviving';
      void this.#launch();
      return;
    }
    this.#lane.add(jobs);
    this.#setBusy(true);
    this.#send(jobs);
  }

  /** The run's caller has gone. A run that has not begun is answered; the process of one that has is killed. */
  abort(job: Job): void {
    if (!this.#lane.includes(job)) return;
    job.aborted = true;
    if (this.#lane.head === job) this.#kill('abort');
  }

  /** Ends it when it has nothing to do any more; at once if that is now. */
  retire(): void {
    if (this.#state === 'ended') return;
    this.#retiring = true;
    if (this.#state === 'starting' || this.idle) this.end();
  }

  /** Ends it now. Runs that have not begun are given back; the one under way is a system error. */
  end(): void {
    if (this.#state === 'ended') return;
    const jobs = this.#lane.takeBack(0);
    const finished = this.#finished;
    this.#finished = [];
    this.#state = 'ended';
    this.#retiring = true;
    for (const done of finished) this.#answer(done);
    this.#watch.stop();
    clearTimeout(this.#initWatch);
    this.#output.flushEarly();
    const gone = this.#session?.process.gone;
    this.#session?.close();
    this.#session = undefined;
    const begun = jobs.filter((job) => job.begunAt > 0);
    for (const job of begun) {
      this.#output.flush(job);
      job.answer({ kind: 'systemError', message: 'The execution environment was stopped.' });
    }
    this.#setBusy(false);
    void this.#removeTraces(gone);
    this.#host.onReturned(jobs.filter((job) => job.begunAt === 0));
    this.#host.onEnded(this);
  }

  /** Looks after the run under way; called every few milliseconds while there is one. `now` is performance.now(). */
  tick(now: number): void {
    const head = this.#lane.head;
    if (!head || head.begunAt === 0) return;
    if (this.#lane.length > 1 && now - head.begunAt > SLOW_RUN_MS + FORGET_MARGIN_MS) {
      const begunAt = head.begunAt;
      this.#deps.afterTurns(() => {
        if (this.#lane.head === head && head.begunAt === begunAt) this.#takeBack();
      });
    }
    if (now >= this.#nextMemoryLook) this.#lookAtMemory(now);
    this.#output.flushIfDue(head, now);
  }

  // --- Starting ---------------------------------------------------------------------------------------

  async #start(): Promise<void> {
    const versionArn = formatRuntimeVersionArn(this.spec.region, this.#runtime);
    const at = this.#deps.clock.now();
    this.#output.add(undefined, formatInitStart(at, this.spec, this.#runtime.label, versionArn));
    await this.#launch();
  }

  async #launch(): Promise<void> {
    this.#launchedAt = performance.now();
    this.#initError = undefined;
    this.#killedFor = undefined;
    this.#lane.restart();
    let session: Session;
    try {
      const nonce = this.#deps.random.bytes(8);
      const taskRoot = await this.#deps.codeStore.path(this.spec.codeSha256);
      const launched = await this.#deps.launcher.launch({
        spec: this.spec,
        runtime: this.#runtime,
        taskRoot,
        logStream: this.logStream,
        nonce,
        ...(this.#folder !== undefined && { folder: this.#folder }),
      });
      session = launched.session;
      this.#folder = launched.folder;
      this.#output.follow(nonce, (sequence) => this.#find(sequence));
    } catch (error) {
      if (error instanceof NoBootstrap) this.#onNoBootstrap();
      else this.#giveUp(error as Error);
      return;
    }
    if (this.#state === 'ended') {
      session.close();
      void this.#removeTraces(session.process.gone);
      return;
    }
    this.#session = session;
    if (this.#state === 'starting') {
      this.#initWatch = setTimeout(() => this.#kill('timeout'), this.#deps.initTimeoutMs);
    }
    session.listen({
      frame: (frame) => this.#onFrame(frame),
      output: (descriptor, chunk) => this.#output.push(descriptor, chunk),
      exit: (exit) => {
        this.#state = this.#state === 'ready' ? 'dying' : this.#state;
        this.#deps.afterTurns(() => this.#onExit(session, exit));
      },
    });
  }

  /** The house's fault: no folder, no code, no process. */
  #giveUp(error: Error): void {
    if (this.#state === 'ended') return;
    this.#deps.log.error({ err: error, function: this.spec.arn }, 'no process for a function');
    const message = `No process could be started for ${this.spec.name}: ${error.message}`;
    for (const job of this.#lane.takeBack(0)) job.answer({ kind: 'systemError', message });
    this.end();
    this.#host.onUnlaunchable(this, message);
  }

  #onNoBootstrap(): void {
    const job = this.#lane.head;
    if (this.#state === 'reviving' && job) {
      this.#lane.shift();
      this.#finishWith(job, noBootstrap(job.request.requestId), {
        status: 'error',
        errorType: 'Runtime.InvalidEntrypoint',
      });
    }
    this.#becomeReset();
  }

  /** The runtime should exit by itself now; AWS does not wait for it either. */
  #endAfterInitError(): void {
    const session = this.#session;
    setTimeout(() => {
      if (session && this.#session === session) session.process.kill();
    }, INIT_ERROR_GRACE_MS).unref();
  }

  #onReady(): void {
    clearTimeout(this.#initWatch);
    const initMs = performance.now() - this.#launchedAt;
    const reviving = this.#state === 'reviving' ? this.#lane.head : undefined;
    this.#state = 'ready';
    if (reviving) this.#send([reviving]);
    else {
      this.#initMs = initMs;
      for (const line of formatInitDone(this.#deps.clock.now(), this.spec, initMs))
        this.#output.add(undefined, line);
      this.#host.onStarted(this, initMs);
    }
    this.#deps.launcher.prepare(this.spec, this.#runtime);
    if (this.#retiring && this.idle) this.end();
    else this.#host.onRoom(this);
  }

  // --- Runs -------------------------------------------------------------------------------------------

  #send(jobs: readonly Job[]): void {
    this.#session?.sendRuns(this.#lane.frames(jobs));
  }

  #begin(job: Job): void {
    if (job.begunAt > 0) return;
    const { clock } = this.#deps;
    job.begunAt = performance.now();
    job.flushedAt = job.begunAt;
    job.startedAt = clock.now();
    job.initMs = this.#initMs;
    this.#initMs = undefined;
    this.#output.begin(job);
    job.addLine(job.startedAt, formatStart(job.startedAt, this.spec, job.request.requestId));
    this.#watch.arm();
    job.options?.onStart?.(job.startedAt);
    if (job.aborted) this.#kill('abort');
  }

  #onFrame(frame: ProcessFrame): void {
    switch (frame.type) {
      case READY:
        this.#notePeak(frame.rssKb);
        this.#onReady();
        return;
      case INIT_ERROR:
        this.#initError = reported(frame.payload);
        this.#endAfterInitError();
        return;
      case BEGIN: {
        const head = this.#lane.head;
        if (head?.sequence === frame.sequence) this.#begin(head);
        return;
      }
      case FORGOT:
        this.#onForgot();
        return;
      case END:
        this.#onEnd(frame);
        return;
    }
  }

  #onEnd(frame: Extract<ProcessFrame, { type: typeof END }>): void {
    const job = this.#lane.answer(frame.sequence);
    if (!job) {
      this.#deps.log.warn(
        { environment: this.id, sequence: frame.sequence },
        'a function process answered out of turn',
      );
      // Nothing it says can be relied on any more.
      this.#session?.process.kill();
      return;
    }
    this.#notePeak(frame.rssKb);
    const { flags } = frame;
    // A run that had to bring its process up pays for that.
    const durationMs = job.revived ? performance.now() - job.begunAt : frame.durationMs;
    if (flags & END_TOO_LARGE) this.#finishWith(job, responseTooLarge(), { status: 'failure' }, durationMs);
    else if (flags & END_ERROR) {
      this.#finishWith(job, reported(frame.payload), { status: 'failure' }, durationMs);
    } else {
      this.#finish({ job, durationMs, result: { payload: frame.payload }, ending: { status: 'success' } });
    }
    this.lastUsedAt = performance.now();
    if (flags & END_FORGETS) {
      this.#lane.forget();
      this.#takeBack(0);
    }
    if (flags & END_EXITS) {
      this.#state = 'dying';
      return;
    }
    const next = this.#lane.head;
    if (next && flags & END_NEXT_BEGINS) this.#begin(next);
    if (this.room > 0) this.#host.onRoom(this);
  }

  #onForgot(): void {
    this.#lane.forget();
    const announced = this.#lane.head;
    if (announced && announced.begunAt > 0) {
      this.#initMs = announced.initMs;
      this.#output.unbegin(announced);
    }
    this.#takeBack(0);
    if (this.room > 0) this.#host.onRoom(this);
  }

  /** Runs beyond the first `keep` will not begin in this process: the process has promised to forget them. */
  #takeBack(keep = 1): void {
    const jobs = this.#lane.takeBack(keep);
    if (jobs.length > 0) this.#host.onReturned(jobs);
  }

  #finishWith(
    job: Job,
    failure: Failure,
    ending: Ending,
    durationMs = performance.now() - job.begunAt,
  ): void {
    this.#finish({ job, durationMs, result: { failure }, ending });
  }

  /** Answered once everything the run printed has been read. */
  #finish(finished: Finished): void {
    finished.job.endedAt = this.#deps.clock.now();
    this.#finished.push(finished);
    if (this.#settling) return;
    this.#settling = true;
    this.#deps.afterTurns(() => this.#settle());
  }

  #settle(): void {
    this.#settling = false;
    const finished = this.#finished;
    this.#finished = [];
    for (const done of finished) {
      this.#answer(done);
      // Only now: what it wrote behind our back has been seen.
      this.#lane.notePace(done.durationMs);
    }
    if (this.#lane.length === 0) {
      this.#output.own(undefined);
      if (this.#state !== 'ended') this.#setBusy(false);
    }
    if (this.#state === 'dying') this.#session?.process.kill();
    else if (this.#retiring && this.idle) this.end();
    else if (this.room > 0) this.#host.onRoom(this);
  }

  #answer(finished: Finished): void {
    const place = { environmentId: this.id, logStream: this.logStream, peakKb: this.#peakKb };
    const outcome = concludeRun(this.spec, place, finished);
    this.#output.flush(finished.job);
    this.#host.onAnswered(this, finished.durationMs);
    finished.job.answer(outcome);
  }

  /** The run of a number; what a process says before its first belongs to the run that brought it up. */
  #find(sequence: number): Job | undefined {
    if (sequence === 0) return this.#state === 'reviving' ? this.#lane.head : undefined;
    const found = this.#lane.find(sequence);
    return found ?? this.#finished.find(({ job }) => job.sequence === sequence)?.job;
  }

  // --- Watching and dying -----------------------------------------------------------------------------

  #onTimeout(): void {
    const head = this.#lane.head;
    // Its answer may be here already, unread.
    this.#deps.afterTurns(() => {
      if (this.#lane.head === head) this.#kill('timeout');
      else if (this.#lane.head?.begunAt) this.#watch.arm();
    });
  }

  #lookAtMemory(now: number): void {
    const kb = this.#session?.process.readRssKb() ?? 0;
    this.#notePeak(kb);
    const limitKb = this.spec.memoryMb * KB_PER_MB;
    this.#nextMemoryLook = now + (kb > limitKb * MEMORY_NEAR ? MEMORY_LOOK_NEAR_MS : MEMORY_LOOK_MS);
    if (kb > limitKb) this.#kill('memory');
  }

  #notePeak(kb: number): void {
    if (kb > this.#peakKb) this.#peakKb = kb;
  }

  #kill(reason: 'timeout' | 'memory' | 'abort'): void {
    const session = this.#session;
    if (!session || this.#killedFor) {
      // Still being started: what is to be killed comes later.
      if (!session && this.#state === 'reviving') this.#onStillborn(reason);
      return;
    }
    this.#killedFor = reason;
    if (this.#state === 'ready') this.#state = 'dying';
    session.process.kill();
    // A process in the kernel's hands may not go; nobody shall wait for it.
    setTimeout(() => this.#onExit(session, { code: null, signal: 'SIGKILL' }), KILL_GRACE_MS).unref();
  }

  /** Timed out before there was a process. */
  #onStillborn(reason: 'timeout' | 'memory' | 'abort'): void {
    const job = this.#lane.shift();
    if (job) this.#finishDead(job, reason, { code: null, signal: 'SIGKILL' });
    this.#state = 'dying';
    this.end();
  }

  #onExit(session: Session, exit: Exit): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    clearTimeout(this.#initWatch);
    this.#output.endProcess();
    session.close();
    void this.#endStragglers();
    const reason = this.#killedFor;
    if (reason !== 'abort')
      this.#host.onDied(this, performance.now() - this.#launchedAt, this.#lane.answered);
    if (this.#state === 'starting') {
      this.#onInitFailed(exit, reason === 'timeout');
      return;
    }
    const head = this.#lane.head;
    if (head && head.begunAt > 0) {
      this.#lane.shift();
      if (this.#state === 'reviving' && this.#initError && !reason)
        this.#finishReviveError(head, this.#initError);
      else this.#finishDead(head, reason, exit);
    }
    this.#becomeReset();
  }

  #finishDead(job: Job, reason: 'timeout' | 'memory' | 'abort' | undefined, exit: Exit): void {
    const { requestId } = job.request;
    if (reason === 'abort') {
      this.#output.flush(job);
      job.answer({ kind: 'systemError', message: 'The run was given up.' });
    } else if (reason === 'timeout') {
      this.#finishWith(job, timedOut(requestId, this.spec.timeoutMs), { status: 'timeout' });
    } else {
      if (reason === 'memory') this.#notePeak(this.spec.memoryMb * KB_PER_MB);
      const death = reason === 'memory' ? { code: null, signal: 'SIGKILL' } : exit;
      const failure = exited(requestId, death);
      this.#finishWith(job, failure, { status: 'error', errorType: failure.errorType });
    }
  }

  #finishReviveError(job: Job, failure: Failure): void {
    const ending: Ending = { status: 'error', errorType: failure.errorType };
    const at = this.#deps.clock.now();
    job.addLine(at, formatInitReport(at, this.spec, 'invoke', performance.now() - this.#launchedAt, ending));
    this.#finishWith(job, failure, ending);
  }

  #onInitFailed(exit: Exit, timeout: boolean): void {
    const errorType = this.#initError?.errorType ?? exited('', exit).errorType;
    const ending: Ending = timeout ? { status: 'timeout' } : { status: 'error', errorType };
    const at = this.#deps.clock.now();
    const tookMs = performance.now() - this.#launchedAt;
    this.#output.add(undefined, formatInitReport(at, this.spec, 'init', tookMs, ending));
    this.#becomeReset();
  }

  /** Without a process until the next run; what did not begin goes elsewhere. */
  #becomeReset(): void {
    if (this.#state === 'ended') return;
    this.#state = 'reset';
    this.#takeBack(0);
    if (this.#finished.length > 0) return;
    this.#setBusy(false);
    this.#output.own(undefined);
    if (this.#retiring) this.end();
    else this.#host.onRoom(this);
  }

  /** After the last process. Never rejects: nobody waits. */
  async #removeTraces(gone: Promise<void> | undefined): Promise<void> {
    await gone;
    await this.#endStragglers();
    if (this.#folder === undefined) return;
    await rm(this.#folder, { recursive: true, force: true }).catch((error: unknown) =>
      this.#deps.log.warn({ err: error, folder: this.#folder }, 'folder of an environment was not removed'),
    );
  }

  /** What left the process group is found by a variable that no other environment has. Never rejects. */
  async #endStragglers(): Promise<void> {
    await endStragglers('AWS_LAMBDA_LOG_STREAM_NAME', this.logStream).catch((error: unknown) =>
      this.#deps.log.warn({ err: error }, 'processes that a function left were not ended'),
    );
  }

  #setBusy(busy: boolean): void {
    if (this.#busy === busy) return;
    this.#busy = busy;
    this.#host.onBusy(this, busy);
  }
}

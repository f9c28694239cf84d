/**
 * Runs dead-letter jobs. Each step moves some messages and writes the job's progress in one commit, so counts are
 * exact after a crash, nothing is moved twice, and `start` goes on where the jobs stood.
 */
import {
  chooseForJob,
  DEAD_LETTER_JOBS,
  type DeadLetterJob,
  formatRef,
  type JobStatus,
  judgeJob,
  paceJob,
  parseRef,
} from '../domain/dead-letter-job.ts';
import { queueMessagesName } from '../domain/sqs-queue.ts';
import type { Timer } from '../platform/clock.ts';
import type { Effect, Message } from '../store/store.ts';
import { type AuditAction, type AuditLine, auditEffect } from './audit.ts';
import { type PlannedMove, planDiscard, planRedrive, withoutTimeline } from './dead-letter-plan.ts';
import type { ControlDeps } from './deps.ts';

/** Messages looked at by one step. */
const PAGE = 500;
/** Pause after a step that failed (the store is unavailable), or that found its messages taken. */
const RETRY_MS = 1_000;
/** Between two looks at what became of redriven events, when the brake lets no more go. */
const BRAKE_LOOK_MS = 250;
/** Ended jobs that are kept. */
const KEPT_JOBS = 200;

type Planned = PlannedMove & { readonly kind: 'planned' };
type Stored = { readonly value: DeadLetterJob; readonly version: number };

/** What a step found to do. */
interface Step {
  readonly moves: readonly Planned[];
  /** The job after it, but for `moved` and `undecided`. */
  readonly job: DeadLetterJob;
}

export class DeadLetterJobs {
  readonly #deps: ControlDeps;
  readonly #timers = new Map<string, Timer>();
  readonly #running = new Set<string>();
  #stopped = false;

  constructor(deps: ControlDeps) {
    this.#deps = deps;
  }

  /** Goes on with the jobs that were running when the server stopped. */
  start(): void {
    for (const { key, value } of this.#deps.store.resources.list<DeadLetterJob>(DEAD_LETTER_JOBS)) {
      if (value.status === 'Running') this.#schedule(key, this.#deps.clock.now());
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  /** Writes a job down, with its line in the audit trail, and begins it. */
  async begin(job: DeadLetterJob): Promise<void> {
    const { store, clock } = this.#deps;
    const ended = store.resources
      .list<DeadLetterJob>(DEAD_LETTER_JOBS)
      .filter(({ value }) => value.endedAt !== undefined);
    const forgotten = ended.slice(0, Math.max(0, ended.length - KEPT_JOBS + 1));
    await store.commit([
      { kind: 'put', collection: DEAD_LETTER_JOBS, key: job.jobId, value: job, ifVersion: 0 },
      ...forgotten.map(({ key }): Effect => ({ kind: 'remove', collection: DEAD_LETTER_JOBS, key })),
      auditEffect(clock.now(), [
        {
          by: job.by,
          action: 'job.start',
          subject: job.queue,
          job: job.jobId,
          what: job.action,
          selection:
            job.selection.kind === 'messages' ? `${job.selection.refs.length} messages` : job.selection,
          target: job.target,
          reason: job.reason,
        },
      ]),
    ]);
    this.#schedule(job.jobId, clock.now());
  }

  /** Pauses, resumes or stops a job. `undefined`: its status does not allow that. */
  async change(
    jobId: string,
    to: 'Paused' | 'Running' | 'Stopped',
    by: string,
  ): Promise<DeadLetterJob | undefined> {
    const { store, clock } = this.#deps;
    const actions: Record<typeof to, AuditAction> = {
      Paused: 'job.pause',
      Running: 'job.resume',
      Stopped: 'job.stop',
    };
    for (;;) {
      const job = this.#read(jobId);
      const from: readonly JobStatus[] =
        to === 'Paused' ? ['Running'] : to === 'Running' ? ['Paused', 'Stopped'] : ['Running', 'Paused'];
      if (!job || !from.includes(job.value.status)) return undefined;
      const now = clock.now();
      const value: DeadLetterJob = { ...job.value, status: to, statusReason: undefined, endedAt: undefined };
      if (to === 'Stopped') Object.assign(value, { statusReason: `stopped by ${by}`, endedAt: now });
      // A brake that has stopped the job would stop it again at once: it begins to count anew.
      if (to === 'Running' && job.value.status === 'Stopped')
        Object.assign(value, { succeeded: 0, failed: 0 });
      const result = await store.commit([
        { kind: 'put', collection: DEAD_LETTER_JOBS, key: jobId, value, ifVersion: job.version },
        auditEffect(now, [{ by, action: actions[to], subject: value.queue, job: jobId }]),
      ]);
      if (result.kind === 'conflict') continue;
      if (to === 'Running') this.#schedule(jobId, now);
      return value;
    }
  }

  #read(jobId: string): Stored | undefined {
    return this.#deps.store.resources.get<DeadLetterJob>(DEAD_LETTER_JOBS, jobId);
  }

  #schedule(jobId: string, at: number): void {
    if (this.#stopped) return;
    this.#timers.get(jobId)?.cancel();
    const timer = this.#deps.clock.schedule(at, () => {
      this.#timers.delete(jobId);
      const end = this.#deps.activity.begin();
      this.#run(jobId)
        .then((next) => next !== undefined && this.#schedule(jobId, next))
        .catch((error: unknown) => {
          if (this.#stopped) return;
          this.#deps.log.error(
            { err: error, job: jobId },
            'dead-letter job step failed; it will be tried again',
          );
          this.#schedule(jobId, this.#deps.clock.now() + RETRY_MS);
        })
        .finally(end);
    });
    this.#timers.set(jobId, timer);
  }

  /** One step; answers when the next is due. */
  async #run(jobId: string): Promise<number | undefined> {
    // A job that was paused and resumed during a step is not run twice at a time.
    if (this.#running.has(jobId)) return this.#deps.clock.now() + BRAKE_LOOK_MS;
    this.#running.add(jobId);
    try {
      return await this.#step(jobId);
    } finally {
      this.#running.delete(jobId);
    }
  }

  async #step(jobId: string): Promise<number | undefined> {
    const { clock } = this.#deps;
    const stored = this.#read(jobId);
    if (stored?.value.status !== 'Running') return undefined;
    const job = await this.#lookAtUndecided(stored.value);
    const verdict = judgeJob(job);
    if (verdict !== undefined) return this.#finish(job, stored.version, 'Stopped', verdict);
    if (job.scanned && job.undecided.length === 0) return this.#finish(job, stored.version, 'Completed');
    const { batch, everyMs } = paceJob(job);
    if (job.scanned || batch === 0) {
      if (job !== stored.value) await this.#save(job, stored.version);
      return clock.now() + BRAKE_LOOK_MS;
    }
    const step = await this.#plan(job, batch);
    const after = await this.#move(step, stored.version);
    if (after === undefined)
      return clock.now() + (this.#read(jobId)?.value.status === 'Running' ? RETRY_MS : 0);
    return clock.now() + (after.scanned ? 0 : everyMs);
  }

  /** Reads on in the queue until `batch` messages are found or the page ends. */
  async #plan(job: DeadLetterJob, batch: number): Promise<Step> {
    const moves: Planned[] = [];
    const refused = { ...job.refused };
    let { skipped, cursor, nextRef } = job;
    const consider = async (message: Message) => {
      const choice = chooseForJob(job, message, this.#deps.clock.now());
      if (choice === 'skip') skipped++;
      if (choice !== 'take') return;
      const move = await this.#planMessage(job, message);
      if (move.kind === 'planned') moves.push(move);
      else refused[move.reason] = (refused[move.reason] ?? 0) + 1;
    };
    let exhausted: boolean;
    if (job.selection.kind === 'messages') {
      const { refs } = job.selection;
      for (; nextRef < refs.length && moves.length < batch; nextRef++) {
        const message = await this.find(job.queue, refs[nextRef] as string);
        if (message) await consider(message);
        else skipped++;
      }
      exhausted = nextRef >= refs.length;
    } else {
      const page = await this.#deps.store.browse(queueMessagesName(job.queue), {
        limit: PAGE,
        after: cursor,
      });
      exhausted = page.length < PAGE;
      for (const message of page) {
        if (moves.length === batch) {
          exhausted = false;
          break;
        }
        await consider(message);
        cursor = { sentAt: message.sentAt, seq: message.receipt.seq };
      }
    }
    return { moves, job: { ...job, skipped, refused, cursor, nextRef, scanned: exhausted || undefined } };
  }

  #planMessage(job: DeadLetterJob, message: Message): Promise<PlannedMove> | PlannedMove {
    if (job.action === 'discard') return planDiscard(this.#deps, message, job.reason ?? '', job.by);
    return planRedrive(this.#deps, message, job);
  }

  /** The message that a ref names, if it is still there. */
  async find(queue: string, ref: string): Promise<Message | undefined> {
    const place = parseRef(ref);
    if (!place) return undefined;
    const [message] = await this.#deps.store.browse(queueMessagesName(queue), {
      limit: 1,
      after: { sentAt: place.sentAt, seq: place.seq - 1 },
    });
    return message && formatRef(message) === ref ? message : undefined;
  }

  /**
   * Commits a step. A message that somebody received meanwhile is left out and the others go without it.
   * `undefined`: the job itself was changed meanwhile.
   */
  async #move(step: Step, version: number): Promise<DeadLetterJob | undefined> {
    const { store, clock } = this.#deps;
    let moves = [...step.moves];
    let { skipped } = step.job;
    for (;;) {
      const braked = step.job.stopAboveFailureRate !== undefined;
      const sent = braked ? moves.flatMap(({ requestId }) => requestId ?? []) : [];
      const value: DeadLetterJob = {
        ...step.job,
        skipped,
        moved: step.job.moved + moves.length,
        undecided: [...step.job.undecided, ...sent],
      };
      const effects: Effect[] = [
        { kind: 'put', collection: DEAD_LETTER_JOBS, key: value.jobId, value, ifVersion: version },
      ];
      if (moves.length > 0)
        effects.push(
          auditEffect(
            clock.now(),
            moves.map(({ audit }) => audit),
          ),
        );
      /** Where each message's effects begin. */
      const starts = moves.map((move) => {
        const start = effects.length;
        effects.push(...move.effects);
        return start;
      });
      const result = await store.commit(effects);
      if (result.kind === 'committed') return value;
      if (result.effect === 0) return undefined;
      const index = starts.findLastIndex((start) => start <= result.effect);
      const move = moves[index];
      if (!move)
        throw new Error(`a dead-letter job met the conflict ${result.reason} at effect ${result.effect}`);
      if (result.reason === 'UnknownSubject') moves = await this.#dropForgotten(moves);
      else {
        moves.splice(index, 1);
        skipped++;
      }
    }
  }

  /** Leaves the timelines of pruned events alone. */
  #dropForgotten(moves: readonly Planned[]): Promise<Planned[]> {
    return Promise.all(
      moves.map(async (move) => {
        const append = move.effects.find((effect) => effect.kind === 'append');
        if (!append || (await this.#deps.store.readSubject(append.subject))) return move;
        return { ...move, effects: withoutTimeline(move.effects) };
      }),
    );
  }

  /** What became of redriven events: the first attempt tells. */
  async #lookAtUndecided(job: DeadLetterJob): Promise<DeadLetterJob> {
    if (job.undecided.length === 0) return job;
    const undecided: string[] = [];
    let { succeeded, failed } = job;
    const found = await Promise.all(job.undecided.map((id) => this.#deps.store.readSubject(id)));
    for (const [index, event] of found.entries()) {
      const failedAttempt = event?.entries.some(
        ({ kind, data }) => kind === 'attempt' && data?.outcome !== 'succeeded',
      );
      if (event?.subject.status === 'Succeeded' && !failedAttempt) succeeded++;
      else if (failedAttempt || (event && event.subject.status !== 'Pending')) failed++;
      else if (event) undecided.push(job.undecided[index] as string);
    }
    return undecided.length === job.undecided.length ? job : { ...job, undecided, succeeded, failed };
  }

  async #save(job: DeadLetterJob, version: number): Promise<void> {
    await this.#deps.store.commit([
      { kind: 'put', collection: DEAD_LETTER_JOBS, key: job.jobId, value: job, ifVersion: version },
    ]);
  }

  async #finish(
    job: DeadLetterJob,
    version: number,
    status: JobStatus,
    statusReason?: string,
  ): Promise<number | undefined> {
    const { store, clock } = this.#deps;
    const now = clock.now();
    const value: DeadLetterJob = { ...job, status, statusReason, endedAt: now };
    const line: AuditLine = {
      by: job.by,
      action: 'job.end',
      subject: job.queue,
      job: job.jobId,
      status,
      reason: statusReason,
      moved: job.moved,
    };
    const result = await store.commit([
      { kind: 'put', collection: DEAD_LETTER_JOBS, key: job.jobId, value, ifVersion: version },
      auditEffect(now, [line]),
    ]);
    return result.kind === 'conflict' ? now : undefined;
  }
}

/**
 * The runs that are with one process, in order: the first one runs or is about to, those behind it were sent ahead.
 * Numbers and epochs keep both ends of the same mind about which of them may still begin (see frames.ts).
 */
import type { RunFrame } from './frames.ts';
import type { Job } from './job.ts';
import { FIRST_PACE, nextPace, type Pace } from './prefetch.ts';

export class Lane {
  readonly #timeoutMs: number;
  #jobs: Job[] = [];
  #sequence = 0;
  #epoch = 0;
  #answered = 0;
  #pace: Pace = FIRST_PACE;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get head(): Job | undefined {
    return this.#jobs[0];
  }

  get length(): number {
    return this.#jobs.length;
  }

  /** Runs that may be with the process at once. */
  get window(): number {
    return this.#pace.window;
  }

  /** Runs the present process has answered. */
  get answered(): number {
    return this.#answered;
  }

  /** performance.now() at which the present run began; undefined when none has. */
  get begunAt(): number | undefined {
    return this.#jobs[0]?.begunAt || undefined;
  }

  /** A new process: it knows nothing of what was sent to others. */
  restart(): void {
    this.#sequence = 0;
    this.#epoch = 0;
    this.#answered = 0;
    this.#pace = FIRST_PACE;
  }

  add(jobs: readonly Job[]): void {
    for (const job of jobs) this.#jobs.push(job);
  }

  /** What to send for them. A run that began before it had a process has the less time left. */
  frames(jobs: readonly Job[]): RunFrame[] {
    return jobs.map((job) => {
      job.sequence = ++this.#sequence;
      const spentMs = job.begunAt > 0 ? performance.now() - job.begunAt : 0;
      const { request } = job;
      return {
        sequence: job.sequence,
        epoch: this.#epoch,
        timeoutMs: Math.max(0, Math.round(this.#timeoutMs - spentMs)),
        requestId: request.requestId,
        invokedFunctionArn: request.invokedFunctionArn,
        traceHeader: request.traceHeader ?? '',
        clientContext: request.clientContext ?? '',
        payload: request.payload,
      };
    });
  }

  /** The process answered: the run of that number, which must be the first. */
  answer(sequence: number): Job | undefined {
    const job = this.#jobs[0];
    if (job?.sequence !== sequence) return undefined;
    this.#jobs.shift();
    this.#answered++;
    return job;
  }

  /** What the answered run says about those to come. */
  notePace(durationMs: number): void {
    this.#pace = nextPace(this.#pace, durationMs);
  }

  /** Removes the first run. */
  shift(): Job | undefined {
    return this.#jobs.shift();
  }

  /** Removes the runs behind the first `keep`. */
  takeBack(keep: number): Job[] {
    return this.#jobs.splice(keep);
  }

  /** The process has forgotten what was sent so far. */
  forget(): void {
    this.#epoch++;
  }

  find(sequence: number): Job | undefined {
    return this.#jobs.find((job) => job.sequence === sequence);
  }

  includes(job: Job): boolean {
    return this.#jobs.includes(job);
  }
}

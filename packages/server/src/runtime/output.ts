/**
 * What the processes of one environment print, on its way to the log: every line goes to the run it belongs to,
 * and what belongs to none yet (initialisation, the time between runs) goes to the next one.
 */
import type { FunctionSpec } from '../domain/invocation.ts';
import type { Clock } from '../platform/clock.ts';
import type { LogSink } from './executor.ts';
import type { Job, LogLine } from './job.ts';
import { isInitStart } from './log-lines.ts';
import { LogReader } from './log-reader.ts';

/** Output of a run that lasts goes to the log at least this often, or when it is this much. */
const FLUSH_MS = 1_000;
const FLUSH_LINES = 256;

export class Output {
  readonly #spec: FunctionSpec;
  readonly #stream: string;
  readonly #clock: Clock;
  readonly #sink: LogSink;
  #readers: readonly LogReader[] = [];
  /** Lines that belong to no run yet. */
  #early: LogLine[] = [];
  /** The run that unsigned output is ascribed to. */
  #owner: Job | undefined;
  #writesRaw = false;

  constructor(spec: FunctionSpec, stream: string, clock: Clock, sink: LogSink) {
    this.#spec = spec;
    this.#stream = stream;
    this.#clock = clock;
    this.#sink = sink;
  }

  /** The function writes to its descriptors behind our back: then runs are told apart only one at a time. */
  get writesRaw(): boolean {
    return this.#writesRaw;
  }

  /** A new process writes from now on. `find` names the run of a number; 0 is the time before the first. */
  follow(nonce: Buffer, find: (sequence: number) => Job | undefined): void {
    const consumer = {
      record: (sequence: number, text: string) => this.add(find(sequence), text),
      raw: (text: string) => {
        this.#writesRaw = true;
        this.add(this.#owner, text);
      },
    };
    this.#readers = [new LogReader(nonce, consumer), new LogReader(nonce, consumer)];
  }

  push(descriptor: 1 | 2, chunk: Buffer): void {
    this.#readers[descriptor - 1]?.push(chunk);
  }

  /** The process is gone: unfinished lines are lines too. */
  endProcess(): void {
    for (const reader of this.#readers) reader.end();
    this.#readers = [];
  }

  own(job: Job | undefined): void {
    this.#owner = job;
  }

  add(job: Job | undefined, text: string | undefined): void {
    if (text === undefined) return;
    const at = this.#clock.now();
    if (job) {
      job.addLine(at, text);
      return;
    }
    this.#early.push({ at, text });
    // A function may go on printing while nobody runs it.
    if (this.#early.length >= FLUSH_LINES) this.flushEarly();
  }

  /** The run begins: what came before it is its own. */
  begin(job: Job): void {
    this.#owner = job;
    for (const line of this.#early.splice(0)) job.addLine(line.at, line.text, !isInitStart(line.text));
    job.linesBefore = job.lines.length;
  }

  /** The run did not begin after all. */
  unbegin(job: Job): void {
    this.#owner = undefined;
    this.#early.push(...job.unbegin());
  }

  flush(job: Job): void {
    this.#write(job.request.requestId, job.takeLines());
  }

  /** So that a run that lasts can be watched. `now` is performance.now(). */
  flushIfDue(job: Job, now: number): void {
    const count = job.lines.length;
    if (count < FLUSH_LINES && (count === 0 || now - job.flushedAt <= FLUSH_MS)) return;
    job.flushedAt = now;
    this.flush(job);
  }

  flushEarly(): void {
    this.#write(undefined, this.#early.splice(0));
  }

  #write(requestId: string | undefined, lines: readonly LogLine[]): void {
    if (lines.length > 0) this.#sink.write(this.#spec.logGroup, this.#stream, lines, requestId);
  }
}

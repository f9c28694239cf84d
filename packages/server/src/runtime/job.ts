/** A run on its way through the executor: what was asked, what it printed, who waits for it. */
import type { Outcome, RunRequest } from '../domain/invocation.ts';
import type { RunOptions } from './executor.ts';

/** AWS: `X-Amz-Log-Result` holds the last 4 KB. */
const TAIL_BYTES = 4096;

export interface LogLine {
  readonly at: number;
  readonly text: string;
}

/** The end of a run's log, in bytes as AWS cuts it. */
export class LogTail {
  #parts: Buffer[] = [];
  #bytes = 0;

  add(text: string): void {
    const bytes = Buffer.from(text.endsWith('\n') ? text : `${text}\n`);
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes > TAIL_BYTES * 4) {
      this.#parts = [this.read()];
      this.#bytes = (this.#parts[0] as Buffer).length;
    }
  }

  read(): Buffer {
    const all = Buffer.concat(this.#parts);
    return all.length > TAIL_BYTES ? all.subarray(all.length - TAIL_BYTES) : all;
  }
}

export class Job {
  readonly request: RunRequest;
  readonly options: RunOptions | undefined;
  readonly urgent: boolean;
  readonly tail: LogTail | undefined;
  /** Its number in the process it was sent to. */
  sequence = 0;
  /** performance.now() when the server learned that it had begun; 0 before. */
  begunAt = 0;
  /** Server's clock, epoch ms. */
  startedAt = 0;
  endedAt = 0;
  /** performance.now() when its lines last went to the log. */
  flushedAt = 0;
  /** Initialisation it is charged with, ms. */
  initMs: number | undefined;
  /** Lines of the initialisation, which stand before its own. */
  linesBefore = 0;
  aborted = false;
  /** Its environment had no process; initialisation happened inside the run. */
  revived = false;
  onAnswered: (() => void) | undefined;
  readonly #resolve: (outcome: Outcome) => void;
  #lines: LogLine[] = [];
  #answered = false;

  constructor(request: RunRequest, options: RunOptions | undefined, resolve: (outcome: Outcome) => void) {
    this.request = request;
    this.options = options;
    this.urgent = options?.urgent === true || options?.logTail === true;
    this.tail = options?.logTail ? new LogTail() : undefined;
    this.#resolve = resolve;
  }

  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  get answered(): boolean {
    return this.#answered;
  }

  /** Nothing happens without a text: lines below the wanted level have none. */
  addLine(at: number, text: string | undefined, inTail = true): void {
    if (text === undefined) return;
    this.#lines.push({ at, text });
    if (inTail) this.tail?.add(text);
  }

  takeLines(): readonly LogLine[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  /** It was announced and did not begin after all. Gives back the lines that came before its own. */
  unbegin(): readonly LogLine[] {
    this.begunAt = 0;
    this.initMs = undefined;
    return this.takeLines().slice(0, this.linesBefore);
  }

  /** The first answer counts. */
  answer(outcome: Outcome): void {
    if (this.#answered) return;
    this.#answered = true;
    this.onAnswered?.();
    this.#resolve(outcome);
  }
}

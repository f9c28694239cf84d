/** One event in, one Outcome out: the only thing the engine knows of function processes. */
import type { FunctionSpec, Outcome, RunRequest } from '../domain/invocation.ts';

export interface RunOptions {
  /** Collect the last 4,096 bytes of the log in the report. */
  readonly logTail?: boolean;
  /** Gives the run up: the process is killed, the outcome is a systemError. */
  readonly signal?: AbortSignal;
  /** At most so many environments of the function run at once (its reserved concurrency); the rest of its runs queue. */
  readonly concurrency?: number;
  /** Called when the handler is about to run (after a cold start's init). */
  readonly onStart?: (startedAt: number) => void;
}

export interface Executor {
  /** Never rejects. */
  run(request: RunRequest, options?: RunOptions): Promise<Outcome>;
  /**
   * How many runs of this version may be handed over per unit of concurrency: 1 unless its runs are known to be
   * so short that an environment should have the next ones at hand. Runs still happen one at a time.
   */
  window(spec: FunctionSpec): number;
  /** Ends idle environments of the function (all versions, or those not of `keepRevision`). */
  retire(functionArn: string, keepRevision?: string): void;
  /** Ends every process; runs under way get `drainMs` to finish. */
  stop(drainMs: number): Promise<void>;
  /** For `doctor` and metrics. */
  describe(): { readonly environments: number; readonly busy: number };
}

/** Where function output goes. Lines are durable once the next commit of the event is. */
export interface LogSink {
  write(group: string, stream: string, lines: readonly { at: number; text: string }[], requestId?: string): void;
}

/** Unpacked code by hash. */
export interface CodeStore {
  /** Stores a zip durably after checking it; rejects with an InvalidZip for one that cannot be unpacked safely. */
  put(zip: Uint8Array): Promise<{ readonly sha256: string; readonly sizeBytes: number }>;
  /** The zip as stored. */
  read(sha256: string): Promise<Buffer>;
  /** Folder with the unpacked code, read-only to functions. */
  path(sha256: string): Promise<string>;
  /** Forgets code that nobody names any more. */
  sweep(keep: ReadonlySet<string>): Promise<number>;
}

export type { FunctionSpec };

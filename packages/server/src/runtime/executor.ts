/** One event in, one Outcome out: the only thing the engine knows of function processes. */
import type { FunctionSpec, Outcome, RunRequest } from '../domain/invocation.ts';

export interface RunOptions {
  /** Collect the last 4,096 bytes of the log in the report. */
  readonly logTail?: boolean;
  /** Gives the run up: the process is killed if the run is with it, the outcome is a systemError. */
  readonly signal?: AbortSignal;
  /**
   * Called when the handler is about to run (after a cold start's init), with the server's time. Called again
   * when a run that was handed to a process but had not begun there is begun by another one.
   */
  readonly onStart?: (startedAt: number) => void;
  /**
   * Somebody waits for the answer (a synchronous call): goes before other runs, to an idle environment if
   * there is one, and may start an environment beyond `maxEnvironments`. `logTail` implies it.
   */
  readonly urgent?: boolean;
}

/** How much of one function the executor can take at this moment. */
export interface Capacity {
  /**
   * Runs that may be handed over now and will either begin at once or wait behind runs that end within
   * milliseconds: idle environments, those that may still be started, and room for prefetch in fast ones.
   * More may be handed over; they wait inside, in order.
   */
  readonly runs: number;
  /** Environments of the function (this version) that execute a run now: its concurrency in AWS's sense. */
  readonly concurrency: number;
  /** Runs that wait inside and have not begun. */
  readonly waiting: number;
}

export interface Executor {
  /** Never rejects. */
  run(request: RunRequest, options?: RunOptions): Promise<Outcome>;
  capacity(spec: FunctionSpec): Capacity;
  /**
   * At most so many runs of the function (all its versions) execute at the same time; further ones wait
   * inside. `undefined` lifts the limit. Prefetch makes "handed over" larger than "executing", so a reserved
   * concurrency must be told here and cannot be kept by counting calls of `run`.
   */
  limit(functionArn: string, maxConcurrency: number | undefined): void;
  /** Executing runs of all versions of a function. */
  concurrency(functionArn: string): number;
  /** Ends idle environments of the function (all versions, or those not of `keepRevision`); busy ones after their run. */
  retire(functionArn: string, keepRevision?: string): void;
  /** Ends every process; runs under way get `drainMs` to finish. Runs that have not begun end as systemError. */
  stop(drainMs: number): Promise<void>;
  /** For `doctor` and metrics. */
  describe(): ExecutorState;
}

export interface ExecutorState {
  readonly environments: number;
  readonly busy: number;
  /** Environments whose process is being started or initialised. */
  readonly starting: number;
  /** Runs waiting inside. */
  readonly waiting: number;
  /** How functions are kept apart (`basic`, `namespaces`; `unknown` for a moment after the start), and why not more. */
  readonly isolation: { readonly tier: 'basic' | 'namespaces' | 'unknown'; readonly reason?: string };
}

/** Where function output goes. Lines are durable once the next commit of the event is. */
export interface LogSink {
  write(
    group: string,
    stream: string,
    lines: readonly { readonly at: number; readonly text: string }[],
    requestId?: string,
  ): void;
}

/** Code by hash: the zip as stored and a folder with its content. */
export interface CodeStore {
  /** Stores a zip durably after checking it; rejects with an InvalidZip for one that cannot be unpacked safely. */
  put(zip: Uint8Array): Promise<StoredCode>;
  /** Stores a folder (or one file) as the zip it makes; the same content gives the same hash. */
  putFolder(path: string): Promise<StoredCode>;
  /** The zip as stored. */
  read(sha256: string): Promise<Buffer>;
  /** Folder with the unpacked code, read-only to functions. */
  path(sha256: string): Promise<string>;
  /** Forgets code that nobody names any more. */
  sweep(keep: ReadonlySet<string>): Promise<number>;
}

export interface StoredCode {
  /** Hex SHA-256 of the zip. */
  readonly sha256: string;
  /** Size of the zip. */
  readonly sizeBytes: number;
}

/** Zipped, direct upload (AWS: Lambda quotas). */
export const MAX_ZIPPED_BYTES = 52_428_800;
/** Unpacked (AWS: Lambda quotas). */
export const MAX_UNZIPPED_BYTES = 262_144_000;
export type InvalidZipReason = 'Malformed' | 'Empty' | 'ZippedTooLarge' | 'UnzippedTooLarge';

const MESSAGES: Readonly<Record<InvalidZipReason, string>> = {
  Malformed: 'Could not unzip uploaded file. Please check your file, then try to upload again.',
  Empty: 'Uploaded file must be a non-empty zip',
  ZippedTooLarge: `Zipped size must be smaller than ${MAX_ZIPPED_BYTES} bytes`,
  UnzippedTooLarge: `Unzipped size must be smaller than ${MAX_UNZIPPED_BYTES} bytes`,
};

/** The zip cannot be accepted. `message` is AWS's wording, `detail` says what exactly was found. */
export class InvalidZip extends Error {
  override readonly name = 'InvalidZip';
  readonly reason: InvalidZipReason;
  readonly detail: string;

  constructor(reason: InvalidZipReason, detail: string, cause?: unknown) {
    super(MESSAGES[reason], cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.detail = detail;
  }
}

export type { FunctionSpec };

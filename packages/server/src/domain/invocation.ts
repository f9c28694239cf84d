/** An accepted event, the runs made of it, and what each run produced. */

/** Everything needed to run one version of a function; a snapshot, so a run never sees half an update. */
export interface FunctionSpec {
  /** Name without qualifier. */
  readonly name: string;
  /** Unqualified ARN. */
  readonly arn: string;
  /** `$LATEST` or a number. */
  readonly version: string;
  readonly runtime: string;
  readonly handler: string;
  /** Hex SHA-256 of the zip: names the code in the code store. */
  readonly codeSha256: string;
  /** Changes whenever code or configuration change: environments of another revision are not reused. */
  readonly revisionId: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** Size of `/tmp`. */
  readonly ephemeralStorageMb: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly region: string;
  readonly accountId: string;
  /** CloudWatch log group that receives its output. */
  readonly logGroup: string;
  readonly logFormat: 'Text' | 'JSON';
  /** JSON format only: lines of the function below this level are not kept. */
  readonly applicationLogLevel?: string;
  /** JSON format only: lines of the platform below this level are not kept. */
  readonly systemLogLevel?: string;
  /** Hex SHA-256 of the zips of its layers, in order: what a later one brings covers an earlier one's. */
  readonly layers?: readonly string[];
}

/** One run that is asked of the executor. */
export interface RunRequest {
  readonly requestId: string;
  readonly spec: FunctionSpec;
  /** As the caller named it: unqualified, or with version or alias. */
  readonly invokedFunctionArn: string;
  /** JSON text. */
  readonly payload: string;
  /** JSON text, decoded from the caller's base64; synchronous calls only. */
  readonly clientContext?: string;
  readonly traceHeader?: string;
}

/** Measurements of one run. */
export interface RunReport {
  /** Handler time, ms with two decimals at most. */
  readonly durationMs: number;
  readonly billedMs: number;
  /** Present when this run started its environment. */
  readonly initMs?: number;
  /** Peak resident memory of the environment, MB. */
  readonly maxMemoryMb: number;
  readonly environmentId: string;
  readonly logGroup: string;
  readonly logStream: string;
  /** When the run began and ended, epoch ms of the server's clock. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Last 4,096 bytes of this run's log; only when asked for. */
  readonly logTail?: Buffer;
}

/** What one attempt produced. A value, never an exception. */
export type Outcome =
  | {
      readonly kind: 'succeeded';
      readonly payload: string;
      readonly executedVersion: string;
      readonly report: RunReport;
    }
  | {
      /** Thrown, timed out, out of memory, exited, failed to initialise: what the function is to blame for. */
      readonly kind: 'functionError';
      readonly errorType: string;
      readonly errorMessage: string;
      /** JSON text: the error payload exactly as a synchronous caller gets it. */
      readonly payload: string;
      readonly executedVersion: string;
      readonly report: RunReport;
    }
  /** No slot: nothing ran. `reason` is a member of AWS's `ThrottleReason`. */
  | { readonly kind: 'throttled'; readonly reason: string }
  /** The house is to blame (no process could be started, code unreadable): as a throttle, uses up no retry. */
  | { readonly kind: 'systemError'; readonly message: string }
  /** The function or version does not exist any more. */
  | { readonly kind: 'gone'; readonly message: string };

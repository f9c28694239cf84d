/** What a test gives the kit, and what it gets. Times are epoch ms of the virtual clock. */

export interface RedriveOptions {
  /** SAM templates to deploy. */
  readonly template?: string | readonly string[];
  /** The same seed gives the same ids and choices; 1 when absent. */
  readonly seed?: number;
  /** Where the clock begins; 2026-01-01T00:00:00Z when absent. */
  readonly startAt?: string | number | Date;
  /** In a process of its own, which `kill` can end as a power cut would. */
  readonly ownProcess?: boolean;
  /** Data to go on with; a new folder, removed at the end, when absent. */
  readonly dataDir?: string;
  /** Where new data folders are made. */
  readonly tempDir?: string;
}

export interface FunctionInput {
  readonly name: string;
  /** Folder with the code. */
  readonly folder?: string;
  /** Source of `index.mjs`, in place of a folder. */
  readonly source?: string;
  /** Further members of `CreateFunction`: `Runtime`, `Handler`, `Timeout`, `DeadLetterConfig` … */
  readonly [member: string]: unknown;
}

export interface Fate {
  readonly kind: 'Succeeded' | 'DeadLettered' | 'SentToDestination' | 'Discarded';
  readonly reason?: string;
  readonly at: number;
}

export interface Attempt {
  readonly number: number;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly outcome: string;
  readonly errorType?: string;
  readonly errorMessage?: string;
}

export interface EventStory {
  readonly requestId: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly source: string;
  readonly causedBy?: string;
  readonly acceptedAt: number;
  readonly payload: string;
  readonly fate?: Fate;
  readonly attempts: readonly Attempt[];
  readonly timeline: readonly {
    readonly at: number;
    readonly kind: string;
    readonly data?: Readonly<Record<string, unknown>>;
  }[];
}

export interface Answer {
  readonly requestId: string;
  readonly payload: unknown;
  /** `Unhandled` when the function failed. */
  readonly functionError?: string;
  readonly log: string;
}

export interface QueueMessage {
  readonly messageId: string;
  readonly body: string;
  readonly receiveCount: number;
  readonly sentAt: number;
  readonly attributes: Readonly<Record<string, string>>;
  /** Why it is here, where that is known. */
  readonly condition?: string;
  readonly errorType?: string;
}

export interface QueueView {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}

export interface MetricInput {
  /** `AWS/Lambda` when absent. */
  readonly namespace?: string;
  readonly name: string;
  readonly dimensions?: Readonly<Record<string, string>>;
  /** `Sum` when absent. */
  readonly stat?: 'Sum' | 'SampleCount' | 'Average' | 'Minimum' | 'Maximum';
}

export interface LogLine {
  readonly at: number;
  readonly text: string;
}

export interface Ledger {
  readonly accepted: number;
  readonly pending: number;
  readonly fates: Readonly<Record<Fate['kind'], number>>;
  readonly unaccounted: number;
}

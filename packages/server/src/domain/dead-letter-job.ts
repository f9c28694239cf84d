/**
 * Sending many dead letters again, or discarding them: a job is a record whose progress is written in the commits
 * that move the messages, so it survives a crash with exact counts and never moves a message twice.
 */
import type { JsonObject, Message } from '../store/store.ts';
import { fingerprintIdOf } from './dead-letter.ts';
import type { SqsMessageAttributes } from './sqs-message.ts';

/** Collection of jobs, by id; ids are time-ordered. */
export const DEAD_LETTER_JOBS = 'redrive-jobs';

export type JobStatus = 'Running' | 'Paused' | 'Stopped' | 'Completed' | 'Failed';

export interface Place extends JsonObject {
  sentAt: number;
  seq: number;
}

export type Selection =
  | { kind: 'all' }
  | { kind: 'group'; fingerprint: string }
  /** `formatRef` of each. */
  | { kind: 'messages'; refs: string[] };

export interface DeadLetterJob extends JsonObject {
  jobId: string;
  action: 'redrive' | 'discard';
  /** Name of the queue the messages are taken from. */
  queue: string;
  selection: Selection;
  /** ARN of a queue or function; absent: each back to where it came from. */
  target?: string;
  /** Version or alias; absent: the one that failed. */
  qualifier?: string;
  /** Messages a second; absent: as fast as they go. */
  ratePerSecond?: number;
  /** The brake: stops when a larger share (0–1) of the redriven fails again. */
  stopAboveFailureRate?: number;
  /** Of a discard. */
  reason?: string;
  by: string;
  status: JobStatus;
  /** Why it stopped or failed. */
  statusReason?: string;
  /** Epoch ms. */
  startedAt: number;
  endedAt?: number;
  /** Messages it may concern, counted when it began. */
  total: number;
  moved: number;
  /** Left where they were: held by a consumer, or arrived after the job began. */
  skipped: number;
  /** Left where they were because they could not be sent, by reason. */
  refused: { [reason: string]: number };
  /** What became of those that were watched; a failed attempt counts as failed. */
  succeeded: number;
  failed: number;
  /** Redriven events whose first attempt has not ended; kept only with a brake. */
  undecided: string[];
  /** Everything up to here has been looked at. */
  cursor?: Place;
  /** Of `selection.refs`. */
  nextRef: number;
  /** All messages have been looked at; only `undecided` ones are waited for. */
  scanned?: boolean;
}

/** Undecided events that a job with a brake may have out at a time. */
export const BRAKE_WINDOW = 50;
/** Decided events before the brake judges. */
export const BRAKE_SAMPLE = 10;

/** Names one message of a queue so that it is found without a search. Changes when it is edited. */
export function formatRef({ sentAt, receipt }: Pick<Message, 'sentAt' | 'receipt'>): string {
  return `${sentAt.toString(36)}-${receipt.seq.toString(36)}`;
}

export function parseRef(ref: string): Place | undefined {
  const match = /^([0-9a-z]{1,11})-([0-9a-z]{1,11})$/.exec(ref);
  if (!match) return undefined;
  const sentAt = Number.parseInt(match[1] as string, 36);
  const seq = Number.parseInt(match[2] as string, 36);
  return Number.isSafeInteger(sentAt) && Number.isSafeInteger(seq) ? { sentAt, seq } : undefined;
}

export type Choice = 'take' | 'skip' | 'other';

/** What a job does with a message: take it, leave it though it was meant, or it is none of its business. */
export function chooseForJob(job: DeadLetterJob, message: Message, now: number): Choice {
  if (job.selection.kind === 'group' && fingerprintIdOf(message) !== job.selection.fingerprint)
    return 'other';
  // In flight or delayed: a consumer may be working on it.
  if (message.dueAt > now) return 'skip';
  if (job.selection.kind === 'messages') return 'take';
  const arrivedAt = (message.attributes as SqsMessageAttributes).deadLetteredAt ?? message.sentAt;
  // What comes back while the job runs would else go round for ever.
  return arrivedAt > job.startedAt ? 'skip' : 'take';
}

/** How many may go now, and when to look again. */
export function paceJob(job: DeadLetterJob): { readonly batch: number; readonly everyMs: number } {
  const { batch, everyMs } = paceRate(job.ratePerSecond);
  if (job.stopAboveFailureRate === undefined) return { batch, everyMs };
  const room = BRAKE_WINDOW - job.undecided.length;
  return { batch: Math.max(0, Math.min(batch, room)), everyMs: Math.max(everyMs, MIN_STEP_MS) };
}

const UNPACED_BATCH = 250;
const MIN_STEP_MS = 100;

function paceRate(rate: number | undefined): { batch: number; everyMs: number } {
  if (rate === undefined) return { batch: UNPACED_BATCH, everyMs: 0 };
  const everyMs = Math.max(MIN_STEP_MS, Math.ceil(1000 / rate));
  return { batch: Math.max(1, Math.floor((rate * everyMs) / 1000)), everyMs };
}

/** Why the brake stops a job; `undefined` while it may go on. */
export function judgeJob(
  job: Pick<DeadLetterJob, 'stopAboveFailureRate' | 'succeeded' | 'failed' | 'total'>,
): string | undefined {
  const limit = job.stopAboveFailureRate;
  if (limit === undefined) return undefined;
  const decided = job.succeeded + job.failed;
  if (decided < Math.min(BRAKE_SAMPLE, job.total) || job.failed / decided <= limit) return undefined;
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  return `${job.failed} of ${decided} redriven events failed again: more than ${percent(limit)}`;
}

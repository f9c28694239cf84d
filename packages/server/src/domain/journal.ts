/**
 * The journal's vocabulary: every kind of line an event's timeline has, the fates, and the books, whose
 * counters the store moves in the same commit as the lines.
 */
import { type Entry, type JsonObject, LEDGER_PREFIX } from '../store/store.ts';
import type { Condition, RetryState } from './async-retry.ts';
import type { Outcome, RunReport } from './invocation.ts';

/** How an accepted event ended. Until then its status is `Pending`. */
export type FateKind = 'Succeeded' | 'DeadLettered' | 'SentToDestination' | 'Discarded';
export const FATE_KINDS: readonly FateKind[] = [
  'Succeeded',
  'DeadLettered',
  'SentToDestination',
  'Discarded',
];

export interface Fate {
  readonly kind: FateKind;
  /** Why it was given up, or who discarded it. Absent for `Succeeded`. */
  readonly reason?: Condition | 'Operator';
}

/** Facts about an event that never change; `Open.data` of its subject. */
export interface EventFacts extends JsonObject {
  /** Qualified by what the caller named: `:$LATEST`, a version or an alias. */
  functionArn: string;
  functionName: string;
  qualifier?: string;
  /** Who handed it over: `Invoke`, `OnSuccess`, `OnFailure`, `Redrive`, a service principal. */
  source: string;
  /** Request id of the event that caused this one. */
  causedBy?: string;
  traceHeader?: string;
}

export interface Ledger {
  readonly accepted: number;
  readonly pending: number;
  readonly fates: Readonly<Record<FateKind, number>>;
  /** accepted − pending − Σ fates: always 0. */
  readonly unaccounted: number;
}

/**
 * The books of all functions, or of one.
 * @param counters the ledger's counters of the store
 * @param pending messages counted in the functions' queues, independently of the counters
 */
export function balanceBooks(counters: Readonly<Record<string, number>>, pending: number): Ledger {
  const fates: Record<FateKind, number> = {
    Succeeded: 0,
    DeadLettered: 0,
    SentToDestination: 0,
    Discarded: 0,
  };
  let accepted = 0;
  let settled = 0;
  for (const [name, value] of Object.entries(counters)) {
    const [kind, ...rest] = name.slice(LEDGER_PREFIX.length).split('/');
    if (kind === 'opened') accepted += value;
    if (kind !== 'settled') continue;
    settled += value;
    const fate = FATE_KINDS.find((known) => known === rest[0]);
    if (fate) fates[fate] += value;
  }
  return { accepted, pending, fates, unaccounted: accepted - pending - settled };
}

/** Longest text of an error kept in the journal, characters; the record that leaves keeps it whole. */
const MAX_JOURNAL_TEXT = 64 * 1024;

/** The line of a finished run, or of one that found the function gone. */
export function attemptEntry(number: number, outcome: Outcome, now: number): Entry {
  switch (outcome.kind) {
    case 'succeeded':
      return {
        at: outcome.report.endedAt,
        kind: 'attempt',
        data: {
          number,
          outcome: 'succeeded',
          executedVersion: outcome.executedVersion,
          ...measured(outcome.report),
        },
      };
    case 'functionError':
      return {
        at: outcome.report.endedAt,
        kind: 'attempt',
        data: {
          number,
          outcome: 'functionError',
          errorType: outcome.errorType,
          errorMessage: clip(outcome.errorMessage),
          response: outcome.payload.length <= MAX_JOURNAL_TEXT ? outcome.payload : clippedResponse(outcome),
          executedVersion: outcome.executedVersion,
          ...measured(outcome.report),
        },
      };
    case 'gone':
      return {
        at: now,
        kind: 'attempt',
        data: {
          number,
          outcome: 'gone',
          errorType: 'ResourceNotFoundException',
          errorMessage: outcome.message,
          startedAt: now,
          endedAt: now,
        },
      };
    case 'throttled':
      return { at: now, kind: 'throttled', data: { reason: outcome.reason } };
    case 'systemError':
      return { at: now, kind: 'systemError', data: { message: outcome.message } };
  }
}

/** The outcome a line of a failed run tells of, for records that are written long after it. */
export function outcomeOfEntry(entry: Entry): Outcome | undefined {
  const data = entry.data as (RunReport & Record<string, unknown>) | undefined;
  if (data?.outcome === 'gone') return { kind: 'gone', message: String(data.errorMessage) };
  if (data?.outcome !== 'functionError') return undefined;
  return {
    kind: 'functionError',
    errorType: String(data.errorType),
    errorMessage: String(data.errorMessage),
    payload: String(data.response),
    executedVersion: String(data.executedVersion),
    report: data,
  };
}

function measured(report: RunReport): JsonObject {
  return {
    startedAt: report.startedAt,
    endedAt: report.endedAt,
    durationMs: report.durationMs,
    billedMs: report.billedMs,
    initMs: report.initMs,
    maxMemoryMb: report.maxMemoryMb,
    environmentId: report.environmentId,
    logStream: report.logStream,
  };
}

/** The line of a planned retry. */
export function retryEntry(now: number, at: number, delayMs: number, why: string, state: RetryState): Entry {
  return { at: now, kind: 'retryScheduled', data: { dueAt: at, delayMs, why, attempts: state.attempts } };
}

/** Still the JSON of an error. */
function clippedResponse(outcome: Outcome & { kind: 'functionError' }): string {
  return JSON.stringify({ errorType: outcome.errorType, errorMessage: clip(outcome.errorMessage) });
}

function clip(text: string): string {
  return text.length <= MAX_JOURNAL_TEXT ? text : `${text.slice(0, MAX_JOURNAL_TEXT)}…`;
}

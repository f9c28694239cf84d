/** An event as people and tools read it: its facts, its fate, its attempts and its whole timeline. */
import type { Entry, Subject } from '../store/store.ts';
import type { EventFacts, Fate, FateKind } from './journal.ts';

export interface AttemptView {
  /** 1 for the first run; the number of retries is one less than that of the last. */
  readonly number: number;
  /** Epoch ms. */
  readonly startedAt: number;
  /** Absent while it runs. */
  readonly endedAt?: number;
  /** `succeeded`, `functionError`, `gone`; `running` while it runs. */
  readonly outcome: string;
  readonly errorType?: string;
  readonly errorMessage?: string;
  /** JSON text of the error payload. */
  readonly response?: string;
  readonly executedVersion?: string;
  readonly durationMs?: number;
  readonly billedMs?: number;
  readonly initMs?: number;
  readonly maxMemoryMb?: number;
  readonly environmentId?: string;
  readonly logStream?: string;
}

export interface EventSummary {
  readonly requestId: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly source: string;
  readonly causedBy?: string;
  /** Epoch ms. */
  readonly acceptedAt: number;
  /** Absent while pending. */
  readonly fate?: Fate & { readonly at: number };
}

export interface EventView extends EventSummary {
  /** JSON text as accepted. */
  readonly payload: string;
  readonly attempts: readonly AttemptView[];
  /** When the next attempt is due, epoch ms; absent when it is due now, runs, or has its fate. */
  readonly nextAttemptAt?: number;
  readonly timeline: readonly Entry[];
}

export function summarizeEvent(subject: Subject): EventSummary {
  const facts = subject.data as EventFacts;
  return {
    requestId: subject.subject,
    functionName: facts.functionName,
    functionArn: facts.functionArn,
    source: facts.source,
    causedBy: facts.causedBy,
    acceptedAt: subject.acceptedAt,
    fate:
      subject.status === 'Pending'
        ? undefined
        : {
            kind: subject.status as FateKind,
            reason: subject.reason as Fate['reason'],
            at: subject.settledAt ?? subject.acceptedAt,
          },
  };
}

export function viewEvent(subject: Subject, entries: readonly Entry[]): EventView {
  const summary = summarizeEvent(subject);
  const attempts: AttemptView[] = [];
  let nextAttemptAt: number | undefined;
  for (const entry of entries) {
    const data = entry.data ?? {};
    switch (entry.kind) {
      case 'attemptStarted':
        attempts.push({ number: Number(data.number), startedAt: entry.at, outcome: 'running' });
        nextAttemptAt = undefined;
        break;
      case 'attempt': {
        if (attempts.at(-1)?.outcome === 'running') attempts.pop();
        attempts.push(data as unknown as AttemptView);
        nextAttemptAt = undefined;
        break;
      }
      case 'retryScheduled':
        nextAttemptAt = Number(data.dueAt);
        break;
      case 'fate':
        nextAttemptAt = undefined;
        break;
    }
  }
  return {
    ...summary,
    payload: subject.payload,
    attempts,
    nextAttemptAt,
    timeline: [{ at: subject.acceptedAt, kind: 'accepted', data: { source: summary.source } }, ...entries],
  };
}

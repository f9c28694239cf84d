/** A run that has ended → its last lines and its outcome. Pure. */
import type { FunctionSpec, Outcome, RunReport } from '../domain/invocation.ts';
import type { Failure } from './failures.ts';
import type { Job } from './job.ts';
import { type Ending, formatEnd, formatReport } from './log-lines.ts';

export interface Finished {
  readonly job: Job;
  readonly durationMs: number;
  readonly result: { readonly payload: string } | { readonly failure: Failure };
  readonly ending: Ending;
}

export interface Place {
  readonly environmentId: string;
  readonly logStream: string;
  /** Peak resident memory of its processes. */
  readonly peakKb: number;
}

const KB_PER_MB = 1024;

/** Adds the run's last lines to its log. */
export function concludeRun(spec: FunctionSpec, place: Place, finished: Finished): Outcome {
  const { job, result, ending } = finished;
  const { requestId } = job.request;
  const { initMs, startedAt, endedAt } = job;
  const maxMemoryMb = Math.min(spec.memoryMb, Math.ceil(place.peakKb / KB_PER_MB));
  // AWS reports the limit, not the moment at which it noticed.
  const durationMs = ending.status === 'timeout' ? spec.timeoutMs : finished.durationMs;
  const billedMs = Math.ceil(durationMs + (initMs ?? 0));
  const measured = { durationMs, billedMs, maxMemoryMb, ...(initMs !== undefined && { initMs }) };
  job.addLine(endedAt, formatEnd(endedAt, spec, requestId, durationMs, ending));
  job.addLine(endedAt, formatReport(endedAt, spec, requestId, measured, ending));
  const report: RunReport = {
    durationMs: hundredths(durationMs),
    billedMs,
    maxMemoryMb,
    environmentId: place.environmentId,
    logGroup: spec.logGroup,
    logStream: place.logStream,
    startedAt,
    endedAt,
    ...(initMs !== undefined && { initMs: hundredths(initMs) }),
    ...(job.tail && { logTail: job.tail.read() }),
  };
  const executedVersion = spec.version;
  return 'failure' in result
    ? { kind: 'functionError', ...result.failure, executedVersion, report }
    : { kind: 'succeeded', payload: result.payload, executedVersion, report };
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/**
 * The lines that the platform itself writes into a function's log, in text and JSON form.
 * Sources: AWS "Lambda function logs", "Advanced logging controls", "Telemetry API event schema"; observed.
 */
import type { FunctionSpec } from '../domain/invocation.ts';

export type Ending =
  | { readonly status: 'success' | 'failure' }
  | { readonly status: 'timeout' }
  /** The process is gone or never came up. */
  | { readonly status: 'error'; readonly errorType: string };

export interface Measured {
  readonly durationMs: number;
  readonly billedMs: number;
  readonly initMs?: number;
  readonly maxMemoryMb: number;
}

/** Levels of the platform's lines, least important first. */
const LEVELS = ['DEBUG', 'INFO', 'WARN'];

/** A line in JSON form, or undefined when the function asks for more important ones only. */
function platform(
  at: number,
  spec: FunctionSpec,
  level: 'DEBUG' | 'INFO' | 'WARN',
  type: string,
  record: object,
): string | undefined {
  if (LEVELS.indexOf(level) < LEVELS.indexOf(spec.systemLogLevel ?? 'INFO')) return undefined;
  return JSON.stringify({ time: new Date(at).toISOString(), type: `platform.${type}`, record });
}

const failed = ({ status }: Ending) => status !== 'success';

/** `runtimeVersion` names what really runs: `nodejs:24.21.0`. */
export function formatInitStart(
  at: number,
  spec: FunctionSpec,
  runtimeVersion: string,
  versionArn: string,
): string | undefined {
  if (spec.logFormat === 'JSON') {
    return platform(at, spec, 'INFO', 'initStart', {
      initializationType: 'on-demand',
      phase: 'init',
      runtimeVersion,
      runtimeVersionArn: versionArn,
      functionName: spec.name,
      functionVersion: spec.version,
    });
  }
  return `INIT_START Runtime Version: ${runtimeVersion}\tRuntime Version ARN: ${versionArn}\n`;
}

/** The one line that the tail of a run leaves out (observed). */
export function isInitStart(text: string): boolean {
  return text.startsWith('INIT_START ') || text.includes('"type":"platform.initStart"');
}

/** Only JSON functions that ask for it hear of an initialisation that succeeds. */
export function formatInitDone(at: number, spec: FunctionSpec, durationMs: number): string[] {
  if (spec.logFormat !== 'JSON') return [];
  const record = { initializationType: 'on-demand', phase: 'init', status: 'success' };
  const lines = [
    platform(at, spec, 'DEBUG', 'initRuntimeDone', record),
    platform(at, spec, 'DEBUG', 'initReport', { ...record, metrics: { durationMs: rounded(durationMs) } }),
  ];
  return lines.filter((line) => line !== undefined);
}

/** Only written when an initialisation fails. `phase`: `invoke` when it was repeated inside a run. */
export function formatInitReport(
  at: number,
  spec: FunctionSpec,
  phase: 'init' | 'invoke',
  durationMs: number,
  ending: Ending,
): string | undefined {
  const errorType = ending.status === 'error' ? ending.errorType : undefined;
  if (spec.logFormat === 'JSON') {
    return platform(at, spec, 'WARN', 'initReport', {
      initializationType: 'on-demand',
      phase,
      status: ending.status,
      ...(errorType !== undefined && { errorType }),
      metrics: { durationMs: rounded(durationMs) },
    });
  }
  const type = errorType === undefined ? '' : `\tError Type: ${errorType}`;
  return `INIT_REPORT Init Duration: ${durationMs.toFixed(2)} ms\tPhase: ${phase}\tStatus: ${ending.status}${type}\n`;
}

export function formatStart(at: number, spec: FunctionSpec, requestId: string): string | undefined {
  if (spec.logFormat === 'JSON')
    return platform(at, spec, 'INFO', 'start', { requestId, version: spec.version });
  return `START RequestId: ${requestId} Version: ${spec.version}\n`;
}

/** In JSON form only those hear of it who ask for more, and of failures. */
export function formatEnd(
  at: number,
  spec: FunctionSpec,
  requestId: string,
  durationMs: number,
  ending: Ending,
): string | undefined {
  if (spec.logFormat === 'JSON') {
    return platform(at, spec, failed(ending) ? 'WARN' : 'DEBUG', 'runtimeDone', {
      requestId,
      status: ending.status,
      metrics: { durationMs: rounded(durationMs) },
    });
  }
  return `END RequestId: ${requestId}\n`;
}

export function formatReport(
  at: number,
  spec: FunctionSpec,
  requestId: string,
  measured: Measured,
  ending: Ending,
): string | undefined {
  const { durationMs, billedMs, initMs, maxMemoryMb } = measured;
  if (spec.logFormat === 'JSON') {
    return platform(at, spec, failed(ending) ? 'WARN' : 'INFO', 'report', {
      requestId,
      metrics: {
        durationMs: rounded(durationMs),
        billedDurationMs: billedMs,
        memorySizeMB: spec.memoryMb,
        maxMemoryUsedMB: maxMemoryMb,
        ...(initMs !== undefined && { initDurationMs: rounded(initMs) }),
      },
      status: ending.status,
      ...(ending.status === 'error' && { errorType: ending.errorType }),
    });
  }
  let line =
    `REPORT RequestId: ${requestId}\tDuration: ${durationMs.toFixed(2)} ms\tBilled Duration: ${billedMs} ms\t` +
    `Memory Size: ${spec.memoryMb} MB\tMax Memory Used: ${maxMemoryMb} MB\t`;
  if (initMs !== undefined) line += `Init Duration: ${initMs.toFixed(2)} ms\t`;
  if (ending.status === 'timeout') line += 'Status: timeout';
  else if (ending.status === 'error') line += `Status: error\tError Type: ${ending.errorType}`;
  return `${line}\n`;
}

/** `YYYY/MM/DD/[version]<32 hex>` (AWS: "Lambda function logs"). */
export function formatStreamName(at: number, version: string, id: string): string {
  return `${new Date(at).toISOString().slice(0, 10).replaceAll('-', '/')}/[${version}]${id}`;
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

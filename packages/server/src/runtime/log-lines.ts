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

function platform(at: number, type: string, record: object): string {
  return JSON.stringify({ time: new Date(at).toISOString(), type: `platform.${type}`, record });
}

/** `runtimeVersion` names what really runs: `nodejs:24.21.0`. */
export function formatInitStart(
  at: number,
  spec: FunctionSpec,
  runtimeVersion: string,
  versionArn: string,
): string {
  if (spec.logFormat === 'JSON') {
    return platform(at, 'initStart', {
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

/** Only written when an initialisation fails. `phase`: `invoke` when it was repeated inside a run. */
export function formatInitReport(
  at: number,
  spec: FunctionSpec,
  phase: 'init' | 'invoke',
  durationMs: number,
  ending: Ending,
): string {
  const errorType = ending.status === 'error' ? ending.errorType : undefined;
  if (spec.logFormat === 'JSON') {
    return platform(at, 'initReport', {
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

export function formatStart(at: number, spec: FunctionSpec, requestId: string): string {
  if (spec.logFormat === 'JSON') return platform(at, 'start', { requestId, version: spec.version });
  return `START RequestId: ${requestId} Version: ${spec.version}\n`;
}

/** Text only: the JSON form has no line of its own for the end. */
export function formatEnd(requestId: string): string {
  return `END RequestId: ${requestId}\n`;
}

export function formatReport(
  at: number,
  spec: FunctionSpec,
  requestId: string,
  measured: Measured,
  ending: Ending,
): string {
  const { durationMs, billedMs, initMs, maxMemoryMb } = measured;
  if (spec.logFormat === 'JSON') {
    return platform(at, 'report', {
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

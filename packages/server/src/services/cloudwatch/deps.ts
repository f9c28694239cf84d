/** What the operations of CloudWatch stand on, and what several of them share. */
import type { Dimension } from '@aws-sdk/client-cloudwatch';
import type { AlarmEvaluator } from '../../engine/alarm-evaluator.ts';
import type { MetricBuffer } from '../../engine/metric-buffer.ts';
import type { Clock } from '../../platform/clock.ts';
import { ApiError } from '../../protocol/error.ts';
import type { Store } from '../../store/store.ts';

export interface CloudWatchDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** Stored before anything is read. */
  readonly metrics: MetricBuffer;
  readonly alarms: AlarmEvaluator;
  readonly region: string;
  readonly accountId: string;
}

export function invalidValue(message: string): ApiError {
  return new ApiError('InvalidParameterValueException', message);
}
export function invalidCombination(message: string): ApiError {
  return new ApiError('InvalidParameterCombinationException', message);
}
export function missingParameter(message: string): ApiError {
  return new ApiError('MissingRequiredParameterException', message);
}

export function dimensionsOf(list: readonly Dimension[] | undefined): Record<string, string> {
  return Object.fromEntries((list ?? []).map(({ Name, Value }) => [Name as string, Value as string]));
}

export function listDimensions(dimensions: Readonly<Record<string, string>>): Dimension[] {
  return Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
}

/** Wire timestamps are epoch seconds; a Date comes from callers inside the process. */
export function toMs(timestamp: unknown): number {
  return timestamp instanceof Date ? timestamp.getTime() : Math.round(Number(timestamp) * 1000);
}
/** The SDK's types say Date; the wire takes seconds. */
export function fromMs(ms: number): Date {
  return (ms / 1000) as unknown as Date;
}

/** Tokens name the place in a list; anything else is refused. */
export function pageFrom(token: string | undefined): number {
  if (token === undefined) return 0;
  const start = Number(Buffer.from(token, 'base64url').toString());
  if (!Number.isInteger(start) || start < 0) {
    throw new ApiError('InvalidNextToken', 'Invalid value for next token');
  }
  return start;
}
export function pageToken(next: number, total: number): string | undefined {
  return next < total ? Buffer.from(String(next)).toString('base64url') : undefined;
}

/**
 * Settings of asynchronous invocation, per qualifier: what Put (replace) and Update (merge) make of them.
 * Source: AWS API reference, PutFunctionEventInvokeConfig and UpdateFunctionEventInvokeConfig; texts observed.
 */
import type { EventInvokeConfigRecord } from './lambda-function.ts';
import { type Refusal, refuseParameter } from './lambda-refusal.ts';

export interface EventInvokeChange {
  readonly maximumRetryAttempts?: number;
  readonly maximumEventAgeSeconds?: number;
  /** `undefined`: not mentioned; empty: none. */
  readonly onSuccess?: string;
  readonly onFailure?: string;
  /** Whether a destination was mentioned at all, if only to clear it. */
  readonly namesDestination: boolean;
}

/** An empty change is refused, by Put and Update alike. */
export function checkEventInvokeChange(change: EventInvokeChange): Refusal | undefined {
  if (
    change.maximumRetryAttempts === undefined &&
    change.maximumEventAgeSeconds === undefined &&
    !change.namesDestination
  ) {
    return refuseParameter('You must specify at least one of error handling or destination setting.');
  }
  return undefined;
}

/** What is not mentioned is gone. */
export function replaceEventInvokeConfig(
  change: EventInvokeChange,
  lastModifiedAt: number,
): EventInvokeConfigRecord {
  return {
    maximumRetryAttempts: change.maximumRetryAttempts,
    maximumEventAgeSeconds: change.maximumEventAgeSeconds,
    onSuccess: change.onSuccess || undefined,
    onFailure: change.onFailure || undefined,
    lastModifiedAt,
  };
}

/** What is not mentioned stays. */
export function mergeEventInvokeConfig(
  current: EventInvokeConfigRecord,
  change: EventInvokeChange,
  lastModifiedAt: number,
): EventInvokeConfigRecord {
  return {
    maximumRetryAttempts: change.maximumRetryAttempts ?? current.maximumRetryAttempts,
    maximumEventAgeSeconds: change.maximumEventAgeSeconds ?? current.maximumEventAgeSeconds,
    onSuccess: change.onSuccess === undefined ? current.onSuccess : change.onSuccess || undefined,
    onFailure: change.onFailure === undefined ? current.onFailure : change.onFailure || undefined,
    lastModifiedAt,
  };
}

/** What the operations of SQS stand on, and the look-ups that most of them share. */

import { isRefusal, type Refusal } from '../../domain/refusal.ts';
import { parseQueueUrl, QUEUES, type Queue, type QueueRecord, readQueue } from '../../domain/sqs-queue.ts';
import type { Activity } from '../../platform/activity.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Log } from '../../platform/log.ts';
import type { Random } from '../../platform/random.ts';
import { ApiError } from '../../protocol/error.ts';
import type { RequestContext } from '../../protocol/operation.ts';
import type { JsonObject, Store, Unit } from '../../store/store.ts';

export interface SqsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly activity: Activity;
  readonly log: Log;
  /** Of every queue here. */
  readonly region: string;
  readonly accountId: string;
  readonly limits?: Partial<SqsLimits>;
}

export interface SqsLimits {
  /** Messages of one queue that may be in flight. AWS: 120,000. */
  readonly inFlight: number;
}
export const SQS_LIMITS: SqsLimits = { inFlight: 120_000 };

/** Raises a decision's "no". */
export function raise(refusal: Refusal): never {
  throw new ApiError(refusal.error, refusal.message);
}

export function unwrap<T>(value: T | Refusal): T {
  return isRefusal(value) ? raise(value) : value;
}

export function invalidParameter(message: string): ApiError {
  return new ApiError('InvalidParameterValueException', message);
}

export function missingParameter(name: string): ApiError {
  return new ApiError('MissingRequiredParameterException', `The request must contain the parameter ${name}.`);
}

/** The words differ by wire (observed). */
export function queueDoesNotExist(wire: RequestContext['wire']): ApiError {
  return new ApiError(
    'QueueDoesNotExist',
    wire === 'query'
      ? 'The specified queue does not exist for this wsdl version.'
      : 'The specified queue does not exist.',
  );
}

/** The queue that a request names by URL. */
export function requireQueue(deps: SqsDeps, url: string | undefined, context: RequestContext): Queue {
  if (!url) throw missingParameter('QueueUrl');
  const ref = parseQueueUrl(url);
  if (!ref) {
    throw new ApiError('InvalidAddress', `The address ${url} is not valid for this endpoint.`);
  }
  const queue =
    ref.accountId === undefined || ref.accountId === deps.accountId
      ? readQueue(deps.store.resources, ref.name)
      : undefined;
  if (!queue) throw queueDoesNotExist(context.wire);
  return queue;
}

/**
 * Changes a queue's record, with further effects in the same commit. `plan` runs again on the newer record when
 * someone else changed it in between.
 */
export async function updateQueue(
  deps: SqsDeps,
  name: string,
  context: RequestContext,
  plan: (record: QueueRecord) => { readonly record: JsonObject; readonly also?: Unit } | undefined,
): Promise<void> {
  for (;;) {
    const current = deps.store.resources.get<QueueRecord>(QUEUES, name);
    if (!current) throw queueDoesNotExist(context.wire);
    const change = plan(current.value);
    if (!change) return;
    const result = await deps.store.commit([
      { kind: 'put', collection: QUEUES, key: name, value: change.record, ifVersion: current.version },
      ...(change.also ?? []),
    ]);
    if (result.kind === 'committed') return;
  }
}

/** Which queues are dead-letter queues: those that something names as one. */
import {
  type EventInvokeConfigRecord,
  type FunctionRecord,
  LAMBDA_COLLECTIONS,
} from '../domain/lambda-function.ts';
import { QUEUES, type Queue, type QueueRecord, readQueue, readQueueByArn } from '../domain/sqs-queue.ts';
import type { Resources } from '../store/store.ts';

export interface DeadLetterSource {
  readonly kind: 'function' | 'destination' | 'queue' | 'subscription';
  readonly name: string;
}

export interface DeadLetterQueue {
  readonly queue: Queue;
  readonly sources: readonly DeadLetterSource[];
}

/** Collection of SNS subscriptions, whose `RedrivePolicy` names a queue. */
const SUBSCRIPTIONS = 'sns-subscriptions';

export function findDeadLetterQueues(resources: Resources): DeadLetterQueue[] {
  const found = new Map<string, { queue: Queue; sources: DeadLetterSource[] }>();
  const add = (arn: string | undefined, source: DeadLetterSource) => {
    const queue = arn === undefined ? undefined : readQueueByArn(resources, arn);
    if (!queue) return;
    const known = found.get(queue.name) ?? { queue, sources: [] };
    found.set(queue.name, known);
    if (!known.sources.some(({ kind, name }) => kind === source.kind && name === source.name)) {
      known.sources.push(source);
    }
  };
  for (const collection of [LAMBDA_COLLECTIONS.functions, LAMBDA_COLLECTIONS.versions]) {
    for (const { value } of resources.list<FunctionRecord>(collection)) {
      add(value.deadLetterTargetArn, { kind: 'function', name: value.name });
    }
  }
  for (const { key, value } of resources.list<EventInvokeConfigRecord>(
    LAMBDA_COLLECTIONS.eventInvokeConfigs,
  )) {
    add(value.onFailure, { kind: 'destination', name: key.split(':')[0] as string });
  }
  for (const { value } of resources.list<QueueRecord>(QUEUES)) {
    const queue = readQueue(resources, value.name);
    add(queue?.redrive?.deadLetterTargetArn, { kind: 'queue', name: value.name });
  }
  for (const { key, value } of resources.list(SUBSCRIPTIONS)) {
    add(deadLetterTargetOf(value), { kind: 'subscription', name: key });
  }
  return [...found.values()];
}

function deadLetterTargetOf(subscription: Readonly<Record<string, unknown>>): string | undefined {
  const attributes = (subscription.attributes ?? subscription) as Record<string, unknown>;
  const policy = attributes.RedrivePolicy ?? attributes.redrivePolicy;
  if (typeof policy !== 'string') return undefined;
  try {
    const target: unknown = (JSON.parse(policy) as Record<string, unknown>).deadLetterTargetArn;
    return typeof target === 'string' ? target : undefined;
  } catch {
    // The service checks policies when they are set; one it let through is no dead-letter queue.
    return undefined;
  }
}

/** Which queues are dead-letter queues: those that something names as one. */
import {
  type EventInvokeConfigRecord,
  type FunctionRecord,
  LAMBDA_COLLECTIONS,
} from '../domain/lambda-function.ts';
import { SUBSCRIPTIONS, type SubscriptionRecord } from '../domain/sns-topic.ts';
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
  for (const { value } of resources.list<SubscriptionRecord>(SUBSCRIPTIONS)) {
    const { deadLetterTargetArn } = JSON.parse(value.attributes.RedrivePolicy ?? '{}') as Record<
      string,
      string
    >;
    add(deadLetterTargetArn, {
      kind: 'subscription',
      name: `${value.topicName} → ${value.protocol} ${value.endpoint}`,
    });
  }
  return [...found.values()];
}

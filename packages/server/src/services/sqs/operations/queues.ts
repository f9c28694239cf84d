/** DeleteQueue, GetQueueUrl, ListQueues, ListDeadLetterSourceQueues, PurgeQueue. */
import type {
  DeleteQueueRequest,
  GetQueueUrlRequest,
  GetQueueUrlResult,
  ListDeadLetterSourceQueuesRequest,
  ListDeadLetterSourceQueuesResult,
  ListQueuesRequest,
  ListQueuesResult,
  PurgeQueueRequest,
} from '@aws-sdk/client-sqs';
import {
  DELETED_QUEUES,
  formatQueueUrl,
  PURGE_INTERVAL_MS,
  QUEUES,
  type QueueRecord,
  readQueue,
} from '../../../domain/sqs-queue.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { invalidParameter, queueDoesNotExist, requireQueue, updateQueue } from '../deps.ts';
import { pageOf } from '../pages.ts';
import type { SqsParts } from '../parts.ts';

type Nothing = Record<string, never>;

/** The queue, its messages and what deduplication remembers go in one commit. */
export function deleteQueue(parts: SqsParts): Handler<DeleteQueueRequest, Nothing> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    await parts.store.commit([
      { kind: 'remove', collection: QUEUES, key: queue.name },
      { kind: 'put', collection: DELETED_QUEUES, key: queue.name, value: { deletedAt: parts.clock.now() } },
      { kind: 'clear', queue: queue.messages },
    ]);
    parts.inFlight.forget(queue.messages);
    parts.waker.wake(queue.messages);
    return {};
  };
}

export function getQueueUrl(parts: SqsParts): Handler<GetQueueUrlRequest, GetQueueUrlResult> {
  return (input, context) => {
    const { QueueName: name, QueueOwnerAWSAccountId: owner } = input;
    if (!name) {
      throw invalidParameter('Value for parameter QueueName is invalid. Reason: Must specify a queue name.');
    }
    const foreign = owner !== undefined && owner !== parts.accountId;
    if (foreign || !readQueue(parts.store.resources, name)) throw queueDoesNotExist(context.wire);
    return { QueueUrl: formatQueueUrl(context.origin, parts.accountId, name) };
  };
}

export function listQueues(parts: SqsParts): Handler<ListQueuesRequest, ListQueuesResult> {
  return (input, context) => {
    const names = parts.store.resources.list(QUEUES, input.QueueNamePrefix).map(({ key }) => key);
    const page = pageOf(names, (name) => name, input.MaxResults, input.NextToken);
    if (page.items.length === 0) return {};
    return {
      QueueUrls: page.items.map((name) => formatQueueUrl(context.origin, parts.accountId, name)),
      NextToken: page.nextToken,
    };
  };
}

export function listDeadLetterSourceQueues(
  parts: SqsParts,
): Handler<ListDeadLetterSourceQueuesRequest, ListDeadLetterSourceQueuesResult> {
  return (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    const sources = parts.store.resources
      .list<QueueRecord>(QUEUES)
      .filter(({ key }) => readQueue(parts.store.resources, key)?.redrive?.deadLetterTargetArn === queue.arn)
      .map(({ key }) => key);
    const page = pageOf(sources, (name) => name, input.MaxResults, input.NextToken);
    return {
      queueUrls: page.items.map((name) => formatQueueUrl(context.origin, parts.accountId, name)),
      NextToken: page.nextToken,
    };
  };
}

/** Everything goes at once, in flight and delayed included; AWS takes up to 60 seconds. */
export function purgeQueue(parts: SqsParts): Handler<PurgeQueueRequest, Nothing> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    await updateQueue(parts, queue.name, context, (record) => {
      const now = parts.clock.now();
      if (record.purgedAt !== undefined && now - record.purgedAt < PURGE_INTERVAL_MS) {
        throw new ApiError(
          'PurgeQueueInProgress',
          `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`,
        );
      }
      return { record: { ...record, purgedAt: now }, also: [{ kind: 'clear', queue: queue.messages }] };
    });
    parts.inFlight.forget(queue.messages);
    return {};
  };
}

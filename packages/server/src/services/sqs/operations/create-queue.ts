/** CreateQueue: makes a queue, or answers with the URL of one that has the same name and attributes. */
import type { CreateQueueRequest, CreateQueueResult } from '@aws-sdk/client-sqs';
import { checkQueueName, findDifference, updateAttributes } from '../../../domain/sqs-attributes.ts';
import {
  DELETED_QUEUES,
  type DeletedQueueRecord,
  formatQueueUrl,
  NAME_REUSE_WAIT_MS,
  QUEUES,
  type QueueRecord,
  queueArn,
  readQueueByArn,
} from '../../../domain/sqs-queue.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { invalidParameter, raise, unwrap } from '../deps.ts';
import type { SqsParts } from '../parts.ts';

export function createQueue(parts: SqsParts): Handler<CreateQueueRequest, CreateQueueResult> {
  const { store, clock, region, accountId } = parts;
  return async (input, context) => {
    const name = input.QueueName;
    if (name === undefined) {
      throw invalidParameter('Value for parameter QueueName is invalid. Reason: Must specify a queue name.');
    }
    const wanted = (input.Attributes ?? {}) as Record<string, string>;
    const badName = checkQueueName(name, wanted.FifoQueue === 'true');
    if (badName) raise(badName);
    const answer = { QueueUrl: formatQueueUrl(context.origin, accountId, name) };
    for (;;) {
      const existing = store.resources.get<QueueRecord>(QUEUES, name);
      const arn = queueArn(region, accountId, name);
      const attributes = unwrap(
        updateAttributes({
          queue: { name, arn },
          input: wanted,
          current: {},
          creating: true,
          findQueue: (target) => readQueueByArn(store.resources, target),
        }),
      );
      if (existing) {
        const difference = findDifference(existing.value, wanted);
        if (difference === undefined) return answer;
        throw new ApiError(
          'QueueNameExists',
          `A queue already exists with the same name and a different value for attribute ${difference}`,
        );
      }
      const now = clock.now();
      const deleted = store.resources.get<DeletedQueueRecord>(DELETED_QUEUES, name);
      if (deleted && now - deleted.value.deletedAt < NAME_REUSE_WAIT_MS) {
        throw new ApiError(
          'QueueDeletedRecently',
          'You must wait 60 seconds after deleting a queue before you can create another with the same name.',
        );
      }
      const record: QueueRecord = {
        name,
        arn,
        createdAt: now,
        modifiedAt: now,
        attributes,
        tags: { ...input.tags },
      };
      const result = await store.commit([
        { kind: 'put', collection: QUEUES, key: name, value: record, ifVersion: 0 },
        ...(deleted ? [{ kind: 'remove' as const, collection: DELETED_QUEUES, key: name }] : []),
      ]);
      // A conflict: another caller has just made it. Look again.
      if (result.kind === 'committed') return answer;
    }
  };
}

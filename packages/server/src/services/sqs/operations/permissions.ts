/** AddPermission, RemovePermission. */
import type { AddPermissionRequest, RemovePermissionRequest } from '@aws-sdk/client-sqs';
import {
  addPermission as plannedPolicy,
  removePermission as plannedRemoval,
} from '../../../domain/sqs-policy.ts';
import type { QueueRecord } from '../../../domain/sqs-queue.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { missingParameter, requireQueue, unwrap, updateQueue } from '../deps.ts';
import type { SqsParts } from '../parts.ts';

export function addPermission(parts: SqsParts): Handler<AddPermissionRequest, Record<string, never>> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    await updateQueue(parts, queue.name, context, (record) => {
      const policy = unwrap(
        plannedPolicy(record.attributes.Policy, {
          queueArn: queue.arn,
          label: input.Label ?? '',
          accountIds: input.AWSAccountIds ?? [],
          actions: input.Actions ?? [],
        }),
      );
      return { record: withPolicy(record, policy, parts.clock.now()) };
    });
    return {};
  };
}

export function removePermission(parts: SqsParts): Handler<RemovePermissionRequest, Record<string, never>> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    const label = input.Label;
    if (!label) throw missingParameter('Label');
    await updateQueue(parts, queue.name, context, (record) => ({
      record: withPolicy(record, unwrap(plannedRemoval(record.attributes.Policy, label)), parts.clock.now()),
    }));
    return {};
  };
}

function withPolicy(record: QueueRecord, policy: string, now: number): QueueRecord {
  const { Policy: _, ...attributes } = record.attributes;
  return {
    ...record,
    modifiedAt: now,
    attributes: policy === '' ? attributes : { ...attributes, Policy: policy },
  };
}

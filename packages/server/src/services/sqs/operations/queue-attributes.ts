/** GetQueueAttributes, SetQueueAttributes. */
import type {
  GetQueueAttributesRequest,
  GetQueueAttributesResult,
  SetQueueAttributesRequest,
} from '@aws-sdk/client-sqs';
import { checkRequestedNames, describeAttributes, updateAttributes } from '../../../domain/sqs-attributes.ts';
import { readQueueByArn } from '../../../domain/sqs-queue.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { missingParameter, raise, requireQueue, unwrap, updateQueue } from '../deps.ts';
import type { SqsParts } from '../parts.ts';

const DEPTHS: readonly string[] = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
];

export function getQueueAttributes(
  parts: SqsParts,
): Handler<GetQueueAttributesRequest, GetQueueAttributesResult> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    const names: string[] = input.AttributeNames ?? [];
    const refusal = checkRequestedNames(names);
    if (refusal) raise(refusal);
    const wantsAll = names.includes('All');
    const wants = (name: string) => wantsAll || names.includes(name);
    const all: Record<string, string> = { QueueArn: queue.arn };
    if (DEPTHS.some(wants)) {
      const depth = await parts.store.readDepth(queue.messages, parts.clock.now());
      all.ApproximateNumberOfMessages = String(depth.visible);
      all.ApproximateNumberOfMessagesNotVisible = String(depth.inFlight);
      all.ApproximateNumberOfMessagesDelayed = String(depth.delayed);
    }
    all.CreatedTimestamp = String(Math.floor(queue.record.createdAt / 1000));
    all.LastModifiedTimestamp = String(Math.floor(queue.record.modifiedAt / 1000));
    Object.assign(all, describeAttributes(queue.record));
    const wanted = Object.fromEntries(Object.entries(all).filter(([name]) => wants(name)));
    return Object.keys(wanted).length === 0 ? {} : { Attributes: wanted };
  };
}

export function setQueueAttributes(
  parts: SqsParts,
): Handler<SetQueueAttributesRequest, Record<string, never>> {
  const { store, clock } = parts;
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    const wanted = (input.Attributes ?? {}) as Record<string, string>;
    if (Object.keys(wanted).length === 0) throw missingParameter('Attribute.Name');
    await updateQueue(parts, queue.name, context, (record) => {
      const attributes = unwrap(
        updateAttributes({
          queue,
          input: wanted,
          current: record.attributes,
          creating: false,
          findQueue: (arn) => readQueueByArn(store.resources, arn),
        }),
      );
      return { record: { ...record, attributes, modifiedAt: clock.now() } };
    });
    return {};
  };
}

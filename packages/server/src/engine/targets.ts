/**
 * Where records go: an ARN and a delivery in, effects out. A target in this house takes its message in the same
 * commit that ends the event, so a delivery can neither be lost nor happen twice.
 */

import { parseArn } from '../domain/arn.ts';
import { parseFunctionRef } from '../domain/lambda-names.ts';
import { resolveTarget } from '../domain/lambda-resolve.ts';
import { type Delivery, type PlannedDelivery, planAccept } from '../domain/lifecycle.ts';
import { planSendToQueue, readQueue } from '../domain/sqs-queue.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Random } from '../platform/random.ts';
import type { Resources } from '../store/store.ts';

export type PlanDelivery = (delivery: Delivery, causedBy: string) => PlannedDelivery;

export interface TargetContext {
  readonly resources: Resources;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
}

export function createPlanDelivery(context: TargetContext): PlanDelivery {
  return (delivery, causedBy) => {
    const arn = parseArn(delivery.arn);
    switch (arn?.service) {
      case 'sqs':
        return planToQueue(context, delivery, arn.resource);
      case 'lambda':
        return planToFunction(context, delivery, causedBy);
      default:
        return refused('InvalidTarget', `${delivery.arn} is not a queue or function`);
    }
  };
}

/** AWS: the message body of SQS may have 1 MiB. */
const MAX_QUEUE_BODY_BYTES = 1_048_576;

function planToQueue(context: TargetContext, delivery: Delivery, queueName: string): PlannedDelivery {
  const queue = readQueue(context.resources, queueName);
  if (!queue) {
    return refused('AWS.SimpleQueueService.NonExistentQueue', 'The specified queue does not exist.');
  }
  if (Buffer.byteLength(delivery.body) > MAX_QUEUE_BODY_BYTES) {
    return refused('InvalidParameterValue', 'Message must be shorter than 1048576 bytes.');
  }
  const messageId = context.ids.uuid();
  const effects = planSendToQueue(
    queue,
    {
      messageId,
      body: delivery.body,
      messageAttributes: delivery.role === 'DeadLetterQueue' ? delivery.attributes : undefined,
      traceHeader: delivery.traceHeader,
    },
    context.clock.now(),
  );
  return { kind: 'deliverable', effects, messageId };
}

function planToFunction(context: TargetContext, delivery: Delivery, causedBy: string): PlannedDelivery {
  const ref = parseFunctionRef(delivery.arn);
  const target =
    ref.kind === 'ref' && resolveTarget(context.resources, ref.name, ref.qualifier, context.random);
  if (!target || target.kind === 'notFound') {
    return refused('ResourceNotFoundException', `Function not found: ${delivery.arn}`);
  }
  const requestId = context.ids.ordered();
  const effects = planAccept(
    {
      requestId,
      functionName: target.spec.name,
      qualifier: ref.qualifier,
      functionArn: target.qualifiedArn,
      payload: delivery.body,
      source: delivery.role,
      causedBy,
      traceHeader: delivery.traceHeader,
    },
    context.clock.now(),
  );
  return { kind: 'deliverable', effects, messageId: requestId };
}

function refused(code: string, message: string): PlannedDelivery {
  return { kind: 'refused', code, message };
}

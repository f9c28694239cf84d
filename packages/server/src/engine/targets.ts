/**
 * Where records go: an ARN and a delivery in, effects out. A target in this house takes its message in the same
 * commit that ends the event, so a delivery can neither be lost nor happen twice.
 */

import { parseArn } from '../domain/arn.ts';
import { parseFunctionRef } from '../domain/lambda-names.ts';
import { resolveTarget } from '../domain/lambda-resolve.ts';
import { type Delivery, type PlannedDelivery, planAccept } from '../domain/lifecycle.ts';
import { isRefusal } from '../domain/refusal.ts';
import { checkPublication } from '../domain/sns-message.ts';
import { planPublication } from '../domain/sns-publish.ts';
import { readTopicByArn } from '../domain/sns-topic.ts';
import { readQueueByArn } from '../domain/sqs-queue.ts';
import { checkMessage, newMessageId, planSendToQueue } from '../domain/sqs-send.ts';
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
    switch (parseArn(delivery.arn)?.service) {
      case 'sqs':
        return planToQueue(context, delivery);
      case 'lambda':
        return planToFunction(context, delivery, causedBy);
      case 'sns':
        return planToTopic(context, delivery);
      default:
        return refused('InvalidTarget', `${delivery.arn} is not a queue, topic or function`);
    }
  };
}

/** Senders that act for a function show as a session of its role, named after the function (observed shape). */
const EXECUTION_ROLE_ID = 'AROAREDRIVEFUNCTION00';

function planToQueue(context: TargetContext, delivery: Delivery): PlannedDelivery {
  const queue = readQueueByArn(context.resources, delivery.arn);
  if (!queue) return refused('QueueDoesNotExist', 'The specified queue does not exist.');
  const message = {
    messageId: newMessageId(context.ids),
    body: delivery.body,
    messageAttributes: delivery.role === 'DeadLetterQueue' ? { ...delivery.attributes } : undefined,
    traceHeader: delivery.traceHeader,
    senderId: `${EXECUTION_ROLE_ID}:${delivery.functionName}`,
    state: delivery.failure && { failure: delivery.failure },
  };
  const refusal = checkMessage(queue, message);
  if (refusal) return refused(refusal.error, refusal.message);
  return {
    kind: 'deliverable',
    effects: planSendToQueue(queue, message, context.clock.now()),
    messageId: message.messageId,
  };
}

/** The topic's queue takes it; from there it goes to the subscriptions. */
function planToTopic(context: TargetContext, delivery: Delivery): PlannedDelivery {
  const topic = readTopicByArn(context.resources, delivery.arn);
  if (!topic) return refused('NotFound', 'Topic does not exist');
  const attributes = delivery.role === 'DeadLetterQueue' ? { ...delivery.attributes } : undefined;
  const message = checkPublication({ message: delivery.body, attributes }, topic);
  if (isRefusal(message)) return refused(message.error, message.message);
  const { ids, clock } = context;
  const send = planPublication(topic, message, {
    ids,
    now: clock.now(),
    traceHeader: delivery.traceHeader,
  });
  return { kind: 'deliverable', effects: [send], messageId: send.message.id };
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

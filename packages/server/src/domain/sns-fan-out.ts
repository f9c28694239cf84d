/**
 * One published message → the effects that bring it to every subscription. Queues and functions of this house take
 * it in the same commit; what leaves the house (HTTP, mail, text messages) becomes a delivery that waits in a queue
 * of its own. A target that refuses sends the message to the subscription's dead-letter queue, in that commit too.
 */
import type { Ids } from '../platform/ids.ts';
import type { Random } from '../platform/random.ts';
import type { Effect, JsonObject, Resources } from '../store/store.ts';
import type { Filter } from './filter-policy.ts';
import { parseFunctionRef } from './lambda-names.ts';
import { resolveTarget } from './lambda-resolve.ts';
import { planAccept } from './lifecycle.ts';
import {
  type Confirmation,
  formatConfirmation,
  formatFunctionEvent,
  formatNotification,
  type Signature,
  unsubscribeUrl,
} from './sns-envelope.ts';
import { type Publication, textFor } from './sns-message.ts';
import { deliveryQueue, PHONE_QUEUE, type SubscriptionRecord } from './sns-topic.ts';
import type { MessageAttributes } from './sqs-message.ts';
import { type Queue, readQueueByArn } from './sqs-queue.ts';
import { checkMessage, newMessageId, type OutgoingMessage, planSendToQueue } from './sqs-send.ts';

/** A subscription ready for use. */
export interface SubscriptionView {
  readonly record: SubscriptionRecord;
  readonly raw: boolean;
  readonly filter?: Filter;
}

export interface FanOutContext {
  readonly resources: Resources;
  readonly ids: Ids;
  readonly random: Random;
  readonly now: number;
  /** Where this server is reached, for the links in messages. */
  readonly endpoint: string;
  /** Of the text for a protocol; absent where messages are not signed. */
  readonly signatureFor: (protocol: string) => Signature | undefined;
}

export interface FailedDelivery {
  readonly subscription: SubscriptionRecord;
  readonly code: string;
  readonly message: string;
  /** The subscription's dead-letter queue took it. */
  readonly deadLettered: boolean;
}

/** What a queue or function of this house has taken. */
export interface LocalDelivery {
  readonly subscription: SubscriptionRecord;
  /** Id of the message, or of the request to run the function. */
  readonly id: string;
}

export interface FanOut {
  readonly effects: readonly Effect[];
  readonly delivered: readonly LocalDelivery[];
  readonly failed: readonly FailedDelivery[];
}

/** A message on its way out of the house; `attributes` of what waits in a delivery queue. */
export interface DeliveryAttributes extends JsonObject {
  type: 'Notification' | 'SubscriptionConfirmation' | 'UnsubscribeConfirmation';
  messageId: string;
  topicArn: string;
  /** Absent in requests to confirm a subscription, as in their headers (observed). */
  subscriptionArn?: string;
  raw?: boolean;
  subject?: string;
  /** Of what belongs to no subscription, or to one that is gone. */
  protocol?: string;
  endpoint?: string;
  /** Kept for the dead-letter queue of a raw subscription. */
  messageAttributes?: { [name: string]: MessageAttributes[string] };
}

/** Who sends, as queues show it (observed shape: a unique id of the service). */
const SENDER_ID = 'AIDAREDRIVESNS0000000';
/** AWS: "Raw message delivery … up to 10 message attributes" for queues. */
const MAX_RAW_ATTRIBUTES = 10;

/** Subscriptions that get the message. */
export function selectSubscriptions(
  subscriptions: readonly SubscriptionView[],
  publication: Publication,
): SubscriptionView[] {
  const { attributes } = publication;
  return subscriptions.filter(({ record, filter }) => {
    if (record.pending) return false;
    return !filter || filter({ body: textFor(publication, record.protocol), attributes });
  });
}

/** Whether the copy for this subscription carries a signature. */
export function isSigned({ raw, record }: SubscriptionView): boolean {
  return !raw && record.protocol !== 'sms' && record.protocol !== 'email';
}

export function planFanOut(
  subscriptions: readonly SubscriptionView[],
  publication: Publication,
  context: FanOutContext,
): FanOut {
  const effects: Effect[] = [];
  const delivered: LocalDelivery[] = [];
  const failed: FailedDelivery[] = [];
  for (const subscription of subscriptions) {
    const planned = planCopy(subscription, publication, context);
    if (planned.kind === 'effects') {
      effects.push(...planned.effects);
      if (planned.id !== undefined) delivered.push({ subscription: subscription.record, id: planned.id });
      continue;
    }
    const { code, message, copy } = planned;
    const letter = planDeadLetter(subscription.record, copy, context);
    if (letter) effects.push(...letter);
    failed.push({ subscription: subscription.record, code, message, deadLettered: letter !== undefined });
  }
  return { effects, delivered, failed };
}

/** What a queue gets of a message; what a dead-letter queue gets is the same. */
export type Copy = Omit<OutgoingMessage, 'messageId'>;

type PlannedCopy =
  | {
      readonly kind: 'effects';
      readonly effects: readonly Effect[];
      /** What it is called where it arrives; absent while it is on its way. */
      readonly id?: string;
    }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string; readonly copy: Copy };

function planCopy(
  subscription: SubscriptionView,
  publication: Publication,
  context: FanOutContext,
): PlannedCopy {
  const { record } = subscription;
  switch (record.protocol) {
    case 'sqs':
      return planToQueue(subscription, publication, context);
    case 'lambda':
      return planToFunction(subscription, publication, context);
    default:
      return { kind: 'effects', effects: [planDelivery(subscription, publication, context)] };
  }
}

function copyOf(subscription: SubscriptionView, publication: Publication, context: FanOutContext): Copy {
  const { record, raw } = subscription;
  const base = {
    senderId: SENDER_ID,
    traceHeader: publication.traceHeader,
    groupId: publication.groupId,
    deduplicationId: publication.deduplicationId,
  };
  if (raw) {
    const { attributes } = publication;
    return {
      ...base,
      body: textFor(publication, record.protocol),
      messageAttributes: Object.keys(attributes).length === 0 ? undefined : attributes,
    };
  }
  return { ...base, body: formatFor(subscription, publication, context) };
}

function formatFor({ record }: SubscriptionView, publication: Publication, context: FanOutContext): string {
  return formatNotification({
    publication,
    protocol: record.protocol,
    signature: context.signatureFor(record.protocol),
    unsubscribeUrl: unsubscribeUrl(context.endpoint, record.arn),
  });
}

function planToQueue(
  subscription: SubscriptionView,
  publication: Publication,
  context: FanOutContext,
): PlannedCopy {
  const { record, raw } = subscription;
  const copy = copyOf(subscription, publication, context);
  const refused = (code: string, message: string): PlannedCopy => ({ kind: 'refused', code, message, copy });
  const queue = readQueueByArn(context.resources, record.endpoint);
  if (!queue)
    return refused('AWS.SimpleQueueService.NonExistentQueue', 'The specified queue does not exist.');
  if (raw && Object.keys(publication.attributes).length > MAX_RAW_ATTRIBUTES) {
    return refused('InvalidParameterValue', 'Number of message attributes exceeds the allowed maximum [10].');
  }
  const fitting = fitTo(queue, copy);
  const refusal = checkMessage(queue, fitting);
  if (refusal) return refused(refusal.error, refusal.message);
  const message = { ...fitting, messageId: newMessageId(context.ids) };
  // The queue's five minutes of remembering ids must end with the topic's: what the topic took is never dropped here.
  const now = queue.fifo ? publication.publishedAt : context.now;
  return {
    kind: 'effects',
    effects: planSendToQueue(queue, message, now),
    id: message.messageId,
  };
}

/** A standard queue takes no deduplication id, and no group from a FIFO topic (observed). */
function fitTo({ fifo }: Queue, copy: Copy): Copy {
  if (fifo || copy.deduplicationId === undefined) return copy;
  return { ...copy, groupId: undefined, deduplicationId: undefined };
}

function planToFunction(
  subscription: SubscriptionView,
  publication: Publication,
  context: FanOutContext,
): PlannedCopy {
  const { record } = subscription;
  const ref = parseFunctionRef(record.endpoint);
  const target =
    ref.kind === 'ref' && resolveTarget(context.resources, ref.name, ref.qualifier, context.random);
  if (!target || target.kind === 'notFound') {
    return {
      kind: 'refused',
      code: 'ResourceNotFoundException',
      message: `Function not found: ${record.endpoint}`,
      copy: copyOf(subscription, publication, context),
    };
  }
  const payload = formatFunctionEvent(
    {
      publication,
      protocol: record.protocol,
      signature: context.signatureFor(record.protocol),
      unsubscribeUrl: unsubscribeUrl(context.endpoint, record.arn),
    },
    record.arn,
  );
  const requestId = context.ids.ordered();
  const effects = planAccept(
    {
      requestId,
      functionName: target.spec.name,
      qualifier: ref.qualifier,
      functionArn: target.qualifiedArn,
      payload,
      source: 'sns',
      causedBy: publication.messageId,
      traceHeader: publication.traceHeader,
    },
    context.now,
  );
  return { kind: 'effects', effects, id: requestId };
}

/** A request to confirm, on its way to the endpoint. */
export function planConfirmation(
  record: SubscriptionRecord,
  confirmation: Confirmation,
  signature: Signature,
  context: Pick<FanOutContext, 'ids' | 'now'>,
): Effect {
  const attributes: DeliveryAttributes = {
    type: confirmation.type,
    messageId: confirmation.messageId,
    topicArn: record.topicArn,
    ...(confirmation.type === 'UnsubscribeConfirmation' ? { subscriptionArn: record.arn } : {}),
    protocol: record.protocol,
    endpoint: record.endpoint,
  };
  return {
    kind: 'send',
    queue: deliveryQueue(record),
    message: {
      id: newMessageId(context.ids),
      dueAt: context.now,
      sentAt: context.now,
      body: formatConfirmation(confirmation, signature),
      attributes,
    },
  };
}

/** A text message to a phone number, without a topic. */
export function planTextMessage(
  phoneNumber: string,
  text: string,
  context: Pick<FanOutContext, 'ids' | 'now'>,
): { readonly messageId: string; readonly effects: readonly Effect[] } {
  const messageId = newMessageId(context.ids);
  const attributes: DeliveryAttributes = {
    type: 'Notification',
    messageId,
    topicArn: '',
    protocol: 'sms',
    endpoint: phoneNumber,
  };
  const message = { id: messageId, dueAt: context.now, sentAt: context.now, body: text, attributes };
  return { messageId, effects: [{ kind: 'send', queue: PHONE_QUEUE, message }] };
}

function planDelivery(
  subscription: SubscriptionView,
  publication: Publication,
  context: FanOutContext,
): Effect {
  const { record, raw } = subscription;
  const plain = raw || record.protocol === 'sms' || record.protocol === 'email';
  const attributes: DeliveryAttributes = {
    type: 'Notification',
    messageId: publication.messageId,
    topicArn: publication.topicArn,
    subscriptionArn: record.arn,
  };
  if (raw) {
    attributes.raw = true;
    if (Object.keys(publication.attributes).length > 0) attributes.messageAttributes = publication.attributes;
  }
  if (publication.subject !== undefined) attributes.subject = publication.subject;
  return {
    kind: 'send',
    queue: deliveryQueue(record),
    message: {
      id: newMessageId(context.ids),
      dueAt: context.now,
      sentAt: context.now,
      body: plain ? textFor(publication, record.protocol) : formatFor(subscription, publication, context),
      attributes,
    },
  };
}

/** `undefined`: the subscription has no dead-letter queue, or it does not take the message. */
export function planDeadLetter(
  subscription: SubscriptionRecord,
  copy: Copy,
  context: Pick<FanOutContext, 'resources' | 'ids' | 'now'>,
): Effect[] | undefined {
  const { RedrivePolicy } = subscription.attributes;
  if (!RedrivePolicy) return undefined;
  const { deadLetterTargetArn } = JSON.parse(RedrivePolicy) as { deadLetterTargetArn: string };
  const queue = readQueueByArn(context.resources, deadLetterTargetArn);
  if (!queue) return undefined;
  const messageId = newMessageId(context.ids);
  const letter = { ...fitTo(queue, copy), messageId, senderId: SENDER_ID };
  if (queue.fifo) {
    letter.groupId ??= subscription.id;
    letter.deduplicationId ??= messageId;
  }
  return checkMessage(queue, letter) ? undefined : planSendToQueue(queue, letter, context.now);
}

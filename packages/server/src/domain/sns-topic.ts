/**
 * Topics and subscriptions as they are stored. A subscription's key begins with its topic's name, so the
 * subscriptions of a topic are a range.
 */
import type { JsonObject, Resources } from '../store/store.ts';
import { formatArn, parseArn } from './arn.ts';

/** Collection of topics, by name. */
export const TOPICS = 'sns-topics';
/** Collection of subscriptions, by `subscriptionKey`. */
export const SUBSCRIPTIONS = 'sns-subscriptions';

export type Protocol = 'sqs' | 'lambda' | 'http' | 'https' | 'email' | 'email-json' | 'sms';

export interface TopicRecord extends JsonObject {
  name: string;
  arn: string;
  /** Epoch ms. */
  createdAt: number;
  /** Attributes that were set; defaults are not stored. */
  attributes: { [name: string]: string };
  tags: { [key: string]: string };
  /** Subscriptions that were removed since the topic exists. */
  deletedSubscriptions: number;
}

export interface SubscriptionRecord extends JsonObject {
  id: string;
  arn: string;
  topicArn: string;
  topicName: string;
  protocol: Protocol;
  endpoint: string;
  createdAt: number;
  /** Who subscribed. */
  principal: string;
  attributes: { [name: string]: string };
  /** Until it is confirmed: what the endpoint has to send back, and since when. */
  pending?: { token: string; since: number };
  confirmationWasAuthenticated: boolean;
  /** `AuthenticateOnUnsubscribe` at confirmation: only a signed call may unsubscribe. */
  guarded?: boolean;
}

export function topicArn(region: string, accountId: string, name: string): string {
  return formatArn('sns', region, accountId, name);
}

export function readTopicByArn(resources: Resources, arn: string): TopicRecord | undefined {
  const record = resources.get<TopicRecord>(TOPICS, parseArn(arn)?.resource ?? '')?.value;
  return record?.arn === arn ? record : undefined;
}

export function isFifoTopic(name: string): boolean {
  return name.endsWith('.fifo');
}

export function subscriptionPrefix(topicName: string): string {
  return `${topicName}:`;
}
export function subscriptionKey(topicName: string, id: string): string {
  return subscriptionPrefix(topicName) + id;
}

/** Key of the subscription that an ARN names; `undefined` when it names none. */
export function keyOfSubscriptionArn(arn: string): string | undefined {
  const resource = parseArn(arn)?.resource;
  return resource && /^[^:]+:[^:]+$/.test(resource) ? resource : undefined;
}

/** Store queue of what waits to be sent to one endpoint: a slow endpoint holds up no other. */
export const DELIVERY_PREFIX = 'sns-delivery:';
export function deliveryQueue(subscription: Pick<SubscriptionRecord, 'topicName' | 'id'>): string {
  return DELIVERY_PREFIX + subscriptionKey(subscription.topicName, subscription.id);
}
/** Of text messages that were sent to a number and not to a topic. No topic has this name. */
export const PHONE_QUEUE = `${DELIVERY_PREFIX}*phone*`;
export function subscriptionKeyOfQueue(queue: string): string {
  return queue.slice(DELIVERY_PREFIX.length);
}

/** Store queue of what was published and has not been handed to its subscriptions yet. */
export const TOPIC_QUEUE_PREFIX = 'sns-topic:';
export function topicQueue(topicName: string): string {
  return TOPIC_QUEUE_PREFIX + topicName;
}
export function topicOfQueue(queue: string): string {
  return queue.slice(TOPIC_QUEUE_PREFIX.length);
}

/** AWS: a token is good for two days, and a subscription that nobody confirmed goes after three. */
export const TOKEN_VALID_MS = 2 * 86_400_000;
export const PENDING_KEPT_MS = 3 * 86_400_000;

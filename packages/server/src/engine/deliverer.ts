/**
 * Sends what leaves the house: notifications to HTTP endpoints, mail, text messages. Every delivery is a message in a
 * queue of its endpoint, so it survives a crash and a slow endpoint holds up no other. A delivery that failed is tried
 * again by its retry policy; when that is used up, or the endpoint refuses for good, it goes to the subscription's
 * dead-letter queue and, in any case, into the delivery log.
 */
import {
  CUSTOMER_MANAGED_RETRIES,
  HTTP_RETRIES,
  type RetryPolicy,
  retryDelayMs,
} from '../domain/delivery-policy.ts';
import { type DeliveryAttributes, planDeadLetter } from '../domain/sns-fan-out.ts';
import { deliveryOfSubscription } from '../domain/sns-subscription-attributes.ts';
import {
  PHONE_QUEUE,
  type SubscriptionRecord,
  subscriptionKeyOfQueue,
  type TopicRecord,
} from '../domain/sns-topic.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Effect, JsonObject, Message, Store } from '../store/store.ts';
import { DeliveryLanes } from './delivery-lanes.ts';
import type { DeliveryLog } from './delivery-log.ts';
import type { Topics } from './topics.ts';

/** One sending to one endpoint. */
export interface Outgoing {
  readonly protocol: string;
  readonly endpoint: string;
  readonly body: string;
  readonly attributes: DeliveryAttributes;
  /** HTTP only. */
  readonly contentType: string;
  /** Aborted when the server cannot wait any longer. */
  readonly signal: AbortSignal;
}

export type SendResult =
  | { readonly kind: 'delivered'; readonly statusCode?: number; readonly response?: string }
  | {
      readonly kind: 'failed';
      /** false: trying again would not help. */
      readonly retryable: boolean;
      readonly statusCode?: number;
      readonly response: string;
    };

/** Never rejects: what goes wrong is part of the result. */
export type Sender = (outgoing: Outgoing) => Promise<SendResult>;

export interface DelivererDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly activity: Activity;
  readonly log: Log;
  readonly topics: Topics;
  readonly deliveryLog: DeliveryLog;
  readonly holder: string;
  readonly senders: Readonly<Record<string, Sender>>;
}

/** Private state of a delivery. */
interface DeliveryState extends JsonObject {
  /** Attempts that failed. */
  n?: number;
}

/** Time that sendings get to end when the server stops. Real time: it is about the process, not the world. */
const DRAIN_MS = 5_000;

export class Deliverer {
  readonly #deps: DelivererDeps;
  readonly #lanes: DeliveryLanes;
  /** Breaks off sendings that outlast the server. */
  readonly #abort = new AbortController();

  constructor(deps: DelivererDeps) {
    this.#deps = deps;
    this.#lanes = new DeliveryLanes({
      ...deps,
      rateOf: (queue) => this.#viewOf(queue).delivery?.maxReceivesPerSecond,
      deliver: (queue, message) => this.#deliver(message, this.#viewOf(queue)),
    });
  }

  start(): Promise<void> {
    return this.#lanes.start();
  }

  /** Begins nothing new; what does not end in time is repeated by the next process. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#abort.abort(), DRAIN_MS);
    await this.#lanes.stop();
    clearTimeout(timer);
  }

  #viewOf(queue: string): View {
    const { topics } = this.#deps;
    const key = subscriptionKeyOfQueue(queue);
    const topicName = key.slice(0, key.lastIndexOf(':'));
    const topic = topics.find(topicName);
    const subscription = topics.findSubscription(key);
    return {
      topicName: queue === PHONE_QUEUE ? '' : topicName,
      topic,
      subscription,
      delivery: topic && subscription ? deliveryOfSubscription(subscription, topic) : undefined,
    };
  }

  async #deliver(message: Message, view: View): Promise<void> {
    const { store, clock, random, senders } = this.#deps;
    const attributes = message.attributes as DeliveryAttributes;
    const protocol = attributes.protocol ?? view.subscription?.protocol;
    const endpoint = attributes.endpoint ?? view.subscription?.endpoint;
    const ack: Effect = { kind: 'ack', receipt: message.receipt };
    // Nobody is subscribed any more.
    if (protocol === undefined || endpoint === undefined) {
      await store.commit([ack]);
      return;
    }
    const sender = senders[protocol];
    const result: SendResult = sender
      ? await sender({
          protocol,
          endpoint,
          body: message.body,
          attributes,
          contentType:
            attributes.type === 'Notification'
              ? (view.delivery?.contentType ?? TEXT_CONTENT_TYPE)
              : TEXT_CONTENT_TYPE,
          signal: this.#abort.signal,
        })
      : { kind: 'failed', retryable: false, response: `Protocol ${protocol} is not configured.` };
    // Broken off here, not by the endpoint: the next process sends it again.
    if (result.kind === 'failed' && this.#abort.signal.aborted) return;
    const attempts = ((message.state as DeliveryState).n ?? 0) + 1;
    if (result.kind === 'delivered') {
      await store.commit([ack]);
      this.#report(message, view, protocol, endpoint, attempts, result);
      return;
    }
    const delayMs = result.retryable
      ? retryDelayMs(policyOf(protocol, view), attempts, random.next())
      : undefined;
    if (delayMs !== undefined) {
      const state: DeliveryState = { n: attempts };
      const dueAt = clock.now() + delayMs;
      await store.commit([{ kind: 'reschedule', receipt: message.receipt, dueAt, state, release: true }]);
      return;
    }
    const letter = view.subscription && this.#deadLetter(message, view.subscription, attributes);
    const committed = await store.commit([ack, ...(letter ?? [])]);
    // A conflict: the hold ran out, and whoever has the delivery now settles it.
    if (committed.kind === 'conflict') return;
    this.#report(message, view, protocol, endpoint, attempts, result, letter !== undefined);
  }

  #deadLetter(message: Message, subscription: SubscriptionRecord, attributes: DeliveryAttributes) {
    const { store, ids, clock } = this.#deps;
    if (attributes.type !== 'Notification') return undefined;
    const copy = { body: message.body, messageAttributes: attributes.messageAttributes };
    return planDeadLetter(subscription, copy, { resources: store.resources, ids, now: clock.now() });
  }

  #report(
    message: Message,
    view: View,
    protocol: string,
    destination: string,
    attempts: number,
    result: SendResult,
    deadLettered?: boolean,
  ): void {
    const { deliveryLog, clock } = this.#deps;
    const delivered = result.kind === 'delivered';
    const { topic, topicName } = view;
    const attributes = message.attributes as DeliveryAttributes;
    // Text messages without a topic are always written down: nothing else shows them.
    const wanted = attributes.type === 'Notification' && deliveryLog.wantsSuccess(topic, protocol);
    if (delivered && topicName !== '' && !wanted) return;
    deliveryLog.report({
      topic,
      topicName,
      topicArn: attributes.topicArn,
      protocol,
      destination,
      messageId: attributes.messageId,
      message: message.body,
      publishedAt: message.sentAt,
      now: clock.now(),
      attempts,
      delivered,
      statusCode: result.statusCode,
      response: result.response,
      deadLettered,
    });
  }
}

interface View {
  /** Empty when the delivery belongs to no topic. */
  readonly topicName: string;
  readonly topic: TopicRecord | undefined;
  readonly subscription: SubscriptionRecord | undefined;
  readonly delivery: ReturnType<typeof deliveryOfSubscription> | undefined;
}

/** AWS: requests to confirm have this type whatever the policy says (observed). */
const TEXT_CONTENT_TYPE = 'text/plain; charset=UTF-8';

function policyOf(protocol: string, view: View): RetryPolicy {
  if (protocol === 'http' || protocol === 'https') return view.delivery?.retries ?? HTTP_RETRIES;
  return CUSTOMER_MANAGED_RETRIES;
}

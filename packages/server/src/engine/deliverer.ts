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
import { type DeliveryAttributes, planDeadLetter, type SubscriptionView } from '../domain/sns-fan-out.ts';
import { deliveryOfSubscription } from '../domain/sns-subscription-attributes.ts';
import {
  DELIVERY_PREFIX,
  PHONE_QUEUE,
  subscriptionKeyOfQueue,
  type TopicRecord,
} from '../domain/sns-topic.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Effect, JsonObject, Message, Store } from '../store/store.ts';
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
  readonly senders: Readonly<Record<string, Sender>>;
}

/** Private state of a delivery. */
interface DeliveryState extends JsonObject {
  /** Attempts that failed. */
  n?: number;
}

interface Lane {
  readonly queue: string;
  running: number;
  fetching: boolean;
  /** Something came while the lane was fetching. */
  again: boolean;
  /** More may be waiting than was fetched. */
  more: boolean;
  /** With a limit of receives per second: the earliest instant of the next sending. */
  notBefore: number;
  timer?: { readonly at: number; readonly handle: Timer };
}

/** Sendings at once: to one endpoint, and in all. */
const LANE_WIDTH = 10;
const MAX_RUNNING = 200;
/** Longer than any sending takes: HTTP endpoints have 15 seconds. */
const HOLD_MS = 60_000;
/** Pause after the store refused. */
const RETRY_MS = 1_000;

export class Deliverer {
  readonly #deps: DelivererDeps;
  readonly #lanes = new Map<string, Lane>();
  #running = 0;
  #unsubscribe: (() => void) | undefined;
  #stopped = false;

  constructor(deps: DelivererDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    const { store } = this.#deps;
    this.#unsubscribe = store.onQueueChange((changes) => {
      for (const { queue, dueAt } of changes) {
        if (queue.startsWith(DELIVERY_PREFIX)) this.#expect(this.#laneOf(queue), dueAt);
      }
    });
    for (const { queue, dueAt } of await store.readNextDue(DELIVERY_PREFIX)) {
      this.#expect(this.#laneOf(queue), dueAt);
    }
  }

  /** Begins nothing new; what is under way ends by itself and is repeated if it does not get to its commit. */
  stop(): void {
    this.#stopped = true;
    this.#unsubscribe?.();
    for (const lane of this.#lanes.values()) lane.timer?.handle.cancel();
  }

  #laneOf(queue: string): Lane {
    let lane = this.#lanes.get(queue);
    if (!lane) {
      lane = { queue, running: 0, fetching: false, again: false, more: false, notBefore: 0 };
      this.#lanes.set(queue, lane);
    }
    return lane;
  }

  #expect(lane: Lane, at: number): void {
    if (this.#stopped) return;
    const now = this.#deps.clock.now();
    const from = Math.max(at, lane.notBefore);
    if (from <= now) {
      void this.#fetch(lane);
      return;
    }
    if (lane.timer && lane.timer.at <= from) return;
    lane.timer?.handle.cancel();
    const handle = this.#deps.clock.schedule(from, () => {
      lane.timer = undefined;
      void this.#fetch(lane);
    });
    lane.timer = { at: from, handle };
  }

  async #fetch(lane: Lane): Promise<void> {
    if (this.#stopped) return;
    if (lane.fetching) {
      lane.again = true;
      return;
    }
    const { store, clock, activity, log } = this.#deps;
    const view = this.#viewOf(lane);
    const rate = view?.delivery?.maxReceivesPerSecond;
    const room = Math.min(LANE_WIDTH - lane.running, MAX_RUNNING - this.#running, rate ? 1 : LANE_WIDTH);
    lane.more = room <= 0;
    if (room <= 0) return;
    lane.fetching = true;
    lane.again = false;
    const end = activity.begin();
    try {
      const now = clock.now();
      const messages = await store.receive({ queue: lane.queue, max: room, now, leaseMs: HOLD_MS });
      if (rate && messages.length > 0) lane.notBefore = now + Math.ceil(1000 / rate);
      lane.more = messages.length === room;
      for (const message of messages) this.#run(lane, message, view);
    } catch (error) {
      log.error({ err: error, queue: lane.queue }, 'fetching deliveries failed; it will be tried again');
      this.#expect(lane, clock.now() + RETRY_MS);
    } finally {
      lane.fetching = false;
      end();
    }
    if (lane.again || (lane.more && lane.running < LANE_WIDTH)) this.#expect(lane, clock.now());
    else if (lane.running === 0 && !lane.timer && !lane.more) this.#lanes.delete(lane.queue);
  }

  #run(lane: Lane, message: Message, view: View): void {
    const { activity, log, clock } = this.#deps;
    lane.running++;
    this.#running++;
    const end = activity.begin();
    this.#deliver(message, view)
      .catch((error: unknown) => {
        // The hold runs out and the delivery is repeated.
        log.error(
          { err: error, queue: lane.queue, messageId: message.id },
          'a delivery could not be settled',
        );
      })
      .finally(() => {
        lane.running--;
        this.#running--;
        if (lane.more) this.#expect(lane, clock.now());
        // Others may have waited for room.
        for (const other of this.#lanes.values()) {
          if (other !== lane && other.more && !other.fetching) this.#expect(other, clock.now());
        }
        end();
      });
  }

  #viewOf(lane: Lane): View {
    const key = subscriptionKeyOfQueue(lane.queue);
    const topicName = key.slice(0, key.lastIndexOf(':'));
    const topic = this.#deps.topics.find(topicName);
    const subscription = this.#deps.topics
      .subscriptionsOf(topicName)
      .find(({ record }) => key.endsWith(`:${record.id}`));
    return {
      topicName: lane.queue === PHONE_QUEUE ? '' : topicName,
      topic,
      subscription,
      delivery: topic && subscription ? deliveryOfSubscription(subscription.record, topic) : undefined,
    };
  }

  async #deliver(message: Message, view: View): Promise<void> {
    const { store, clock, random, senders } = this.#deps;
    const attributes = message.attributes as DeliveryAttributes;
    const protocol = attributes.protocol ?? view.subscription?.record.protocol;
    const endpoint = attributes.endpoint ?? view.subscription?.record.endpoint;
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
        })
      : { kind: 'failed', retryable: false, response: `Protocol ${protocol} is not configured.` };
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

  #deadLetter(message: Message, subscription: SubscriptionView, attributes: DeliveryAttributes) {
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
    // Text messages without a topic are always written down: nothing else shows them.
    if (delivered && topicName !== '' && !deliveryLog.wantsSuccess(topic, protocol as never)) return;
    const attributes = message.attributes as DeliveryAttributes;
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
  readonly subscription: SubscriptionView | undefined;
  readonly delivery: ReturnType<typeof deliveryOfSubscription> | undefined;
}

/** AWS: requests to confirm have this type whatever the policy says (observed). */
const TEXT_CONTENT_TYPE = 'text/plain; charset=UTF-8';

function policyOf(protocol: string, view: View): RetryPolicy {
  if (protocol === 'http' || protocol === 'https') return view.delivery?.retries ?? HTTP_RETRIES;
  return CUSTOMER_MANAGED_RETRIES;
}

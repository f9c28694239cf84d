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
  DELIVERY_PREFIX,
  PHONE_QUEUE,
  type SubscriptionRecord,
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

/** What is under way to one endpoint. */
interface Lane {
  readonly queue: string;
  /** Sendings under way, and room taken for those being fetched. */
  taken: number;
  fetching: boolean;
  /** Something may be waiting that was not fetched. */
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
  /** Lanes that found no room, first come first served. */
  readonly #waiting = new Set<Lane>();
  #taken = 0;
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
      lane = { queue, taken: 0, fetching: false, more: false, notBefore: 0 };
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
    lane.more = true;
    if (lane.fetching || lane.taken === LANE_WIDTH) return;
    if (this.#taken === MAX_RUNNING) {
      this.#waiting.add(lane);
      return;
    }
    const { store, clock, activity, log } = this.#deps;
    const view = this.#viewOf(lane);
    const rate = view.delivery?.maxReceivesPerSecond;
    const room = Math.min(LANE_WIDTH - lane.taken, MAX_RUNNING - this.#taken, rate ? 1 : LANE_WIDTH);
    const end = activity.begin();
    lane.fetching = true;
    lane.more = false;
    this.#take(lane, room);
    let messages: readonly Message[] = [];
    try {
      const now = clock.now();
      messages = await store.receive({ queue: lane.queue, max: room, now, leaseMs: HOLD_MS });
      if (rate && messages.length > 0) lane.notBefore = now + Math.ceil(1000 / rate);
      if (messages.length === room) lane.more = true;
      for (const message of messages) this.#run(lane, message, view);
    } catch (error) {
      log.error({ err: error, queue: lane.queue }, 'fetching deliveries failed; it will be tried again');
      this.#expect(lane, clock.now() + RETRY_MS);
    } finally {
      lane.fetching = false;
      this.#take(lane, messages.length - room);
      this.#goOn(lane);
      end();
    }
  }

  #take(lane: Lane, count: number): void {
    lane.taken += count;
    this.#taken += count;
  }

  /** Room became free, or a fetch ended: the lane that waited longest, then this one. */
  #goOn(lane: Lane): void {
    const now = this.#deps.clock.now();
    for (const first of this.#waiting) {
      if (this.#taken === MAX_RUNNING) break;
      this.#waiting.delete(first);
      this.#expect(first, now);
    }
    if (lane.more) this.#expect(lane, now);
    else if (lane.taken === 0 && !lane.fetching) this.#rest(lane);
  }

  /** Nothing is under way: the lane sleeps until its next delivery is due, or ends. */
  #rest(lane: Lane): void {
    if (this.#stopped) return;
    const { store, clock, activity, log } = this.#deps;
    const { timer } = lane;
    const end = activity.begin();
    store
      .readNextDue(lane.queue)
      .then((found) => {
        const next = found.find(({ queue }) => queue === lane.queue);
        // What was expected, not what was announced in the meantime.
        if (timer && lane.timer === timer) {
          timer.handle.cancel();
          lane.timer = undefined;
        }
        if (next) this.#expect(lane, next.dueAt);
        else if (lane.taken === 0 && !lane.fetching && !lane.timer) this.#lanes.delete(lane.queue);
      })
      .catch((error: unknown) => {
        log.error({ err: error, queue: lane.queue }, 'looking for deliveries failed; it will be tried again');
        this.#expect(lane, clock.now() + RETRY_MS);
      })
      .finally(end);
  }

  #run(lane: Lane, message: Message, view: View): void {
    const { activity, log } = this.#deps;
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
        this.#take(lane, -1);
        this.#goOn(lane);
        end();
      });
  }

  #viewOf(lane: Lane): View {
    const { topics } = this.#deps;
    const key = subscriptionKeyOfQueue(lane.queue);
    const topicName = key.slice(0, key.lastIndexOf(':'));
    const topic = topics.find(topicName);
    const subscription = topics.findSubscription(key);
    return {
      topicName: lane.queue === PHONE_QUEUE ? '' : topicName,
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

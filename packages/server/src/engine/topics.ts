/**
 * Publishing: a message is accepted and brought to every local subscriber in one commit. Messages of a FIFO topic are
 * first put in order (and freed of duplicates) in a queue of the topic; `topic-fan-out.ts` takes them from there.
 */
import { compileFilterPolicy, type FilterPolicyScope } from '../domain/filter-policy.ts';
import { notificationToSign, type Signature } from '../domain/sns-envelope.ts';
import {
  type FanOut,
  isSigned,
  planFanOut,
  type SubscriptionView,
  selectSubscriptions,
} from '../domain/sns-fan-out.ts';
import { type CheckedMessage, type Publication, textFor } from '../domain/sns-message.ts';
import { planPublication } from '../domain/sns-publish.ts';
import {
  isFifoTopic,
  SUBSCRIPTIONS,
  type SubscriptionRecord,
  subscriptionPrefix,
  TOPICS,
  type TopicRecord,
} from '../domain/sns-topic.ts';
import { formatSequenceNumber } from '../domain/sqs-fifo.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Random } from '../platform/random.ts';
import type { Effect, Store } from '../store/store.ts';
import type { DeliveryLog, DeliveryReport } from './delivery-log.ts';
import type { TopicSigner } from './topic-signer.ts';

export interface TopicsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly signer: TopicSigner;
  readonly deliveryLog: DeliveryLog;
  readonly endpoint: () => string;
}

export interface Published {
  readonly messageId: string;
  /** FIFO topics. */
  readonly sequenceNumber?: string;
}

export class Topics {
  readonly #deps: TopicsDeps;
  /** Subscriptions of a topic, compiled; forgotten when one of them changes. */
  readonly #views = new Map<string, readonly SubscriptionView[]>();

  constructor(deps: TopicsDeps) {
    this.#deps = deps;
    deps.store.resources.onChange((collection, key) => {
      if (collection === SUBSCRIPTIONS) this.#views.delete(key.slice(0, key.lastIndexOf(':')));
    });
  }

  find(name: string): TopicRecord | undefined {
    return this.#deps.store.resources.get<TopicRecord>(TOPICS, name)?.value;
  }

  /** By `subscriptionKey`. */
  findSubscription(key: string): SubscriptionRecord | undefined {
    return this.#deps.store.resources.get<SubscriptionRecord>(SUBSCRIPTIONS, key)?.value;
  }

  subscriptionsOf(topicName: string): readonly SubscriptionView[] {
    let views = this.#views.get(topicName);
    if (!views) {
      views = this.#deps.store.resources
        .list<SubscriptionRecord>(SUBSCRIPTIONS, subscriptionPrefix(topicName))
        .map(({ value }) => viewSubscription(value));
      this.#views.set(topicName, views);
    }
    return views;
  }

  /** All of the messages, or none: resolves once they are durable. */
  async publish(
    topic: TopicRecord,
    messages: readonly CheckedMessage[],
    traceHeader: string | undefined,
  ): Promise<Published[]> {
    if (isFifoTopic(topic.name)) return this.#enqueue(topic, messages, traceHeader);
    const publications = messages.map((message) => this.#accept(topic, message, traceHeader));
    const plans = await Promise.all(publications.map((publication) => this.plan(topic, publication)));
    await this.#commit(plans.flatMap(({ effects }) => effects));
    for (const [index, plan] of plans.entries()) {
      this.report(topic, publications[index] as Publication, plan);
    }
    return publications.map(({ messageId }) => ({ messageId }));
  }

  /** Effects that bring a message to its subscriptions. FIFO topics do not sign (observed). */
  async plan(topic: TopicRecord, publication: Publication): Promise<FanOut> {
    const selected = selectSubscriptions(this.subscriptionsOf(topic.name), publication);
    const texts = isFifoTopic(topic.name) ? [] : signedTexts(selected, publication);
    const version = versionOf(topic);
    const signatures = await Promise.all(
      texts.map(
        async ([text, protocol]) =>
          [text, await this.#deps.signer.sign(notificationToSign(publication, protocol), version)] as const,
      ),
    );
    return this.#planCopies(selected, publication, new Map(signatures));
  }

  /** Writes the delivery log of copies that were committed. */
  report(topic: TopicRecord, publication: Publication, { delivered, failed }: FanOut): void {
    const { deliveryLog } = this.#deps;
    for (const { subscription, id } of delivered) {
      if (!deliveryLog.wantsSuccess(topic, subscription.protocol)) continue;
      const toFunction = subscription.protocol === 'lambda';
      const response = toFunction ? { lambdaRequestId: id } : { sqsMessageId: id };
      this.#report(topic, publication, subscription, {
        delivered: true,
        statusCode: toFunction ? 202 : 200,
        response: JSON.stringify(response),
      });
    }
    for (const { subscription, code, message, deadLettered } of failed) {
      this.#report(topic, publication, subscription, {
        delivered: false,
        statusCode: 400,
        response: JSON.stringify({ ErrorCode: code, ErrorMessage: message }),
        deadLettered,
      });
    }
  }

  #report(
    topic: TopicRecord,
    publication: Publication,
    { protocol, endpoint }: SubscriptionRecord,
    outcome: Pick<DeliveryReport, 'delivered' | 'statusCode' | 'response' | 'deadLettered'>,
  ): void {
    const { deliveryLog, clock } = this.#deps;
    deliveryLog.report({
      topic,
      topicName: topic.name,
      topicArn: topic.arn,
      protocol,
      destination: endpoint,
      messageId: publication.messageId,
      message: textFor(publication, protocol),
      publishedAt: publication.publishedAt,
      now: clock.now(),
      ...outcome,
    });
  }

  #accept(topic: TopicRecord, message: CheckedMessage, traceHeader: string | undefined): Publication {
    const { ids, clock } = this.#deps;
    return {
      messageId: ids.ordered(),
      topicArn: topic.arn,
      texts: message.texts,
      subject: message.subject,
      attributes: message.attributes,
      publishedAt: clock.now(),
      traceHeader,
      groupId: message.groupId,
      deduplicationId: message.deduplicationId,
    };
  }

  async #enqueue(
    topic: TopicRecord,
    messages: readonly CheckedMessage[],
    traceHeader: string | undefined,
  ): Promise<Published[]> {
    const { ids, clock } = this.#deps;
    const origin = { ids, now: clock.now(), traceHeader };
    const sends = messages.map((message) => planPublication(topic, message, origin));
    const sent = await this.#commit(sends);
    return sent.map(({ receipt }) => ({
      messageId: receipt.id,
      sequenceNumber: formatSequenceNumber(receipt.seq),
    }));
  }

  #planCopies(
    selected: readonly SubscriptionView[],
    publication: Publication,
    signatures: ReadonlyMap<string, Signature>,
  ): FanOut {
    const { store, ids, random, clock, endpoint } = this.#deps;
    return planFanOut(selected, publication, {
      resources: store.resources,
      ids,
      random,
      now: clock.now(),
      endpoint: endpoint(),
      signatureFor: (protocol) => signatures.get(textFor(publication, protocol)),
    });
  }

  async #commit(effects: readonly Effect[]) {
    if (effects.length === 0) return [];
    const result = await this.#deps.store.commit(effects);
    if (result.kind === 'conflict') throw new Error(`a publication met a conflict: ${result.reason}`);
    return result.sent;
  }
}

function versionOf(topic: TopicRecord): Signature['version'] {
  return topic.attributes.SignatureVersion === '2' ? '2' : '1';
}

/** Each different text once, with a protocol that gets it. */
function signedTexts(selected: readonly SubscriptionView[], publication: Publication): [string, string][] {
  const texts = new Map<string, string>();
  for (const view of selected) {
    if (isSigned(view)) texts.set(textFor(publication, view.record.protocol), view.record.protocol);
  }
  return [...texts];
}

function viewSubscription(record: SubscriptionRecord): SubscriptionView {
  const { FilterPolicy, FilterPolicyScope, RawMessageDelivery } = record.attributes;
  const scope = (FilterPolicyScope ?? 'MessageAttributes') as FilterPolicyScope;
  return {
    record,
    raw: RawMessageDelivery === 'true',
    filter: FilterPolicy === undefined ? undefined : compileFilterPolicy(FilterPolicy, scope),
  };
}

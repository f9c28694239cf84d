/**
 * Subscribe, ConfirmSubscription, Unsubscribe. Queues, functions and phones are subscribed at once; HTTP endpoints
 * and mail addresses have to confirm, with a token that is sent to them.
 */
import type {
  ConfirmSubscriptionInput,
  ConfirmSubscriptionResponse,
  SubscribeInput,
  SubscribeResponse,
  UnsubscribeInput,
} from '@aws-sdk/client-sns';
import { isRefusal } from '../../../domain/refusal.ts';
import { type Confirmation, confirmationToSign, confirmUrl } from '../../../domain/sns-envelope.ts';
import { planConfirmation } from '../../../domain/sns-fan-out.ts';
import { checkEndpoint, updateSubscriptionAttributes } from '../../../domain/sns-subscription-attributes.ts';
import {
  deliveryQueue,
  type Protocol,
  SUBSCRIPTIONS,
  type SubscriptionRecord,
  subscriptionKey,
  TOKEN_VALID_MS,
  TOPICS,
  type TopicRecord,
} from '../../../domain/sns-topic.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { Effect, Resource } from '../../../store/store.ts';
import {
  findSubscription,
  invalidParameter,
  raise,
  requireTopic,
  type SnsDeps,
  topicNotFound,
} from '../deps.ts';
import { REMOVED, type RemovedSubscription, removedKey } from '../removed.ts';

/** What AWS answers in place of an ARN. */
const PENDING = 'pending confirmation';
const NEEDS_CONFIRMATION: readonly Protocol[] = ['http', 'https', 'email', 'email-json'];

export function subscribe(deps: SnsDeps): Handler<SubscribeInput, SubscribeResponse> {
  return async (input, context) => {
    const { value: topic } = requireTopic(deps, input.TopicArn);
    const protocol = checkEndpoint(input.Protocol ?? '', input.Endpoint, topic.name);
    if (isRefusal(protocol)) raise(protocol);
    if (protocol.startsWith('email') && !deps.engine.sendsMail) {
      throw invalidParameter(
        'Protocol Reason: email needs an SMTP server, and this server was started without one',
      );
    }
    const endpoint = input.Endpoint as string;
    const given = (input.Attributes ?? {}) as Record<string, string>;
    const attributes = updateSubscriptionAttributes({ topicName: topic.name, protocol, endpoint }, {}, given);
    if (isRefusal(attributes)) {
      throw new ApiError(
        attributes.error,
        attributes.message.replace('Invalid parameter: ', 'Invalid parameter: Attributes Reason: '),
      );
    }
    const existing = deps.engine.topics
      .subscriptionsOf(topic.name)
      .find(({ record }) => record.protocol === protocol && record.endpoint === endpoint)?.record;
    if (existing && Object.entries(attributes).some(([name, value]) => existing.attributes[name] !== value)) {
      throw invalidParameter('Attributes Reason: Subscription already exists with different attributes');
    }
    const record = existing ?? createRecord(deps, topic, protocol, endpoint, attributes, context.callerArn);
    const effects: Effect[] = existing
      ? []
      : [
          {
            kind: 'put',
            collection: SUBSCRIPTIONS,
            key: subscriptionKey(topic.name, record.id),
            value: record,
          },
        ];
    // Subscribing again sends a new request to confirm.
    if (record.pending) effects.push(await requestConfirmation(deps, topic, record));
    if (effects.length > 0) await deps.store.commit(effects);
    return { SubscriptionArn: record.pending && !input.ReturnSubscriptionArn ? PENDING : record.arn };
  };
}

function createRecord(
  deps: SnsDeps,
  topic: TopicRecord,
  protocol: Protocol,
  endpoint: string,
  attributes: Record<string, string>,
  principal: string,
): SubscriptionRecord {
  const id = deps.ids.uuid();
  const now = deps.clock.now();
  const waits = NEEDS_CONFIRMATION.includes(protocol);
  return {
    id,
    arn: `${topic.arn}:${id}`,
    topicArn: topic.arn,
    topicName: topic.name,
    protocol,
    endpoint,
    createdAt: now,
    principal,
    attributes,
    confirmationWasAuthenticated: !waits,
    ...(waits ? { pending: { token: createToken(deps, id), since: now } } : {}),
  };
}

/** Names the subscription, so that confirming twice can be answered; the rest is chance. */
function createToken(deps: SnsDeps, id: string): string {
  return id.replaceAll('-', '') + deps.random.bytes(TOKEN_SECRET_BYTES).toString('hex');
}
const TOKEN_SECRET_BYTES = 32;
const TOKEN = /^[0-9a-f]{96}$/;

function idOfToken(token: string): string {
  return token.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

async function requestConfirmation(
  deps: SnsDeps,
  topic: TopicRecord,
  record: SubscriptionRecord,
  type: Confirmation['type'] = 'SubscriptionConfirmation',
): Promise<Effect> {
  const token = record.pending?.token as string;
  const now = deps.clock.now();
  const confirmation: Confirmation = {
    type,
    messageId: deps.ids.ordered(),
    token,
    topicArn: topic.arn,
    subscriptionArn: record.arn,
    subscribeUrl: confirmUrl(deps.endpoint(), topic.arn, token),
    sentAt: now,
  };
  const version = topic.attributes.SignatureVersion === '2' ? '2' : '1';
  const signature = await deps.engine.signer.sign(confirmationToSign(confirmation), version);
  return planConfirmation(record, confirmation, signature, { ids: deps.ids, now });
}

export function confirmSubscription(
  deps: SnsDeps,
): Handler<ConfirmSubscriptionInput, ConfirmSubscriptionResponse> {
  const { store, clock } = deps;
  return async (input, context) => {
    const topic = topicToConfirm(deps, input.TopicArn);
    const token = input.Token ?? '';
    if (!TOKEN.test(token)) throw invalidParameter('Token');
    if (!topic) throw topicNotFound();
    const authenticated = context.accessKeyId !== undefined;
    const key = subscriptionKey(topic.name, idOfToken(token));
    for (;;) {
      const current = findToConfirm(deps, key, token);
      if (!current) throw new ApiError('InvalidParameterException', 'Invalid token');
      const { pending, ...record } = current.value;
      // Confirmed already: any token that names it will do (observed).
      if (!pending) return { SubscriptionArn: record.arn };
      if (pending.token !== token || clock.now() - pending.since > TOKEN_VALID_MS) {
        throw new ApiError('InvalidParameterException', 'Invalid token');
      }
      const value: SubscriptionRecord = {
        ...(record as SubscriptionRecord),
        confirmationWasAuthenticated: authenticated,
        guarded: input.AuthenticateOnUnsubscribe === 'true' || undefined,
      };
      const result = await store.commit([
        { kind: 'put', collection: SUBSCRIPTIONS, key, value, ifVersion: current.version },
        { kind: 'remove', collection: REMOVED, key: removedKey(value) },
      ]);
      if (result.kind === 'committed') return { SubscriptionArn: value.arn };
    }
  };
}

/** `undefined`: there is no such topic. AWS looks at the token before it says so (observed). */
function topicToConfirm(deps: SnsDeps, arn: string | undefined): TopicRecord | undefined {
  const [, , service, region, , name] = (arn ?? '').split(':');
  if (service !== 'sns' || region !== deps.region || !name) throw invalidParameter('Topic');
  return deps.store.resources.get<TopicRecord>(TOPICS, name)?.value;
}

/** A subscription, or one that was unsubscribed lately and may be restored with the token sent then. */
function findToConfirm(deps: SnsDeps, key: string, token: string): Resource<SubscriptionRecord> | undefined {
  const { resources } = deps.store;
  const subscription = resources.get<SubscriptionRecord>(SUBSCRIPTIONS, key);
  if (subscription) return subscription;
  const removed = resources.get<RemovedSubscription>(REMOVED, key)?.value.record;
  return removed?.pending?.token === token ? { key, version: 0, value: removed } : undefined;
}

export function unsubscribe(deps: SnsDeps): Handler<UnsubscribeInput, Record<string, never>> {
  return async (input, context) => {
    const current = findSubscription(deps, input.SubscriptionArn ?? '');
    // Nothing to do, and no error (observed).
    if (!current) return {};
    const { value: record } = current;
    if (record.guarded && context.accessKeyId === undefined) {
      throw new ApiError(
        'AuthorizationErrorException',
        'This subscription can be removed only with an authenticated call.',
      );
    }
    const { value: topic, version } = requireTopic(deps, record.topicArn);
    const effects: Effect[] = [
      { kind: 'remove', collection: SUBSCRIPTIONS, key: current.key },
      {
        kind: 'put',
        collection: TOPICS,
        key: topic.name,
        value: { ...topic, deletedSubscriptions: topic.deletedSubscriptions + 1 },
        ifVersion: version,
      },
    ];
    if (!record.pending && NEEDS_CONFIRMATION.includes(record.protocol)) {
      effects.push(...(await offerRestore(deps, topic, record)));
    } else effects.push({ kind: 'clear', queue: deliveryQueue(record) });
    const result = await deps.store.commit(effects);
    return result.kind === 'committed' ? {} : unsubscribe(deps)(input, context);
  };
}

/** HTTP endpoints are told, and can come back with the token they get. */
async function offerRestore(
  deps: SnsDeps,
  topic: TopicRecord,
  record: SubscriptionRecord,
): Promise<Effect[]> {
  if (record.protocol !== 'http' && record.protocol !== 'https') {
    return [{ kind: 'clear', queue: deliveryQueue(record) }];
  }
  const now = deps.clock.now();
  const restorable: SubscriptionRecord = {
    ...record,
    pending: { token: createToken(deps, record.id), since: now },
  };
  const removed: RemovedSubscription = { removedAt: now, record: restorable };
  return [
    { kind: 'put', collection: REMOVED, key: removedKey(record), value: removed },
    await requestConfirmation(deps, topic, restorable, 'UnsubscribeConfirmation'),
  ];
}

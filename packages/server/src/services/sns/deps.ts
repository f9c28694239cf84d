/** What the operations of SNS stand on, and the look-ups that most of them share. */
import { isRefusal, type Refusal } from '../../domain/refusal.ts';
import {
  keyOfSubscriptionArn,
  SUBSCRIPTIONS,
  type SubscriptionRecord,
  TOPICS,
  type TopicRecord,
} from '../../domain/sns-topic.ts';
import type { TopicEngine } from '../../engine/topic-engine.ts';
import type { Activity } from '../../platform/activity.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Log } from '../../platform/log.ts';
import type { Random } from '../../platform/random.ts';
import { ApiError } from '../../protocol/error.ts';
import type { JsonObject, Resource, Store, Unit } from '../../store/store.ts';

export interface SnsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly activity: Activity;
  readonly log: Log;
  readonly region: string;
  readonly accountId: string;
  readonly engine: Pick<TopicEngine, 'topics' | 'signer' | 'sendsMail'>;
  /** Where this server is reached, for links in messages. */
  readonly endpoint: () => string;
}

export function raise(refusal: Refusal): never {
  throw new ApiError(refusal.error, refusal.message);
}

export function unwrap<T>(value: T | Refusal): T {
  return isRefusal(value) ? raise(value) : value;
}

export function invalidParameter(message: string): ApiError {
  return new ApiError('InvalidParameterException', `Invalid parameter: ${message}`);
}

export function topicNotFound(): ApiError {
  return new ApiError('NotFoundException', 'Topic does not exist');
}

/** Elements that AWS wants of an ARN. */
const ARN_ELEMENTS = 6;

/** Name of the topic of an ARN; refuses what is no ARN, or one of another region or account. */
export function topicNameOf(deps: SnsDeps, arn: string | undefined, parameter = 'TopicArn'): string {
  const parts = (arn ?? '').split(':');
  if (parts.length < ARN_ELEMENTS) {
    throw invalidParameter(
      `${parameter} Reason: An ARN must have at least ${ARN_ELEMENTS} elements, not ${parts.length}`,
    );
  }
  const [, , service, region, account, name] = parts;
  if (service !== 'sns' || region !== deps.region || !name) throw invalidParameter(parameter);
  if (account !== deps.accountId) throw topicNotFound();
  return name;
}

export function requireTopic(
  deps: SnsDeps,
  arn: string | undefined,
  parameter?: string,
): Resource<TopicRecord> {
  const topic = deps.store.resources.get<TopicRecord>(TOPICS, topicNameOf(deps, arn, parameter));
  if (!topic) throw topicNotFound();
  return topic;
}

export function findSubscription(deps: SnsDeps, arn: string): Resource<SubscriptionRecord> | undefined {
  if (arn === '') throw invalidParameter('SubscriptionArn Reason: no value for required parameter');
  const parts = arn.split(':');
  if (parts.length < ARN_ELEMENTS) {
    throw invalidParameter(
      `SubscriptionArn Reason: An ARN must have at least ${ARN_ELEMENTS} elements, not ${parts.length}`,
    );
  }
  const key = keyOfSubscriptionArn(arn);
  if (key === undefined) throw invalidParameter('SubscriptionId');
  return deps.store.resources.get<SubscriptionRecord>(SUBSCRIPTIONS, key);
}

export function requireSubscription(deps: SnsDeps, arn: string | undefined): Resource<SubscriptionRecord> {
  const subscription = findSubscription(deps, arn ?? '');
  if (!subscription) throw new ApiError('NotFoundException', 'Subscription does not exist');
  return subscription;
}

/** Changes a record, again on the newer one when someone else changed it in between. */
export async function updateRecord<T extends JsonObject>(
  deps: SnsDeps,
  read: () => { readonly collection: string; readonly current: Resource<T> },
  plan: (value: T) => { readonly value: T; readonly also?: Unit },
): Promise<void> {
  for (;;) {
    const { collection, current } = read();
    const { value, also = [] } = plan(current.value);
    const result = await deps.store.commit([
      { kind: 'put', collection, key: current.key, value, ifVersion: current.version },
      ...also,
    ]);
    if (result.kind === 'committed') return;
  }
}

export function updateTopic(
  deps: SnsDeps,
  arn: string | undefined,
  plan: (topic: TopicRecord) => TopicRecord,
  parameter?: string,
): Promise<void> {
  return updateRecord(
    deps,
    () => ({ collection: TOPICS, current: requireTopic(deps, arn, parameter) }),
    (topic) => ({ value: plan(topic) }),
  );
}

/** CreateTopic, DeleteTopic, ListTopics, GetTopicAttributes, SetTopicAttributes. */
import type {
  CreateTopicInput,
  CreateTopicResponse,
  DeleteTopicInput,
  GetTopicAttributesInput,
  GetTopicAttributesResponse,
  ListTopicsInput,
  ListTopicsResponse,
  SetTopicAttributesInput,
} from '@aws-sdk/client-sns';
import {
  deliveryQueue,
  SUBSCRIPTIONS,
  type SubscriptionRecord,
  subscriptionPrefix,
  TOPICS,
  type TopicRecord,
  topicArn,
  topicQueue,
} from '../../../domain/sns-topic.ts';
import { checkTopicAttribute, checkTopicName, describeTopic } from '../../../domain/sns-topic-attributes.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { Effect } from '../../../store/store.ts';
import {
  invalidParameter,
  raise,
  requireTopic,
  type SnsDeps,
  topicNameOf,
  unwrap,
  updateTopic,
} from '../deps.ts';
import { pageOf } from '../pages.ts';
import { readTags } from './tags.ts';

type Nothing = Record<string, never>;

export function createTopic(deps: SnsDeps): Handler<CreateTopicInput, CreateTopicResponse> {
  const { store, region, accountId, clock } = deps;
  return async (input) => {
    const name = input.Name ?? '';
    const { FifoTopic, ...given } = (input.Attributes ?? {}) as Record<string, string>;
    const badName = checkTopicName(name, FifoTopic === 'true');
    if (badName) raise(badName);
    const attributes: Record<string, string> = {};
    for (const [attribute, value] of Object.entries(given)) {
      const checked = unwrap(checkTopicAttribute(attribute, value, name));
      if (checked !== '') attributes[attribute] = checked;
    }
    const tags = readTags(input.Tags);
    const arn = topicArn(region, accountId, name);
    for (;;) {
      const existing = store.resources.get<TopicRecord>(TOPICS, name);
      if (existing) {
        checkSame(existing.value, attributes, input.Tags ? tags : undefined);
        return { TopicArn: arn };
      }
      const topic: TopicRecord = {
        name,
        arn,
        createdAt: clock.now(),
        attributes,
        tags,
        deletedSubscriptions: 0,
      };
      const result = await store.commit([
        { kind: 'put', collection: TOPICS, key: name, value: topic, ifVersion: 0 },
      ]);
      if (result.kind === 'committed') return { TopicArn: arn };
    }
  };
}

/** A topic that exists is given back, unless it was asked for with something else. */
function checkSame(
  topic: TopicRecord,
  attributes: Readonly<Record<string, string>>,
  tags: Readonly<Record<string, string>> | undefined,
): void {
  const differs = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>) =>
    Object.entries(a).some(([name, value]) => b[name] !== value);
  if (tags && (differs(tags, topic.tags) || differs(topic.tags, tags))) {
    throw invalidParameter('Tags Reason: Topic already exists with different tags');
  }
  if (differs(attributes, topic.attributes)) {
    throw invalidParameter('Attributes Reason: Topic already exists with different attributes');
  }
}

/** The topic, its subscriptions and what waits for them go in one commit. */
export function deleteTopic(deps: SnsDeps): Handler<DeleteTopicInput, Nothing> {
  return async (input) => {
    const name = topicNameOf(deps, input.TopicArn);
    const subscriptions = deps.store.resources.list<SubscriptionRecord>(
      SUBSCRIPTIONS,
      subscriptionPrefix(name),
    );
    await deps.store.commit([
      { kind: 'remove', collection: TOPICS, key: name },
      { kind: 'clear', queue: topicQueue(name) },
      ...subscriptions.flatMap(({ key, value }): Effect[] => [
        { kind: 'remove', collection: SUBSCRIPTIONS, key },
        { kind: 'clear', queue: deliveryQueue(value) },
      ]),
    ]);
    return {};
  };
}

export function listTopics(deps: SnsDeps): Handler<ListTopicsInput, ListTopicsResponse> {
  return (input) => {
    const page = pageOf(deps.store.resources.list<TopicRecord>(TOPICS), input.NextToken);
    return { Topics: page.items.map(({ value }) => ({ TopicArn: value.arn })), NextToken: page.nextToken };
  };
}

export function getTopicAttributes(
  deps: SnsDeps,
): Handler<GetTopicAttributesInput, GetTopicAttributesResponse> {
  return (input) => {
    const { value: topic } = requireTopic(deps, input.TopicArn);
    const subscriptions = deps.engine.topics.subscriptionsOf(topic.name);
    const pending = subscriptions.filter(({ record }) => record.pending).length;
    const counts = { pending, confirmed: subscriptions.length - pending };
    return { Attributes: describeTopic(topic, deps.accountId, counts) };
  };
}

export function setTopicAttributes(deps: SnsDeps): Handler<SetTopicAttributesInput, Nothing> {
  return async (input) => {
    const name = input.AttributeName ?? '';
    await updateTopic(deps, input.TopicArn, (topic) => {
      const value = unwrap(checkTopicAttribute(name, input.AttributeValue ?? '', topic.name));
      const { [name]: _, ...others } = topic.attributes;
      return { ...topic, attributes: value === '' ? others : { ...others, [name]: value } };
    });
    return {};
  };
}

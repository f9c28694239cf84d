/** ListSubscriptions, ListSubscriptionsByTopic, GetSubscriptionAttributes, SetSubscriptionAttributes. */
import type {
  GetSubscriptionAttributesInput,
  GetSubscriptionAttributesResponse,
  ListSubscriptionsByTopicInput,
  ListSubscriptionsInput,
  ListSubscriptionsResponse,
  SetSubscriptionAttributesInput,
} from '@aws-sdk/client-sns';
import {
  describeSubscription,
  updateSubscriptionAttributes,
} from '../../../domain/sns-subscription-attributes.ts';
import {
  SUBSCRIPTIONS,
  type SubscriptionRecord,
  subscriptionPrefix,
  TOPICS,
  type TopicRecord,
} from '../../../domain/sns-topic.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { requireSubscription, requireTopic, type SnsDeps, unwrap, updateRecord } from '../deps.ts';
import { pageOf } from '../pages.ts';

/** In place of the ARN of a subscription that nobody has confirmed. */
const PENDING = 'PendingConfirmation';

export function listSubscriptions(deps: SnsDeps): Handler<ListSubscriptionsInput, ListSubscriptionsResponse> {
  return (input) => list(deps, '', input.NextToken);
}

export function listSubscriptionsByTopic(
  deps: SnsDeps,
): Handler<ListSubscriptionsByTopicInput, ListSubscriptionsResponse> {
  return (input) => {
    const { value: topic } = requireTopic(deps, input.TopicArn);
    return list(deps, subscriptionPrefix(topic.name), input.NextToken);
  };
}

function list(deps: SnsDeps, prefix: string, token: string | undefined): ListSubscriptionsResponse {
  const page = pageOf(deps.store.resources.list<SubscriptionRecord>(SUBSCRIPTIONS, prefix), token);
  return {
    Subscriptions: page.items.map(({ value }) => ({
      SubscriptionArn: value.pending ? PENDING : value.arn,
      Owner: deps.accountId,
      Protocol: value.protocol,
      Endpoint: value.endpoint,
      TopicArn: value.topicArn,
    })),
    NextToken: page.nextToken,
  };
}

export function getSubscriptionAttributes(
  deps: SnsDeps,
): Handler<GetSubscriptionAttributesInput, GetSubscriptionAttributesResponse> {
  return (input) => {
    const { value } = requireSubscription(deps, input.SubscriptionArn);
    const topic = deps.store.resources.get<TopicRecord>(TOPICS, value.topicName)?.value;
    return { Attributes: describeSubscription(value, topic, deps.accountId) };
  };
}

export function setSubscriptionAttributes(
  deps: SnsDeps,
): Handler<SetSubscriptionAttributesInput, Record<string, never>> {
  return async (input) => {
    const name = input.AttributeName ?? '';
    await updateRecord(
      deps,
      () => ({ collection: SUBSCRIPTIONS, current: requireSubscription(deps, input.SubscriptionArn) }),
      (record) => ({
        value: {
          ...record,
          attributes: unwrap(
            updateSubscriptionAttributes(record, record.attributes, { [name]: input.AttributeValue ?? '' }),
          ),
        },
      }),
    );
    return {};
  };
}

/** `AWS::SNS::Topic`: made when it is not there; subscriptions that are missing are added. */
import type { Json } from '../store/store.ts';
import type { ResourceContext, ResourceResult } from './deploy.ts';

export async function deployTopic(
  properties: Record<string, Json | undefined>,
  { call, defaultName, region, accountId }: ResourceContext,
): Promise<ResourceResult> {
  const name = String(properties.TopicName ?? defaultName);
  const known = await isThere(call, `arn:aws:sns:${region}:${accountId}:${name}`);
  const { TopicArn: arn } = (await call('sns', 'CreateTopic', {
    Name: name,
    Attributes:
      properties.DisplayName === undefined ? undefined : { DisplayName: String(properties.DisplayName) },
  })) as { TopicArn: string };
  const { Subscriptions: subscribed = [] } = (await call('sns', 'ListSubscriptionsByTopic', {
    TopicArn: arn,
  })) as {
    Subscriptions?: { Protocol: string; Endpoint: string }[];
  };
  const wanted = (properties.Subscription ?? []) as { Protocol: string; Endpoint: string }[];
  const missing = wanted.filter(
    ({ Protocol, Endpoint }) =>
      !subscribed.some((other) => other.Protocol === Protocol && other.Endpoint === Endpoint),
  );
  for (const { Protocol, Endpoint } of missing)
    await call('sns', 'Subscribe', { TopicArn: arn, Protocol, Endpoint });
  return {
    ref: arn,
    attributes: { TopicArn: arn, TopicName: name },
    change: !known ? 'created' : missing.length > 0 ? 'updated' : 'unchanged',
  };
}

async function isThere(call: ResourceContext['call'], arn: string): Promise<boolean> {
  try {
    await call('sns', 'GetTopicAttributes', { TopicArn: arn });
    return true;
  } catch (error) {
    if ((error as Error).name === 'NotFoundException') return false;
    throw error;
  }
}

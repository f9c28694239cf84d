/**
 * Attributes of topics: which may be set, and what they read as.
 * Source: CreateTopic, SetTopicAttributes and GetTopicAttributes in the API reference; defaults and wording observed.
 */
import { HTTP_RETRIES, type RetryPolicy, readRetryPolicy } from './delivery-policy.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { isFifoTopic, type TopicRecord } from './sns-topic.ts';
import { checkPolicyDocument } from './sqs-policy.ts';

export type Attributes = { [name: string]: string };

const invalid = (message: string) => refuse('InvalidParameterException', `Invalid parameter: ${message}`);

const FEEDBACK =
  /^(HTTP|Firehose|Lambda|Application|SQS)(SuccessFeedbackRoleArn|SuccessFeedbackSampleRate|FailureFeedbackRoleArn)$/;
const MAX_DISPLAY_NAME_CHARS = 100;
const DEFAULT_CONTENT_TYPE = 'text/plain; charset=UTF-8';

/** The value to store (empty: unset), or why it is refused. */
export function checkTopicAttribute(name: string, value: string, topicName: string): string | Refusal {
  switch (name) {
    case 'DisplayName':
      return value.length <= MAX_DISPLAY_NAME_CHARS ? value : invalid('DisplayName');
    case 'Policy':
      return value === '' || !checkPolicyDocument(value) ? value : invalid('Policy Error: null');
    case 'DeliveryPolicy':
      return checkTopicDeliveryPolicy(value);
    case 'SignatureVersion':
      return value === '1' || value === '2' ? value : invalid('SignatureVersion');
    case 'TracingConfig':
      return value === 'PassThrough' || value === 'Active' ? value : invalid('TracingConfig');
    case 'KmsMasterKeyId':
      return value;
    case 'ContentBasedDeduplication':
      if (!isFifoTopic(topicName)) {
        return invalid('Content-based deduplication can only be set for FIFO topics');
      }
      return value === 'true' || value === 'false' ? value : invalid('ContentBasedDeduplication');
    case 'FifoThroughputScope':
      if (!isFifoTopic(topicName)) return invalid('FifoThroughputScope can only be set for FIFO topics');
      return value === 'Topic' || value === 'MessageGroup' ? value : invalid('FifoThroughputScope');
    case 'ArchivePolicy':
      return invalid('ArchivePolicy Reason: message archiving and replay are not supported here');
    default:
      return FEEDBACK.test(name) ? value : invalid('AttributeName');
  }
}

interface HttpPolicy {
  defaultHealthyRetryPolicy?: unknown;
  disableSubscriptionOverrides?: unknown;
  defaultThrottlePolicy?: { maxReceivesPerSecond?: unknown };
  defaultRequestPolicy?: { headerContentType?: unknown };
}

function checkTopicDeliveryPolicy(text: string): string | Refusal {
  if (text === '') return '';
  let parsed: { http?: HttpPolicy };
  try {
    parsed = JSON.parse(text) as { http?: HttpPolicy };
  } catch {
    return invalid('DeliveryPolicy: failed to parse JSON');
  }
  // Observed: an empty policy takes the old one away.
  if (typeof parsed !== 'object' || parsed === null || parsed.http === undefined || parsed.http === null)
    return '';
  const { http } = parsed;
  if (http.defaultHealthyRetryPolicy) {
    const policy = readRetryPolicy(http.defaultHealthyRetryPolicy, 'http.defaultHealthyRetryPolicy');
    if (isRefusal(policy)) return policy;
  }
  const throttle = http.defaultThrottlePolicy?.maxReceivesPerSecond;
  if (throttle !== undefined && !isRate(throttle)) {
    return invalid(
      'DeliveryPolicy: http.defaultThrottlePolicy.maxReceivesPerSecond must be an integer greater than 0',
    );
  }
  const contentType = http.defaultRequestPolicy?.headerContentType;
  if (contentType !== undefined && !isContentType(contentType)) {
    return invalid(
      'DeliveryPolicy: http.defaultRequestPolicy.headerContentType is not a supported content type',
    );
  }
  // Members that are null are left out, and one is always there (observed).
  const kept = Object.fromEntries(Object.entries(http).filter(([, value]) => value !== null));
  return JSON.stringify({
    http: { ...kept, disableSubscriptionOverrides: http.disableSubscriptionOverrides === true },
  });
}

export function isRate(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1;
}

/** Anything that a header can carry. AWS has a list; new types keep coming. */
export function isContentType(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.+-]+\/[\w.+-]+(\s*;\s*[\w-]+=[\w.+"-]+)*$/.test(value);
}

/** What holds for HTTP subscriptions of the topic unless they say otherwise. */
export interface TopicDelivery {
  readonly retries: RetryPolicy;
  readonly maxReceivesPerSecond?: number;
  readonly contentType: string;
  readonly overridesDisabled: boolean;
}

export function deliveryOfTopic(topic: TopicRecord): TopicDelivery {
  const text = topic.attributes.DeliveryPolicy;
  const http = text ? (JSON.parse(text) as { http: HttpPolicy }).http : {};
  const retries = http.defaultHealthyRetryPolicy
    ? readRetryPolicy(http.defaultHealthyRetryPolicy, '')
    : HTTP_RETRIES;
  return {
    retries: isRefusal(retries) ? HTTP_RETRIES : retries,
    maxReceivesPerSecond: http.defaultThrottlePolicy?.maxReceivesPerSecond as number | undefined,
    contentType: (http.defaultRequestPolicy?.headerContentType as string | undefined) ?? DEFAULT_CONTENT_TYPE,
    overridesDisabled: http.disableSubscriptionOverrides === true,
  };
}

export interface SubscriptionCounts {
  readonly confirmed: number;
  readonly pending: number;
}

/** Everything GetTopicAttributes shows. */
export function describeTopic(topic: TopicRecord, accountId: string, counts: SubscriptionCounts): Attributes {
  const delivery = deliveryOfTopic(topic);
  const fifo = isFifoTopic(topic.name);
  const effective = {
    http: {
      defaultHealthyRetryPolicy: delivery.retries,
      disableSubscriptionOverrides: delivery.overridesDisabled,
      ...(delivery.maxReceivesPerSecond
        ? { defaultThrottlePolicy: { maxReceivesPerSecond: delivery.maxReceivesPerSecond } }
        : {}),
      defaultRequestPolicy: { headerContentType: delivery.contentType },
    },
  };
  return {
    TopicArn: topic.arn,
    Owner: accountId,
    DisplayName: '',
    Policy: defaultPolicy(topic.arn, accountId),
    EffectiveDeliveryPolicy: JSON.stringify(effective),
    SubscriptionsConfirmed: String(counts.confirmed),
    SubscriptionsPending: String(counts.pending),
    SubscriptionsDeleted: String(topic.deletedSubscriptions),
    ...(fifo ? { FifoTopic: 'true', ContentBasedDeduplication: 'false' } : {}),
    ...topic.attributes,
  };
}

export function defaultPolicy(arn: string, accountId: string): string {
  return JSON.stringify({
    Version: '2008-10-17',
    Id: '__default_policy_ID',
    Statement: [
      {
        Sid: '__default_statement_ID',
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: [
          'SNS:GetTopicAttributes',
          'SNS:SetTopicAttributes',
          'SNS:AddPermission',
          'SNS:RemovePermission',
          'SNS:DeleteTopic',
          'SNS:Subscribe',
          'SNS:ListSubscriptionsByTopic',
          'SNS:Publish',
        ],
        Resource: arn,
        Condition: { StringEquals: { 'AWS:SourceOwner': accountId } },
      },
    ],
  });
}

const NAME = /^[A-Za-z0-9_-]{1,256}$/;
const FIFO_NAME = /^[A-Za-z0-9_-]{1,251}\.fifo$/;

export function checkTopicName(name: string, fifo: boolean): Refusal | undefined {
  if (fifo) {
    return FIFO_NAME.test(name)
      ? undefined
      : invalid(
          'Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.',
        );
  }
  return NAME.test(name) ? undefined : invalid('Topic Name');
}

/**
 * Attributes and endpoints of subscriptions: what may be set, what it reads as, and what it means for deliveries.
 * Source: Subscribe and SetSubscriptionAttributes in the API reference; wording observed.
 */
import { parseArn } from './arn.ts';
import { type RetryPolicy, readRetryPolicy } from './delivery-policy.ts';
import { checkFilterPolicy, type FilterPolicyScope } from './filter-policy.ts';
import { describeJsonFault } from './filter-policy-syntax.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { isFifoTopic, type Protocol, type SubscriptionRecord, type TopicRecord } from './sns-topic.ts';
import { deliveryOfTopic, isContentType, isRate, type TopicDelivery } from './sns-topic-attributes.ts';
import { isFifoName, parseQueueArn } from './sqs-queue.ts';

type Attributes = { [name: string]: string };

const invalid = (message: string) => refuse('InvalidParameterException', `Invalid parameter: ${message}`);

/** The part of a subscription that its attributes depend on. */
export interface SubscriptionPlace {
  readonly topicName: string;
  readonly protocol: Protocol;
  readonly endpoint: string;
}

const NAMES = [
  'DeliveryPolicy',
  'FilterPolicy',
  'FilterPolicyScope',
  'RawMessageDelivery',
  'RedrivePolicy',
  'SubscriptionRoleArn',
];
const RAW_PROTOCOLS: readonly Protocol[] = ['sqs', 'http', 'https'];

/** The attributes after setting some of them, or why that is refused. */
export function updateSubscriptionAttributes(
  place: SubscriptionPlace,
  current: Readonly<Attributes>,
  input: Readonly<Attributes>,
): Attributes | Refusal {
  const next: Attributes = { ...current };
  for (const [name, value] of Object.entries(input)) {
    const checked = checkAttribute(place, name, value);
    if (isRefusal(checked)) return checked;
    if (checked === '') delete next[name];
    else next[name] = checked;
  }
  if (next.FilterPolicy !== undefined) {
    const scope = (next.FilterPolicyScope ?? 'MessageAttributes') as FilterPolicyScope;
    const refusal = checkFilterPolicy(next.FilterPolicy, scope);
    if (refusal) return refusal;
  }
  return next;
}

function checkAttribute(place: SubscriptionPlace, name: string, value: string): string | Refusal {
  if (name === 'ReplayPolicy') {
    return invalid('ReplayPolicy Reason: message archiving and replay are not supported here');
  }
  if (!NAMES.includes(name)) return invalid('AttributeName');
  switch (name) {
    case 'RawMessageDelivery': {
      const lower = value.toLowerCase();
      if (lower !== 'true' && lower !== 'false') {
        return invalid(`RawMessageDelivery: Invalid value [${value}]. Must be true or false.`);
      }
      if (lower === 'true' && !RAW_PROTOCOLS.includes(place.protocol)) {
        return invalid(`Delivery protocol [${place.protocol}] does not support raw message delivery.`);
      }
      return lower;
    }
    case 'FilterPolicyScope':
      return value === 'MessageAttributes' || value === 'MessageBody'
        ? value
        : invalid(
            `FilterPolicyScope: Invalid value [${value}]. Please use either MessageBody or MessageAttributes`,
          );
    case 'FilterPolicy':
      // Source: "Removing a subscription filter policy".
      return /^\s*\{\s*\}\s*$/.test(value) ? '' : value;
    case 'RedrivePolicy':
      return checkRedrivePolicy(place, value);
    case 'DeliveryPolicy':
      return checkDeliveryPolicy(value);
    default:
      return value;
  }
}

function checkRedrivePolicy(place: SubscriptionPlace, text: string): string | Refusal {
  if (text === '') return '';
  const fault = describeJsonFault(text);
  if (fault !== undefined) return invalid(`RedrivePolicy: ${fault}`);
  const policy = JSON.parse(text) as { deadLetterTargetArn?: unknown } | null;
  const arn = policy?.deadLetterTargetArn;
  // An empty object takes the policy away.
  if (arn === undefined && policy && Object.keys(policy).length === 0) return '';
  const queue = typeof arn === 'string' ? parseQueueArn(arn) : undefined;
  if (!queue) return invalid('RedrivePolicy: deadLetterTargetArn is an invalid arn');
  const endpoint = parseQueueArn(place.endpoint);
  if (isFifoTopic(place.topicName) && endpoint && isFifoName(endpoint.name) && !isFifoName(queue.name)) {
    return invalid('RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.');
  }
  return text;
}

interface DeliveryPolicyText {
  healthyRetryPolicy?: unknown;
  throttlePolicy?: { maxReceivesPerSecond?: unknown } | null;
  requestPolicy?: { headerContentType?: unknown } | null;
}

function checkDeliveryPolicy(text: string): string | Refusal {
  if (text === '') return '';
  let policy: DeliveryPolicyText;
  try {
    policy = JSON.parse(text) as DeliveryPolicyText;
  } catch {
    return invalid('DeliveryPolicy: failed to parse JSON');
  }
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy)) {
    return invalid('DeliveryPolicy: must be an object');
  }
  const retries = policy.healthyRetryPolicy
    ? readRetryPolicy(policy.healthyRetryPolicy, 'healthyRetryPolicy')
    : null;
  if (isRefusal(retries)) return retries;
  const rate = policy.throttlePolicy?.maxReceivesPerSecond;
  if (rate !== undefined && !isRate(rate)) {
    return invalid('DeliveryPolicy: throttlePolicy.maxReceivesPerSecond must be an integer greater than 0');
  }
  const contentType = policy.requestPolicy?.headerContentType;
  if (contentType !== undefined && !isContentType(contentType)) {
    return invalid('DeliveryPolicy: requestPolicy.headerContentType is not a supported content type');
  }
  // Shown with every member, null where nothing was said (observed).
  return JSON.stringify({
    healthyRetryPolicy: retries,
    sicklyRetryPolicy: null,
    throttlePolicy: rate === undefined ? null : { maxReceivesPerSecond: rate },
    requestPolicy: contentType === undefined ? null : { headerContentType: contentType },
    guaranteed: false,
  });
}

/** How messages reach an HTTP endpoint, its own settings before those of its topic. */
export function deliveryOfSubscription(
  subscription: Pick<SubscriptionRecord, 'attributes'>,
  topic: TopicRecord,
): TopicDelivery {
  const base = deliveryOfTopic(topic);
  const text = subscription.attributes.DeliveryPolicy;
  if (!text || base.overridesDisabled) return base;
  const own = JSON.parse(text) as DeliveryPolicyText;
  return {
    retries: (own.healthyRetryPolicy as RetryPolicy | null) ?? base.retries,
    maxReceivesPerSecond:
      (own.throttlePolicy?.maxReceivesPerSecond as number | undefined) ?? base.maxReceivesPerSecond,
    contentType: (own.requestPolicy?.headerContentType as string | undefined) ?? base.contentType,
    overridesDisabled: false,
  };
}

/** Everything GetSubscriptionAttributes shows. */
export function describeSubscription(
  subscription: SubscriptionRecord,
  topic: TopicRecord | undefined,
  accountId: string,
): Attributes {
  const { FilterPolicy, FilterPolicyScope, DeliveryPolicy, RawMessageDelivery, ...rest } =
    subscription.attributes;
  const http = subscription.protocol === 'http' || subscription.protocol === 'https';
  const shown: Attributes = {
    SubscriptionArn: subscription.arn,
    TopicArn: subscription.topicArn,
    Owner: accountId,
    Protocol: subscription.protocol,
    Endpoint: subscription.endpoint,
    RawMessageDelivery: RawMessageDelivery ?? 'false',
    PendingConfirmation: String(subscription.pending !== undefined),
    ConfirmationWasAuthenticated: String(subscription.confirmationWasAuthenticated),
    SubscriptionPrincipal: subscription.principal,
    ...rest,
  };
  // The scope shows only beside a policy (observed).
  if (FilterPolicy !== undefined) {
    shown.FilterPolicy = FilterPolicy;
    shown.FilterPolicyScope = FilterPolicyScope ?? 'MessageAttributes';
  }
  if (DeliveryPolicy !== undefined) shown.DeliveryPolicy = DeliveryPolicy;
  if (http && topic) {
    const delivery = deliveryOfSubscription(subscription, topic);
    shown.EffectiveDeliveryPolicy = JSON.stringify({
      healthyRetryPolicy: delivery.retries,
      sicklyRetryPolicy: null,
      throttlePolicy: delivery.maxReceivesPerSecond
        ? { maxReceivesPerSecond: delivery.maxReceivesPerSecond }
        : null,
      requestPolicy: { headerContentType: delivery.contentType },
      guaranteed: false,
    });
  }
  return shown;
}

const PROTOCOLS: readonly Protocol[] = ['sqs', 'lambda', 'http', 'https', 'email', 'email-json', 'sms'];
const PHONE = /^\+\d{6,15}$/;

export function isPhoneNumber(text: string): boolean {
  return PHONE.test(text);
}

/** Whether the endpoint can be subscribed with the protocol. */
export function checkEndpoint(
  protocol: string,
  endpoint: string | undefined,
  topicName: string,
): Protocol | Refusal {
  if (protocol === 'application' || protocol === 'firehose') {
    return invalid(`Protocol Reason: subscriptions of protocol ${protocol} are not supported here`);
  }
  if (!PROTOCOLS.includes(protocol as Protocol)) {
    return invalid(`Amazon SNS does not support this protocol string: ${protocol}`);
  }
  if (isFifoTopic(topicName) && protocol !== 'sqs') {
    return invalid('Invalid parameter: Endpoint Reason: Please use FIFO SQS queue');
  }
  if (!endpoint) return invalid('Endpoint must be specified for this protocol');
  switch (protocol as Protocol) {
    case 'sqs': {
      const queue = parseQueueArn(endpoint);
      if (!queue) return invalid('SQS endpoint ARN');
      if (isFifoName(queue.name) && !isFifoTopic(topicName)) {
        return invalid(
          'Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics',
        );
      }
      break;
    }
    case 'lambda': {
      const arn = parseArn(endpoint);
      if (arn?.service !== 'lambda' || !arn.resource.startsWith('function:'))
        return invalid('Lambda endpoint ARN');
      break;
    }
    case 'http':
    case 'https':
      if (!endpoint.startsWith(`${protocol}://`))
        return invalid('Endpoint must match the specified protocol');
      if (!URL.canParse(endpoint)) return invalid('Endpoint');
      break;
    case 'email':
    case 'email-json':
      if (!/^[^\s@]+@[^\s@]+$/.test(endpoint)) return invalid('Email address');
      break;
    case 'sms':
      if (!isPhoneNumber(endpoint))
        return refuse('InvalidParameterException', `Invalid SMS endpoint: ${endpoint}`);
      break;
  }
  return protocol as Protocol;
}

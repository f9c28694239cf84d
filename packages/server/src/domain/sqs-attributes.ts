/**
 * Queue attributes: which may be set, their ranges, what they read as. An update either passes whole or is
 * refused; values come out as they are stored.
 * Source: CreateQueue and SetQueueAttributes in the API reference; wording observed.
 */

import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { checkPolicyDocument } from './sqs-policy.ts';
import { isFifoName, QUEUE_DEFAULTS, type Queue, type QueueRecord } from './sqs-queue.ts';
import {
  checkRedriveTarget,
  parseRedriveAllowPolicy,
  parseRedrivePolicy,
  type RedriveSource,
} from './sqs-redrive-policy.ts';

export type QueueAttributes = { [name: string]: string };

/** Whole numbers, with their ranges. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  DelaySeconds: [0, 900],
  MaximumMessageSize: [1024, 1_048_576],
  MessageRetentionPeriod: [60, 1_209_600],
  ReceiveMessageWaitTimeSeconds: [0, 20],
  VisibilityTimeout: [0, 43_200],
  KmsDataKeyReusePeriodSeconds: [60, 86_400],
};
const FLAGS: ReadonlySet<string> = new Set([
  'SqsManagedSseEnabled',
  'ContentBasedDeduplication',
  'FifoQueue',
]);
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  DeduplicationScope: ['queue', 'messageGroup'],
  FifoThroughputLimit: ['perQueue', 'perMessageGroupId'],
};
/** Unset by an empty value (observed). */
const UNSET_BY_EMPTY: ReadonlySet<string> = new Set([
  'Policy',
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'KmsMasterKeyId',
]);
const FIFO_ONLY: ReadonlySet<string> = new Set([
  'FifoQueue',
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'FifoThroughputLimit',
]);

/** Attributes that only GetQueueAttributes knows. */
const READ_ONLY = [
  'QueueArn',
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
] as const;

const KNOWN: ReadonlySet<string> = new Set([
  ...Object.keys(RANGES),
  ...FLAGS,
  ...Object.keys(CHOICES),
  ...UNSET_BY_EMPTY,
  ...READ_ONLY,
  'All',
]);

const unknownAttribute = (name: string) => refuse('InvalidAttributeName', `Unknown Attribute ${name}.`);
const invalidValue = (name: string) =>
  refuse('InvalidAttributeValue', `Invalid value for the parameter ${name}.`);

export interface AttributeUpdate {
  readonly queue: RedriveSource;
  /** As the caller sent them. */
  readonly input: Readonly<QueueAttributes>;
  /** What is stored now; empty for a new queue. */
  readonly current: Readonly<QueueAttributes>;
  readonly creating: boolean;
  /** The queue of an ARN, if it exists. */
  readonly findQueue: (arn: string) => Queue | undefined;
}

/** The attributes after the update, or why it is refused. */
export function updateAttributes(update: AttributeUpdate): QueueAttributes | Refusal {
  const fifo = isFifoName(update.queue.name);
  const next: QueueAttributes = { ...update.current };
  for (const [name, value] of Object.entries(update.input)) {
    const result = checkAttribute(update, name, value, fifo);
    if (isRefusal(result)) return result;
    if (result === '') delete next[name];
    else next[name] = result;
  }
  return checkTogether(update, next);
}

/** The value to store; empty to unset. */
function checkAttribute(
  update: AttributeUpdate,
  name: string,
  value: string,
  fifo: boolean,
): string | Refusal {
  if (!fifo && FIFO_ONLY.has(name)) {
    return name in CHOICES
      ? refuse('InvalidAttributeName', `You can specify the ${name} only when FifoQueue is set to true.`)
      : unknownAttribute(name);
  }
  const range = RANGES[name];
  if (range) {
    // Number('') is 0, and `1e2` is no number to AWS.
    if (!/^\d{1,10}$/.test(value)) return invalidValue(name);
    const number = Number(value);
    return number < range[0] || number > range[1] ? invalidValue(name) : String(number);
  }
  if (CHOICES[name]) return CHOICES[name].includes(value) ? value : invalidValue(name);
  if (FLAGS.has(name)) {
    if (value !== 'true' && value !== 'false') return invalidValue(name);
    if (name === 'FifoQueue' && value === 'false') {
      return update.creating
        ? unknownAttribute(name)
        : refuse(
            'InvalidAttributeValue',
            'Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.',
          );
    }
    return value;
  }
  if (!UNSET_BY_EMPTY.has(name)) return unknownAttribute(name);
  if (value === '') return '';
  switch (name) {
    case 'Policy':
      return checkPolicyDocument(value) ?? value;
    case 'RedriveAllowPolicy': {
      const policy = parseRedriveAllowPolicy(value);
      return isRefusal(policy) ? policy : value;
    }
    case 'RedrivePolicy': {
      const policy = parseRedrivePolicy(value);
      if (isRefusal(policy)) return policy;
      const refusal = checkRedriveTarget(
        value,
        policy,
        update.queue,
        update.findQueue(policy.deadLetterTargetArn),
      );
      // A count given as text is kept as a number (AWS answers with a number).
      return refusal ?? JSON.stringify(policy);
    }
    default:
      return value;
  }
}

/** Attributes that depend on each other. */
function checkTogether(update: AttributeUpdate, next: QueueAttributes): QueueAttributes | Refusal {
  const { input } = update;
  if (input.KmsMasterKeyId && input.SqsManagedSseEnabled === 'true') {
    return refuse(
      'InvalidAttributeName',
      'You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.',
    );
  }
  if (input.KmsMasterKeyId) next.SqsManagedSseEnabled = 'false';
  if (input.SqsManagedSseEnabled === 'true') {
    delete next.KmsMasterKeyId;
    delete next.KmsDataKeyReusePeriodSeconds;
  }
  if (next.FifoThroughputLimit === 'perMessageGroupId' && next.DeduplicationScope !== 'messageGroup') {
    return refuse(
      'InvalidAttributeValue',
      'The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.',
    );
  }
  return next;
}

/** Every settable attribute as GetQueueAttributes shows it, defaults included. */
export function describeAttributes(record: QueueRecord): QueueAttributes {
  const set = record.attributes;
  const shown: QueueAttributes = {
    ...QUEUE_DEFAULTS,
    SqsManagedSseEnabled: 'true',
    ...(isFifoName(record.name)
      ? {
          FifoQueue: 'true',
          ContentBasedDeduplication: 'false',
          DeduplicationScope: 'queue',
          FifoThroughputLimit: 'perQueue',
        }
      : {}),
    ...set,
  };
  if (!set.KmsMasterKeyId) delete shown.KmsDataKeyReusePeriodSeconds;
  else shown.KmsDataKeyReusePeriodSeconds ??= '300';
  return shown;
}

/** The name of the first attribute that differs from what an existing queue has, if any. */
export function findDifference(record: QueueRecord, wanted: Readonly<QueueAttributes>): string | undefined {
  const shown = describeAttributes(record);
  return Object.keys(wanted).find((name) => !sameValue(shown[name] ?? '', wanted[name] as string));
}

function sameValue(a: string, b: string): boolean {
  if (a === b) return true;
  if (!a.startsWith('{') || !b.startsWith('{')) return false;
  try {
    const [left, right] = [JSON.parse(a), JSON.parse(b)] as [
      Record<string, unknown>,
      Record<string, unknown>,
    ];
    const names = Object.keys(left);
    return (
      names.length === Object.keys(right).length &&
      names.every(
        (name) =>
          JSON.stringify(left[name]) === JSON.stringify(right[name]) ||
          String(left[name]) === String(right[name]),
      )
    );
  } catch {
    return false;
  }
}

/** Refuses names that GetQueueAttributes does not know. */
export function checkRequestedNames(names: readonly string[]): Refusal | undefined {
  const unknown = names.find((name) => !KNOWN.has(name));
  return unknown === undefined ? undefined : unknownAttribute(unknown);
}

const NAME = /^[A-Za-z0-9_-]{1,80}$/;
const FIFO_NAME = /^[A-Za-z0-9_-]{1,75}\.fifo$/;

export function checkQueueName(name: string, fifo: boolean): Refusal | undefined {
  if (name === '') return refuse('InvalidParameterValueException', 'Queue name cannot be empty');
  if (fifo ? FIFO_NAME.test(name) : NAME.test(name)) return undefined;
  return refuse(
    'InvalidParameterValueException',
    fifo
      ? 'The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.'
      : 'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
  );
}

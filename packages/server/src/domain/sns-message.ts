/**
 * What is published: checked as SNS checks it, before anything happens.
 * Source: Publish and PublishBatch in the API reference; limits and wording observed.
 */
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { isFifoTopic, type TopicRecord } from './sns-topic.ts';
import { checkFifoId, contentDeduplicationId } from './sqs-fifo.ts';
import { type MessageAttribute, type MessageAttributes, sizeOfAttributes } from './sqs-message.ts';
import type { WireAttributes } from './sqs-message-attributes.ts';

/** A message as it was accepted. */
export interface Publication {
  readonly messageId: string;
  readonly topicArn: string;
  /** Text by protocol; `default` is always there. */
  readonly texts: Readonly<Record<string, string>>;
  readonly subject?: string;
  readonly attributes: Readonly<MessageAttributes>;
  /** Epoch ms. */
  readonly publishedAt: number;
  readonly traceHeader?: string;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  /** FIFO topics. */
  readonly sequenceNumber?: string;
}

export interface PublishInput {
  readonly message: string;
  readonly subject?: string;
  /** `json`: the message is an object of texts by protocol. */
  readonly structure?: string;
  readonly attributes?: WireAttributes;
  readonly groupId?: string;
  readonly deduplicationId?: string;
}

/** AWS: 262,144 bytes for body and attributes, of one message and of a batch. */
export const MAX_PUBLISH_BYTES = 262_144;
/** AWS: "less than 100 characters long". */
const MAX_SUBJECT_CHARS = 100;

const invalid = (message: string) => refuse('InvalidParameterException', `Invalid parameter: ${message}`);

export interface CheckedMessage {
  readonly texts: Readonly<Record<string, string>>;
  readonly subject?: string;
  readonly attributes: Readonly<MessageAttributes>;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  /** Counts against the limit. */
  readonly bytes: number;
}

/** `topic` is absent for a message to a phone number. */
export function checkPublication(
  input: PublishInput,
  topic: TopicRecord | undefined,
): CheckedMessage | Refusal {
  const { message, subject, groupId } = input;
  if (message === '') return invalid('Empty message');
  if (subject !== undefined && !isSubject(subject)) return invalid('Subject');
  const texts = readTexts(input);
  if (isRefusal(texts)) return texts;
  const attributes = readPublishAttributes(input.attributes);
  if (isRefusal(attributes)) return attributes;
  const bytes = Buffer.byteLength(message) + sizeOfAttributes(attributes);
  if (bytes > MAX_PUBLISH_BYTES) return invalid('Message too long');
  const ids = topic ? checkIds(input, topic) : undefined;
  if (isRefusal(ids)) return ids;
  return { texts, subject, attributes, groupId, deduplicationId: ids?.deduplicationId, bytes };
}

function isSubject(subject: string): boolean {
  return subject !== '' && subject.length <= MAX_SUBJECT_CHARS && !/[\x00-\x1f\x7f]/.test(subject);
}

function readTexts({ message, structure }: PublishInput): Record<string, string> | Refusal {
  if (structure === undefined) return { default: message };
  if (structure !== 'json') return invalid('MessageStructure');
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return invalid('Message Structure - JSON message body failed to parse');
  }
  const texts: Record<string, string> = {};
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
    for (const [protocol, text] of Object.entries(parsed))
      if (typeof text === 'string') texts[protocol] = text;
  }
  // Values that are no strings are ignored, so they do not count as a default either.
  return Object.hasOwn(texts, 'default')
    ? texts
    : invalid('Message Structure - No default entry in JSON message body');
}

function checkIds(
  { message, groupId, deduplicationId }: PublishInput,
  topic: TopicRecord,
): { readonly deduplicationId?: string } | Refusal {
  if (!isFifoTopic(topic.name)) {
    if (deduplicationId !== undefined) {
      return invalid(
        'MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type',
      );
    }
    // Taken since 2025, for fair queues.
    return (groupId !== undefined && badId('MessageGroupId', groupId)) || {};
  }
  if (!groupId) return invalid('The MessageGroupId parameter is required for FIFO topics');
  const badGroup = badId('MessageGroupId', groupId);
  if (badGroup) return badGroup;
  if (deduplicationId !== undefined) {
    return badId('MessageDeduplicationId', deduplicationId) ?? { deduplicationId };
  }
  if (topic.attributes.ContentBasedDeduplication === 'true') {
    return { deduplicationId: contentDeduplicationId(message) };
  }
  return invalid(
    'The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
  );
}

function badId(parameter: string, value: string): Refusal | undefined {
  return (
    checkFifoId(parameter, value) &&
    invalid(
      `${parameter} Reason: ${parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length`,
    )
  );
}

/** Bytes; of names and of types. */
const MAX_NAME_BYTES = 256;
const TYPE = /^(String|Number|Binary)(\.|$)/;

const badAttribute = (message: string) => refuse('InvalidParameterValueException', message);

/** Attributes from the wire, checked; binary values become base64. */
export function readPublishAttributes(wire: WireAttributes | undefined): MessageAttributes | Refusal {
  const attributes: MessageAttributes = {};
  for (const [name, value] of Object.entries(wire ?? {})) {
    const refusal = checkAttributeName(name);
    if (refusal) return refusal;
    const attribute = readAttribute(name, value);
    if (isRefusal(attribute)) return attribute;
    attributes[name] = attribute;
  }
  return attributes;
}

function checkAttributeName(name: string): Refusal | undefined {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    return badAttribute('Length of message attribute name must be less than 256 bytes.');
  }
  const odd = /[^A-Za-z0-9_.-]/.exec(name)?.[0];
  if (odd !== undefined) {
    const code = (odd.codePointAt(0) as number).toString(16).toUpperCase();
    return badAttribute(
      `Invalid non-alphanumeric character '#x${code}' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.`,
    );
  }
  for (const [end, where] of [
    [name.startsWith('.'), 'starting'],
    [name.endsWith('.'), 'ending'],
  ] as const) {
    if (end) return badAttribute(`Invalid message attribute name ${where} with character '.' was found.`);
  }
  if (name.includes('..'))
    return badAttribute("Message attribute name can not have successive '.' character.");
  return undefined;
}

function readAttribute(
  name: string,
  { DataType = '', StringValue, BinaryValue }: WireAttributes[string],
): MessageAttribute | Refusal {
  const type = TYPE.exec(DataType)?.[1];
  if (!type || Buffer.byteLength(DataType) > MAX_NAME_BYTES) {
    return badAttribute(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  }
  const field = type === 'Binary' ? 'Binary' : 'String';
  const [value, other] = field === 'Binary' ? [BinaryValue, StringValue] : [StringValue, BinaryValue];
  if (value === undefined && other !== undefined && other.length > 0) {
    return badAttribute(`The message attribute '${name}' with type '${type}' must use field '${field}'.`);
  }
  if (value === undefined || value.length === 0) {
    return badAttribute(
      `The message attribute '${name}' must contain non-empty message attribute value for message attribute type '${type}'.`,
    );
  }
  return typeof value === 'string'
    ? { DataType, StringValue: value }
    : { DataType, BinaryValue: Buffer.from(value).toString('base64') };
}

/** The text for subscriptions of a protocol. */
export function textFor(publication: Pick<Publication, 'texts'>, protocol: string): string {
  const { texts } = publication;
  return (Object.hasOwn(texts, protocol) ? texts[protocol] : texts.default) as string;
}

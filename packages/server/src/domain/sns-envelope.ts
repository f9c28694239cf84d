/**
 * What endpoints receive: the notification in JSON, the event of a function, the requests to confirm, and the text
 * that is signed. Member order and spacing are AWS's, for those who compare.
 * Source: "Parsing Amazon SNS message formats", "Verifying the signatures"; shapes observed.
 */

import { type Publication, textFor } from './sns-message.ts';
import type { MessageAttribute } from './sqs-message.ts';

/** A signature as messages carry it; FIFO topics send none (observed). */
export interface Signature {
  readonly version: '1' | '2';
  readonly value: string;
  readonly certificateUrl: string;
}

export interface NotificationParts {
  readonly publication: Publication;
  /** Whose text is sent. */
  readonly protocol: string;
  readonly signature?: Signature;
  readonly unsubscribeUrl: string;
}

type Lines = readonly (readonly [name: string, value: string | undefined])[];

/** The text that is signed: present names in this order, each with its value, each on a line of its own. */
function linesToSign(lines: Lines): string {
  return lines
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}\n${value}\n`)
    .join('');
}

export function notificationToSign(publication: Publication, protocol: string): string {
  return linesToSign([
    ['Message', textFor(publication, protocol)],
    ['MessageId', publication.messageId],
    ['Subject', publication.subject],
    ['Timestamp', formatTime(publication.publishedAt)],
    ['TopicArn', publication.topicArn],
    ['Type', 'Notification'],
  ]);
}

/** Body for queues and HTTP endpoints without raw delivery. */
export function formatNotification({
  publication,
  protocol,
  signature,
  unsubscribeUrl,
}: NotificationParts): string {
  return formatObject(
    [
      ['Type', 'Notification'],
      ['MessageId', publication.messageId],
      ['SequenceNumber', publication.sequenceNumber],
      ['TopicArn', publication.topicArn],
      ['Subject', publication.subject],
      ['Message', textFor(publication, protocol)],
      ['Timestamp', formatTime(publication.publishedAt)],
      ['SignatureVersion', signature?.version],
      ['Signature', signature?.value],
      ['SigningCertURL', signature?.certificateUrl],
      ['UnsubscribeURL', unsubscribeUrl],
    ],
    formatAttributes(publication),
  );
}

/** Event of a subscribed function: other letters in two names, nulls where the envelope has nothing. */
export function formatFunctionEvent(parts: NotificationParts, subscriptionArn: string): string {
  const { publication, signature } = parts;
  return JSON.stringify({
    Records: [
      {
        EventSource: 'aws:sns',
        EventVersion: '1.0',
        EventSubscriptionArn: subscriptionArn,
        Sns: {
          Type: 'Notification',
          MessageId: publication.messageId,
          TopicArn: publication.topicArn,
          Subject: publication.subject ?? null,
          Message: textFor(publication, parts.protocol),
          Timestamp: formatTime(publication.publishedAt),
          SignatureVersion: signature?.version,
          Signature: signature?.value,
          SigningCertUrl: signature?.certificateUrl,
          UnsubscribeUrl: parts.unsubscribeUrl,
          MessageAttributes: attributesOf(publication),
        },
      },
    ],
  });
}

export interface Confirmation {
  readonly type: 'SubscriptionConfirmation' | 'UnsubscribeConfirmation';
  readonly messageId: string;
  readonly token: string;
  readonly topicArn: string;
  readonly subscriptionArn: string;
  readonly subscribeUrl: string;
  readonly sentAt: number;
}

export function confirmationToSign(confirmation: Confirmation): string {
  return linesToSign([
    ['Message', confirmationText(confirmation)],
    ['MessageId', confirmation.messageId],
    ['SubscribeURL', confirmation.subscribeUrl],
    ['Timestamp', formatTime(confirmation.sentAt)],
    ['Token', confirmation.token],
    ['TopicArn', confirmation.topicArn],
    ['Type', confirmation.type],
  ]);
}

export function formatConfirmation(confirmation: Confirmation, signature: Signature): string {
  return formatObject([
    ['Type', confirmation.type],
    ['MessageId', confirmation.messageId],
    ['Token', confirmation.token],
    ['TopicArn', confirmation.topicArn],
    ['Message', confirmationText(confirmation)],
    ['SubscribeURL', confirmation.subscribeUrl],
    ['Timestamp', formatTime(confirmation.sentAt)],
    ['SignatureVersion', signature.version],
    ['Signature', signature.value],
    ['SigningCertURL', signature.certificateUrl],
  ]);
}

function confirmationText({ type, topicArn, subscriptionArn }: Confirmation): string {
  return type === 'SubscriptionConfirmation'
    ? `You have chosen to subscribe to the topic ${topicArn}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`
    : `You have chosen to deactivate subscription ${subscriptionArn}.\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.`;
}

export function confirmUrl(endpoint: string, topicArn: string, token: string): string {
  return `${endpoint}/?Action=ConfirmSubscription&TopicArn=${topicArn}&Token=${token}`;
}
export function unsubscribeUrl(endpoint: string, subscriptionArn: string): string {
  return `${endpoint}/?Action=Unsubscribe&SubscriptionArn=${subscriptionArn}`;
}

/** JSON as AWS prints it: a member a line, spaces around the colon. */
function formatObject(members: Lines, attributes = ''): string {
  const lines = members
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  "${name}" : ${JSON.stringify(value)}`);
  if (attributes !== '') lines.push(attributes);
  return `{\n${lines.join(',\n')}\n}`;
}

function formatAttributes(publication: Publication): string {
  const entries = Object.entries(attributesOf(publication)).map(
    ([name, value]) => `    ${JSON.stringify(name)} : ${JSON.stringify(value)}`,
  );
  return entries.length === 0 ? '' : `  "MessageAttributes" : {\n${entries.join(',\n')}\n  }`;
}

function attributesOf({
  attributes,
}: Publication): Record<string, { Type: string; Value: string | undefined }> {
  return Object.fromEntries(
    Object.entries(attributes).map(
      ([name, { DataType, StringValue, BinaryValue }]: [string, MessageAttribute]) => [
        name,
        { Type: DataType, Value: BinaryValue ?? StringValue },
      ],
    ),
  );
}

function formatTime(at: number): string {
  return new Date(at).toISOString();
}

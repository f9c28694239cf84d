/**
 * A message in a dead-letter queue, read for what it is: whose event it was, why it failed, where it came from and
 * what would be sent again. Shapes: "Adding a dead-letter queue" and "Capturing records" (Lambda), "Using
 * dead-letter queues in Amazon SQS", "Amazon SNS dead-letter queues"; recordings.
 */
import type { JsonObject, Message } from '../store/store.ts';
import {
  type FailureFacts,
  type FailureSummary,
  type Fingerprint,
  fingerprintOf,
  readErrorValue,
} from './fingerprint.ts';
import { findMember, replaceSpan } from './json-member.ts';
import { parseFunctionRef } from './lambda-names.ts';
import { type MessageAttributes, md5OfBody, type SqsMessageAttributes } from './sqs-message.ts';

export type DeadLetterKind =
  /** The event of a function, byte for byte, with `RequestID`, `ErrorCode`, `ErrorMessage`. */
  | 'function'
  /** A record of an on-failure destination. */
  | 'record'
  /** Moved by the redrive policy of another queue. */
  | 'queue'
  /** A notification that a subscription's endpoint did not take. */
  | 'notification'
  /** Anything else that lies in the queue. */
  | 'other';

/** Where it would go again. */
export type Origin =
  | { readonly kind: 'function'; readonly functionName: string; readonly qualifier?: string }
  | { readonly kind: 'queue'; readonly arn: string }
  | { readonly kind: 'topic'; readonly arn: string };

export interface DeadLetter {
  readonly kind: DeadLetterKind;
  /** The event's id, where there is an event. */
  readonly requestId?: string;
  /** Absent where the message does not say: then the journal may know. */
  readonly origin?: Origin;
  readonly failure: FailureFacts;
  readonly fingerprint: Fingerprint;
  readonly condition?: string;
  readonly attempts?: number;
  /** The function's version that failed. */
  readonly version?: string;
  /** `ErrorCode` or `statusCode` where there was one. */
  readonly statusCode?: number;
  /** What is sent again; of a record the event inside it. */
  readonly payload: string;
  /** Epoch ms. */
  readonly deadLetteredAt: number;
}

/** Private state of messages in queues, as far as dead letters use it. */
export interface DeadLetterState extends JsonObject {
  failure?: FailureSummary;
  edited?: Edited;
}

/** What an operator changed. */
export interface Edited extends JsonObject {
  /** The body before the first edit. */
  original: string;
  edits: { at: number; by: string }[];
}

type ReadableMessage = Pick<Message, 'body' | 'attributes' | 'state' | 'sentAt'>;

/** Which group a message belongs to; cheap where it was dead-lettered here. */
export function fingerprintIdOf(message: ReadableMessage): string {
  return (message.state as DeadLetterState).failure?.fingerprint ?? readDeadLetter(message).fingerprint.id;
}

export function readDeadLetter(message: ReadableMessage): DeadLetter {
  const shape = readShape(message);
  const summary = (message.state as DeadLetterState).failure;
  const { deadLetteredAt } = message.attributes as SqsMessageAttributes;
  const base = { ...shape, deadLetteredAt: deadLetteredAt ?? message.sentAt };
  if (!summary) return { ...base, fingerprint: fingerprintOf(shape.failure) };
  const { fingerprint: id, type, message: normal, frames } = summary;
  return {
    ...base,
    failure: { ...shape.failure, type, message: shape.failure.message || normal },
    // A queue that lies between the function and this one is where the message came from.
    origin: shape.origin ?? originOfFunction(summary.functionArn),
    condition: summary.condition,
    attempts: summary.attempts,
    version: summary.version,
    fingerprint: { id, type, message: normal, frames },
  };
}

type Shape = Omit<DeadLetter, 'fingerprint' | 'deadLetteredAt'>;

function readShape({ body, attributes }: ReadableMessage): Shape {
  const { messageAttributes = {}, deadLetterSourceArn } = attributes as SqsMessageAttributes;
  if (deadLetterSourceArn !== undefined) {
    return {
      kind: 'queue',
      origin: { kind: 'queue', arn: deadLetterSourceArn },
      failure: {
        type: 'MaxReceiveCountExceeded',
        message: `Received too often from ${deadLetterSourceArn.split(':').at(-1)} without being deleted`,
      },
      payload: body,
    };
  }
  return (
    readRecord(body) ??
    readNotification(body, messageAttributes) ??
    readFunctionEvent(body, messageAttributes) ?? {
      kind: 'other',
      failure: { message: 'Nothing is known of why it is here' },
      payload: body,
    }
  );
}

function readRecord(body: string): Shape | undefined {
  if (!body.includes('"requestContext"') || !body.includes('"requestPayload"')) return undefined;
  const record = parseObject(body);
  const context = record?.requestContext as Record<string, unknown> | undefined;
  const span = record && findMember(body, 'requestPayload');
  if (!span || typeof context?.functionArn !== 'string' || typeof context.condition !== 'string')
    return undefined;
  const response = record?.responseContext as Record<string, unknown> | undefined;
  return {
    kind: 'record',
    requestId: textOf(context.requestId),
    origin: originOfFunction(context.functionArn),
    failure: readErrorValue(record?.responsePayload) ?? {
      type: context.condition,
      message: response?.statusCode === 429 ? 'Rate Exceeded.' : '',
    },
    condition: context.condition,
    attempts: numberOf(context.approximateInvokeCount),
    version: textOf(response?.executedVersion),
    statusCode: numberOf(response?.statusCode),
    payload: body.slice(span.start, span.end),
  };
}

function readNotification(body: string, attributes: Readonly<MessageAttributes>): Shape | undefined {
  const failure = failureOfAttributes(attributes);
  if (!body.includes('"TopicArn"') || !body.includes('"Notification"')) return undefined;
  const notification = parseObject(body);
  if (notification?.Type !== 'Notification' || typeof notification.TopicArn !== 'string') return undefined;
  return {
    kind: 'notification',
    requestId: attributes.RequestID?.StringValue,
    origin: { kind: 'topic', arn: notification.TopicArn },
    failure: failure ?? { type: 'DeliveryFailed', message: '' },
    statusCode: numberOf(attributes.ErrorCode?.StringValue),
    payload: body,
  };
}

function readFunctionEvent(body: string, attributes: Readonly<MessageAttributes>): Shape | undefined {
  const failure = failureOfAttributes(attributes);
  const requestId = attributes.RequestID?.StringValue;
  if (requestId === undefined || !failure) return undefined;
  return {
    kind: 'function',
    requestId,
    failure,
    statusCode: numberOf(attributes.ErrorCode?.StringValue),
    payload: body,
  };
}

function failureOfAttributes(attributes: Readonly<MessageAttributes>): FailureFacts | undefined {
  const message = attributes.ErrorMessage?.StringValue;
  const code = attributes.ErrorCode?.StringValue;
  if (message === undefined && code === undefined) return undefined;
  // The attributes name no type: the status is all there is.
  return {
    type: code === undefined || code === '200' ? 'FunctionError' : `Status${code}`,
    message: message ?? '',
  };
}

function originOfFunction(arn: string): Origin | undefined {
  const ref = parseFunctionRef(arn);
  return ref.kind === 'ref'
    ? { kind: 'function', functionName: ref.name, qualifier: ref.qualifier }
    : undefined;
}

/** Why a payload cannot replace the one of a message; `undefined` when it can. */
export function checkPayload(letter: Pick<DeadLetter, 'kind'>, payload: string): string | undefined {
  if (letter.kind !== 'function' && letter.kind !== 'record') return undefined;
  try {
    JSON.parse(payload);
    return undefined;
  } catch (error) {
    return `the payload of a function must be JSON: ${(error as Error).message}`;
  }
}

/** The message with another payload; what it was stays in its state. */
export function editDeadLetter(
  message: Pick<Message, 'body' | 'attributes' | 'state' | 'sentAt'>,
  payload: string,
  edit: { readonly at: number; readonly by: string },
): { readonly body: string; readonly attributes: JsonObject; readonly state: JsonObject } {
  const letter = readDeadLetter(message);
  const span = letter.kind === 'record' ? findMember(message.body, 'requestPayload') : undefined;
  const body = span ? replaceSpan(message.body, span, payload) : payload;
  const state = message.state as DeadLetterState;
  const edited: Edited = {
    original: state.edited?.original ?? message.body,
    edits: [...(state.edited?.edits ?? []), { ...edit }],
  };
  return {
    body,
    attributes: { ...message.attributes, bodyMd5: md5OfBody(body) },
    state: { ...state, edited },
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Not JSON: then it is some other kind of message.
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

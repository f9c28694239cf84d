/**
 * Puts a message into a queue: checks that it may go there, then the one effect that sends it.
 * Consumers of the service and other parts of the house (dead letters, destinations, notifications) send alike.
 */
import type { Ids } from '../platform/ids.ts';
import type { Effect, JsonObject, Send } from '../store/store.ts';
import { type Refusal, refuse } from './refusal.ts';
import { checkFifoId, contentDeduplicationId, DEDUPLICATION_MS, deduplicationKey } from './sqs-fifo.ts';
import {
  ALLOWED_CHARACTERS,
  findIllegalCharacter,
  type MessageAttributes,
  md5OfBody,
  type SqsMessageAttributes,
  sizeOfAttributes,
} from './sqs-message.ts';
import type { Queue } from './sqs-queue.ts';

export interface OutgoingMessage {
  /** Chosen by the sender, so that it can name it in its own records. */
  readonly messageId: string;
  readonly body: string;
  readonly messageAttributes?: Readonly<MessageAttributes>;
  readonly senderId?: string;
  readonly traceHeader?: string;
  /** FIFO: the group, in whose order it stays. Standard: the tenant of a fair queue, without order. */
  readonly groupId?: string;
  readonly deduplicationId?: string;
  /** Overrides the queue's own delay. */
  readonly delayMs?: number;
  /** Kept with the message, never shown to consumers. */
  readonly state?: JsonObject;
}

/** Everything a queue refuses about a message, in the order AWS looks. `undefined`: it may be sent. */
export function checkMessage(queue: Queue, message: Omit<OutgoingMessage, 'messageId'>): Refusal | undefined {
  const { body, groupId, deduplicationId } = message;
  const illegal = findIllegalCharacter(body);
  if (illegal) {
    return refuse(
      'InvalidMessageContents',
      `Invalid binary character '${illegal}' was found in the message body, the set of allowed characters is ${ALLOWED_CHARACTERS}.`,
    );
  }
  if (sizeOfMessage(message) > queue.maxMessageBytes) {
    return refuse(
      'InvalidParameterValueException',
      `One or more parameters are invalid. Reason: Message must be shorter than ${queue.maxMessageBytes} bytes.`,
    );
  }
  const delay = checkDelay(queue, message.delayMs);
  if (delay) return delay;
  if (!queue.fifo) {
    if (deduplicationId !== undefined) {
      return refuse(
        'InvalidParameterValueException',
        `Value ${deduplicationId} for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type.`,
      );
    }
    return groupId === undefined ? undefined : checkFifoId('MessageGroupId', groupId);
  }
  if (groupId === undefined || groupId === '') {
    return refuse(
      'MissingRequiredParameterException',
      'The request must contain the parameter MessageGroupId.',
    );
  }
  const badGroup = checkFifoId('MessageGroupId', groupId);
  if (badGroup) return badGroup;
  if (deduplicationId !== undefined) return checkFifoId('MessageDeduplicationId', deduplicationId);
  if (queue.contentBasedDeduplication) return undefined;
  return refuse(
    'InvalidParameterValueException',
    'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
  );
}

export function sizeOfMessage(message: Pick<OutgoingMessage, 'body' | 'messageAttributes'>): number {
  return Buffer.byteLength(message.body) + sizeOfAttributes(message.messageAttributes);
}

/** AWS: DelaySeconds 0 to 900. */
const MAX_DELAY_MS = 900_000;

function checkDelay(queue: Queue, delayMs: number | undefined): Refusal | undefined {
  if (delayMs === undefined) return undefined;
  const value = `Value ${delayMs / 1000} for parameter DelaySeconds is invalid.`;
  if (delayMs < 0 || delayMs > MAX_DELAY_MS) {
    return refuse('InvalidParameterValueException', `${value} Reason: DelaySeconds must be >= 0 and <= 900.`);
  }
  // A FIFO queue delays all of its messages or none; 0 is let through (observed).
  if (queue.fifo && delayMs !== 0) {
    return refuse(
      'InvalidParameterValueException',
      `${value} Reason: The request include parameter that is not valid for this queue type.`,
    );
  }
  return undefined;
}

/** The effect that sends a message which `checkMessage` let through. */
export function planSend(queue: Queue, message: OutgoingMessage, now: number): Send {
  const { messageId, body, groupId, state } = message;
  const attributes: SqsMessageAttributes = { bodyMd5: md5OfBody(body) };
  if (message.senderId !== undefined) attributes.senderId = message.senderId;
  if (message.messageAttributes) attributes.messageAttributes = message.messageAttributes;
  if (message.traceHeader !== undefined) attributes.traceHeader = message.traceHeader;
  if (groupId !== undefined) attributes.groupId = groupId;
  const delayMs = queue.fifo ? queue.delayMs : (message.delayMs ?? queue.delayMs);
  if (!queue.fifo) {
    return {
      kind: 'send',
      queue: queue.messages,
      message: { id: messageId, dueAt: now + delayMs, sentAt: now, body, attributes, state },
    };
  }
  const group = groupId ?? messageId;
  const deduplicationId =
    message.deduplicationId ?? (queue.contentBasedDeduplication ? contentDeduplicationId(body) : messageId);
  attributes.groupId = group;
  attributes.deduplicationId = deduplicationId;
  return {
    kind: 'send',
    queue: queue.messages,
    message: { id: messageId, dueAt: now + delayMs, sentAt: now, body, attributes, state, group },
    dedup: { key: deduplicationKey(queue, group, deduplicationId), until: now + DEDUPLICATION_MS },
  };
}

/** For senders inside the house, whose commit the message joins. */
export function planSendToQueue(queue: Queue, message: OutgoingMessage, now: number): Effect[] {
  return [planSend(queue, message, now)];
}

/** Time-ordered: a queue's index then grows at its end. Clients only see a UUID. */
export function newMessageId(ids: Ids): string {
  return ids.ordered();
}

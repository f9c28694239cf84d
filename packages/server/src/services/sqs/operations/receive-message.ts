/** ReceiveMessage: short and long polling, attributes as asked for. */
import type {
  ReceiveMessageRequest,
  ReceiveMessageResult,
  Message as WireMessage,
} from '@aws-sdk/client-sqs';
import { checkFifoId, formatSequenceNumber } from '../../../domain/sqs-fifo.ts';
import {
  type MessageAttributes,
  md5OfAttributes,
  md5OfBody,
  type SqsMessageAttributes,
  selectAttributes,
} from '../../../domain/sqs-message.ts';
import { type Queue, readQueue } from '../../../domain/sqs-queue.ts';
import { encodeReceiptHandle } from '../../../domain/sqs-receipt-handle.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import type { Message } from '../../../store/store.ts';
import { invalidParameter, queueDoesNotExist, raise, requireQueue } from '../deps.ts';
import type { SqsParts } from '../parts.ts';
import type { Taken } from '../receiver.ts';

const MAX_MESSAGES = 10;
const MAX_WAIT_SECONDS = 20;
const MAX_VISIBILITY_SECONDS = 43_200;

export function receiveMessage(parts: SqsParts): Handler<ReceiveMessageRequest, ReceiveMessageResult> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    const max = input.MaxNumberOfMessages ?? 1;
    if (max < 1 || max > MAX_MESSAGES) {
      throw invalidParameter(
        `Value ${max} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.`,
      );
    }
    const waitSeconds = input.WaitTimeSeconds ?? queue.waitMs / 1000;
    if (waitSeconds < 0 || waitSeconds > MAX_WAIT_SECONDS) {
      throw invalidParameter(
        `Value ${waitSeconds} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.`,
      );
    }
    const visibilitySeconds = input.VisibilityTimeout;
    if (
      visibilitySeconds !== undefined &&
      (visibilitySeconds < 0 || visibilitySeconds > MAX_VISIBILITY_SECONDS)
    ) {
      throw invalidParameter(
        `Value ${visibilitySeconds} for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided.`,
      );
    }
    const attemptId = checkAttemptId(queue, input.ReceiveRequestAttemptId);
    const visibilityMs = visibilitySeconds === undefined ? queue.visibilityMs : visibilitySeconds * 1000;
    if (attemptId !== undefined) {
      const repeated = await parts.attempts.repeat(queue, attemptId, visibilityMs);
      if (repeated) return answer(queue, input, repeated.messages, repeated.receivedAt);
    }
    const taken = await takeOrWait(parts, queue, max, visibilityMs, waitSeconds * 1000, context);
    if (taken.messages.length === 0) return {};
    if (attemptId !== undefined) parts.attempts.remember(queue, attemptId, taken.messages, taken.receivedAt);
    return answer(queue, input, taken.messages, taken.receivedAt);
  };
}

function checkAttemptId(queue: Queue, attemptId: string | undefined): string | undefined {
  if (attemptId === undefined) return undefined;
  if (!queue.fifo) {
    throw invalidParameter(
      `Value ${attemptId} for parameter ReceiveRequestAttemptId is invalid. Reason: The request include parameter that is not valid for this queue type.`,
    );
  }
  const refusal = checkFifoId('ReceiveRequestAttemptId', attemptId);
  return refusal ? raise(refusal) : attemptId;
}

async function takeOrWait(
  parts: SqsParts,
  queue: Queue,
  max: number,
  visibilityMs: number,
  waitMs: number,
  context: RequestContext,
): Promise<Pick<Taken, 'messages' | 'receivedAt'>> {
  const startedAt = parts.clock.now();
  const taken = await parts.receiver.take(queue, max, visibilityMs);
  if (taken.messages.length > 0) return taken;
  if (waitMs === 0) {
    // Long polls and FIFO queues answer with nothing instead.
    if (taken.overLimit && !queue.fifo) {
      throw new ApiError('OverLimit', 'The maximum number of in flight messages is reached.');
    }
    return taken;
  }
  const late = await parts.waker.wait<Taken>({
    queue: queue.messages,
    until: startedAt + waitMs,
    signal: context.signal,
    attempt: async () => {
      // The queue may have been deleted or changed while the receiver waited.
      const current = readQueue(parts.store.resources, queue.name);
      if (!current) throw queueDoesNotExist(context.wire);
      const next = await parts.receiver.take(current, max, visibilityMs);
      return next.messages.length > 0 ? next : undefined;
    },
    giveBack: ({ messages }) => parts.receiver.giveBack(queue, messages),
  });
  return late ?? { messages: [], receivedAt: startedAt };
}

function answer(
  queue: Queue,
  input: ReceiveMessageRequest,
  messages: readonly Message[],
  receivedAt: number,
): ReceiveMessageResult {
  const names = new Set<string>([
    ...(input.AttributeNames ?? []),
    ...(input.MessageSystemAttributeNames ?? []),
  ]);
  return {
    Messages: messages.map((message) =>
      formatMessage(queue, message, receivedAt, names, input.MessageAttributeNames),
    ),
  };
}

function formatMessage(
  queue: Queue,
  message: Message,
  receivedAt: number,
  systemNames: ReadonlySet<string>,
  attributeNames: readonly string[] | undefined,
): WireMessage {
  const stored = message.attributes as SqsMessageAttributes;
  const wire: WireMessage = {
    MessageId: message.id,
    ReceiptHandle: encodeReceiptHandle(message.receipt, receivedAt),
    MD5OfBody: stored.bodyMd5 ?? md5OfBody(message.body),
    Body: message.body,
  };
  if (systemNames.size > 0) {
    const system = systemAttributes(queue, message, stored, systemNames);
    if (system) wire.Attributes = system;
  }
  const selected = selectAttributes(stored.messageAttributes, attributeNames);
  if (selected) {
    // Of those that are sent, not of all the message has (observed).
    wire.MD5OfMessageAttributes = md5OfAttributes(selected);
    wire.MessageAttributes = toWire(selected);
  }
  return wire;
}

function systemAttributes(
  queue: Queue,
  message: Message,
  stored: SqsMessageAttributes,
  names: ReadonlySet<string>,
): Record<string, string> | undefined {
  const all: Record<string, string | undefined> = {
    SenderId: stored.senderId,
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
    ApproximateReceiveCount: String(message.receiveCount),
    SentTimestamp: String(message.sentAt),
    SequenceNumber: queue.fifo ? formatSequenceNumber(message.receipt.seq) : undefined,
    MessageDeduplicationId: stored.deduplicationId,
    MessageGroupId: stored.groupId,
    AWSTraceHeader: stored.traceHeader,
    DeadLetterQueueSourceArn: stored.deadLetterSourceArn,
  };
  const wantsAll = names.has('All');
  const wanted: Record<string, string> = {};
  let any = false;
  for (const name in all) {
    const value = all[name];
    if (value === undefined || !(wantsAll || names.has(name))) continue;
    wanted[name] = value;
    any = true;
  }
  return any ? wanted : undefined;
}

function toWire(attributes: MessageAttributes): WireMessage['MessageAttributes'] {
  const wire: NonNullable<WireMessage['MessageAttributes']> = {};
  for (const name in attributes) {
    const { DataType, StringValue, BinaryValue } = attributes[name] as MessageAttributes[string];
    wire[name] =
      BinaryValue === undefined
        ? { DataType, StringValue }
        : { DataType, BinaryValue: Buffer.from(BinaryValue, 'base64') };
  }
  return wire;
}

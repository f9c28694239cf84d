/**
 * DeleteMessage, ChangeMessageVisibility and their batches.
 *
 * Receipt handles: garbage is refused. In a standard queue the handle of an earlier receive deletes nothing and the
 * call succeeds; in a FIFO queue a handle whose visibility has ended is refused (both observed).
 */
import type {
  ChangeMessageVisibilityBatchRequest,
  ChangeMessageVisibilityBatchRequestEntry,
  ChangeMessageVisibilityBatchResult,
  ChangeMessageVisibilityRequest,
  DeleteMessageBatchRequest,
  DeleteMessageBatchRequestEntry,
  DeleteMessageBatchResult,
  DeleteMessageRequest,
} from '@aws-sdk/client-sqs';
import type { Queue } from '../../../domain/sqs-queue.ts';
import { decodeReceiptHandle, type ReceiptHandle } from '../../../domain/sqs-receipt-handle.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { checkBatch, forEachEntry } from '../batch.ts';
import { invalidParameter, missingParameter, requireQueue } from '../deps.ts';
import type { SqsParts } from '../parts.ts';

const MAX_VISIBILITY_SECONDS = 43_200;

export function deleteMessage(parts: SqsParts): Handler<DeleteMessageRequest, Record<string, never>> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    await deleteOne(parts, queue, input.ReceiptHandle);
    return {};
  };
}

export function deleteMessageBatch(
  parts: SqsParts,
): Handler<DeleteMessageBatchRequest, DeleteMessageBatchResult> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    checkBatch(input.Entries, 'DeleteMessageBatchRequestEntry');
    const entries = input.Entries as DeleteMessageBatchRequestEntry[];
    return forEachEntry(entries, (entry) => deleteOne(parts, queue, entry.ReceiptHandle));
  };
}

export function changeMessageVisibility(
  parts: SqsParts,
): Handler<ChangeMessageVisibilityRequest, Record<string, never>> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    await changeOne(parts, queue, input.ReceiptHandle, input.VisibilityTimeout);
    return {};
  };
}

export function changeMessageVisibilityBatch(
  parts: SqsParts,
): Handler<ChangeMessageVisibilityBatchRequest, ChangeMessageVisibilityBatchResult> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    checkBatch(input.Entries, 'ChangeMessageVisibilityBatchRequestEntry');
    const entries = input.Entries as ChangeMessageVisibilityBatchRequestEntry[];
    return forEachEntry(entries, (entry) =>
      changeOne(parts, queue, entry.ReceiptHandle, entry.VisibilityTimeout),
    );
  };
}

async function deleteOne(parts: SqsParts, queue: Queue, text: string | undefined): Promise<void> {
  const { receipt } = readHandle(queue, text);
  const now = parts.clock.now();
  const result = await parts.store.commit([{ kind: 'ack', receipt, heldAt: queue.fifo ? now : undefined }]);
  if (result.kind === 'committed') {
    parts.inFlight.settled(queue.messages, 1);
    if (queue.fifo) parts.attempts.touch(queue, receipt.id);
    return;
  }
  // A message that is gone has been deleted already: deleting is idempotent.
  if (queue.fifo && result.reason === 'StaleReceipt') {
    throw invalidParameter(
      `Value ${text} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.`,
    );
  }
}

async function changeOne(
  parts: SqsParts,
  queue: Queue,
  text: string | undefined,
  seconds: number | undefined,
): Promise<void> {
  if (seconds === undefined) throw missingParameter('VisibilityTimeout');
  const { receipt, receivedAt } = readHandle(queue, text);
  if (seconds < 0 || seconds > MAX_VISIBILITY_SECONDS) {
    throw invalidParameter(
      `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and ${MAX_VISIBILITY_SECONDS}.`,
    );
  }
  const now = parts.clock.now();
  const dueAt = now + seconds * 1000;
  if (dueAt - receivedAt > MAX_VISIBILITY_SECONDS * 1000) {
    throw invalidParameter(
      `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [${MAX_VISIBILITY_SECONDS} seconds].`,
    );
  }
  const result = await parts.store.commit([
    // Standard: a message whose visibility has ended may still be hidden anew by its last receiver (observed).
    { kind: 'reschedule', receipt, dueAt, release: seconds === 0, heldAt: queue.fifo ? now : undefined },
  ]);
  if (result.kind === 'conflict') {
    throw invalidParameter(
      `Value ${text} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
    );
  }
  if (queue.fifo) parts.attempts.touch(queue, receipt.id);
}

function readHandle(queue: Queue, text: string | undefined): ReceiptHandle {
  if (!text) throw missingParameter('ReceiptHandle');
  const handle = decodeReceiptHandle(queue.messages, text);
  if (!handle) {
    throw new ApiError(
      'ReceiptHandleIsInvalid',
      `The input receipt handle "${text}" is not a valid receipt handle.`,
    );
  }
  return handle;
}

/** SendMessage, SendMessageBatch. A message that got its id is durable. */
import type {
  SendMessageBatchRequest,
  SendMessageBatchRequestEntry,
  SendMessageBatchResult,
  SendMessageRequest,
  SendMessageResult,
} from '@aws-sdk/client-sqs';
import { isRefusal, type Refusal, refuse } from '../../../domain/refusal.ts';
import { formatSequenceNumber } from '../../../domain/sqs-fifo.ts';
import { md5OfAttributes, type SqsMessageAttributes } from '../../../domain/sqs-message.ts';
import {
  readMessageAttributes,
  readTraceHeader,
  type WireAttributes,
} from '../../../domain/sqs-message-attributes.ts';
import type { Queue } from '../../../domain/sqs-queue.ts';
import { checkMessage, newMessageId, planSend, sizeOfMessage } from '../../../domain/sqs-send.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import type { Send, Sent } from '../../../store/store.ts';
import { type BatchFailure, checkBatch, failEntry } from '../batch.ts';
import { missingParameter, raise, requireQueue } from '../deps.ts';
import type { SqsParts } from '../parts.ts';

/** AWS: all messages of a batch together. */
const MAX_BATCH_BYTES = 1_048_576;

export function sendMessage(parts: SqsParts): Handler<SendMessageRequest, SendMessageResult> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    if (!input.MessageBody) throw missingParameter('MessageBody');
    const send = prepare(parts, queue, input, 'SendMessage', context);
    if (isRefusal(send)) raise(send);
    const [sent] = await commit(parts, [send]);
    return resultOf(queue, send, sent as Sent);
  };
}

export function sendMessageBatch(parts: SqsParts): Handler<SendMessageBatchRequest, SendMessageBatchResult> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    checkBatch(input.Entries, 'SendMessageBatchRequestEntry');
    const entries = input.Entries as SendMessageBatchRequestEntry[];
    checkBatchSize(entries);
    const sends: { readonly id: string; readonly send: Send }[] = [];
    const Failed: BatchFailure[] = [];
    for (const entry of entries) {
      const id = entry.Id as string;
      if (!entry.MessageBody) {
        Failed.push(
          failEntry(id, 'MissingRequiredParameterException', missingParameter('MessageBody').message),
        );
        continue;
      }
      const send = prepare(parts, queue, entry, 'SendMessageBatch', context);
      if (!isRefusal(send)) sends.push({ id, send });
      else if (failsWholeBatch(queue, entry, send))
        raise(refuse('InvalidParameterValueException', send.message));
      else Failed.push(failEntry(id, send.error, inBatchWords(send.message)));
    }
    const sent =
      sends.length === 0
        ? []
        : await commit(
            parts,
            sends.map(({ send }) => send),
          );
    return {
      Successful: sends.map(({ id, send }, index) => ({
        Id: id,
        ...resultOf(queue, send, sent[index] as Sent),
      })) as SendMessageBatchResult['Successful'],
      Failed,
    };
  };
}

/** A FIFO entry without group or deduplication id takes the whole batch with it (observed). */
function failsWholeBatch(queue: Queue, entry: SendMessageBatchRequestEntry, refusal: Refusal): boolean {
  if (!queue.fifo) return false;
  return (
    (!entry.MessageGroupId && refusal.message.endsWith('MessageGroupId.')) ||
    (entry.MessageDeduplicationId === undefined && refusal.message.startsWith('The queue should either'))
  );
}

/** AWS words the size limit differently in a batch. */
function inBatchWords(message: string): string {
  return message.replace(
    'One or more parameters are invalid.',
    'One or more parameters cannot be validated.',
  );
}

function checkBatchSize(entries: readonly SendMessageBatchRequestEntry[]): void {
  let bytes = 0;
  for (const entry of entries) {
    const attributes = readMessageAttributes(entry.MessageAttributes as WireAttributes, 'SendMessageBatch');
    bytes += sizeOfMessage({
      body: entry.MessageBody ?? '',
      messageAttributes: isRefusal(attributes) ? undefined : attributes,
    });
  }
  if (bytes > MAX_BATCH_BYTES) {
    throw new ApiError(
      'BatchRequestTooLong',
      `Batch requests cannot be longer than ${MAX_BATCH_BYTES} bytes. You have sent ${bytes} bytes.`,
    );
  }
}

type Sending = Omit<SendMessageRequest, 'QueueUrl'>;

function prepare(
  parts: SqsParts,
  queue: Queue,
  input: Sending,
  operation: string,
  context: RequestContext,
): Send | Refusal {
  const messageAttributes = readMessageAttributes(input.MessageAttributes as WireAttributes, operation);
  if (isRefusal(messageAttributes)) return messageAttributes;
  const traceHeader = readTraceHeader(input.MessageSystemAttributes as WireAttributes);
  if (isRefusal(traceHeader)) return traceHeader;
  const message = {
    messageId: newMessageId(parts.ids),
    body: input.MessageBody as string,
    messageAttributes,
    senderId: senderIdOf(context),
    traceHeader: traceHeader ?? context.traceHeader,
    groupId: input.MessageGroupId,
    deduplicationId: input.MessageDeduplicationId,
    delayMs: input.DelaySeconds === undefined ? undefined : input.DelaySeconds * 1000,
  };
  return checkMessage(queue, message) ?? planSend(queue, message, parts.clock.now());
}

async function commit(parts: SqsParts, sends: readonly Send[]): Promise<readonly Sent[]> {
  const result = await parts.store.commit(sends);
  if (result.kind === 'conflict')
    throw new Error(`a send without conditions met a conflict: ${result.reason}`);
  return result.sent;
}

function resultOf(queue: Queue, send: Send, sent: Sent): SendMessageResult {
  const attributes = send.message.attributes as SqsMessageAttributes;
  const { messageAttributes, traceHeader } = attributes;
  const result: SendMessageResult = { MessageId: sent.receipt.id, MD5OfMessageBody: attributes.bodyMd5 };
  if (messageAttributes) result.MD5OfMessageAttributes = md5OfAttributes(messageAttributes);
  if (traceHeader !== undefined) {
    result.MD5OfMessageSystemAttributes = md5OfAttributes({
      AWSTraceHeader: { DataType: 'String', StringValue: traceHeader },
    });
  }
  if (queue.fifo) result.SequenceNumber = formatSequenceNumber(sent.receipt.seq);
  return result;
}

/** AWS: the id of the user or role; of the root user it is the account. */
function senderIdOf({ callerArn, accountId }: RequestContext): string {
  if (callerArn.endsWith(':root')) return accountId;
  return callerArn.slice(callerArn.lastIndexOf('/') + 1);
}

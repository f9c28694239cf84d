/**
 * One batch of a queue's messages: the event a function sees, which messages are done when it has answered,
 * and how long to wait before a refused batch is offered again.
 * Sources: AWS "Handling errors for an SQS event source in Lambda", "Using event filtering with an Amazon SQS
 * event source"; key order of records and the rules of partial responses observed.
 */
import type { Message } from '../store/store.ts';
import { compileEventPattern, isPatternFault, type Matcher } from './event-pattern.ts';
import type { Outcome } from './invocation.ts';
import { SYNC_PAYLOAD_BYTES } from './lambda-limits.ts';
import { countTurns } from './lineage.ts';
import { formatSequenceNumber } from './sqs-fifo.ts';
import {
  type MessageAttribute,
  md5OfAttributes,
  md5OfBody,
  type SqsMessageAttributes,
} from './sqs-message.ts';
import type { Queue } from './sqs-queue.ts';
import { encodeReceiptHandle } from './sqs-receipt-handle.ts';

/** A message as a poller holds it. */
export interface HeldMessage {
  readonly message: Message;
  /** Epoch ms. */
  readonly receivedAt: number;
  /** Until then nobody else gets it, epoch ms. */
  readonly heldUntil: number;
}

/** JSON text of one record. `withWindow`: the mapping has a batching window (then a digest may be null). */
function formatSqsRecord(held: HeldMessage, queue: Queue, region: string, withWindow: boolean): string {
  const { message, receivedAt } = held;
  const stored = message.attributes as SqsMessageAttributes;
  const md5 = stored.messageAttributes && md5OfAttributes(stored.messageAttributes);
  return JSON.stringify({
    messageId: message.id,
    receiptHandle: encodeReceiptHandle(message.receipt, receivedAt),
    body: message.body,
    attributes: {
      ApproximateReceiveCount: String(message.receiveCount),
      AWSTraceHeader: stored.traceHeader,
      SentTimestamp: String(message.sentAt),
      SequenceNumber: queue.fifo ? formatSequenceNumber(message.receipt.seq) : undefined,
      MessageGroupId: stored.groupId,
      SenderId: stored.senderId ?? queue.record.accountId,
      MessageDeduplicationId: stored.deduplicationId,
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt ?? receivedAt),
      DeadLetterQueueSourceArn: stored.deadLetterSourceArn,
    },
    messageAttributes: Object.fromEntries(
      Object.entries(stored.messageAttributes ?? {}).map(([name, value]) => [name, formatAttribute(value)]),
    ),
    md5OfMessageAttributes: md5 ?? (withWindow ? null : undefined),
    md5OfBody: stored.bodyMd5 ?? md5OfBody(message.body),
    eventSource: 'aws:sqs',
    eventSourceARN: queue.arn,
    awsRegion: region,
  });
}

function formatAttribute({ DataType, StringValue, BinaryValue }: MessageAttribute) {
  return {
    stringValue: StringValue,
    binaryValue: BinaryValue,
    stringListValues: [],
    binaryListValues: [],
    dataType: DataType,
  };
}

/** Trace header of the messages of a batch: of the one that has come round most often. */
export function traceHeaderOfBatch(batch: readonly HeldMessage[], functionArn: string): string | undefined {
  let chosen: string | undefined;
  for (const { message } of batch) {
    const { traceHeader } = message.attributes as SqsMessageAttributes;
    if (traceHeader === undefined) continue;
    if (chosen === undefined || countTurns(traceHeader, functionArn) > countTurns(chosen, functionArn)) {
      chosen = traceHeader;
    }
  }
  return chosen;
}

export function formatSqsEvent(records: readonly string[]): string {
  return `{"Records":[${records.join(',')}]}`;
}

/** Bytes of records that one event can hold. */
export const MAX_BATCH_BYTES = SYNC_PAYLOAD_BYTES - '{"Records":[]}'.length;

/** Records of as many messages, from the first, as fit into one event; of one at least. */
export function formatSqsRecords(
  batch: readonly HeldMessage[],
  queue: Queue,
  region: string,
  withWindow: boolean,
): string[] {
  const records: string[] = [];
  let bytes = 0;
  for (const held of batch) {
    const record = formatSqsRecord(held, queue, region, withWindow);
    bytes += Buffer.byteLength(record) + 1;
    if (records.length > 0 && bytes > MAX_BATCH_BYTES) break;
    records.push(record);
  }
  return records;
}

/** Which bodies a mapping wants. What it does not want is deleted without a run. */
export function compileBodyFilter(patterns: readonly string[] | undefined): (body: string) => boolean {
  if (!patterns || patterns.length === 0) return () => true;
  const filters = patterns.map(compileFilter);
  return (body) => {
    const parsed = parseBody(body);
    return filters.some((filter) => filter(body, parsed));
  };
}

/** Objects and lists are data; everything else is plain text. */
function parseBody(body: string): object | undefined {
  const first = /^\s*(.)/.exec(body)?.[1];
  if (first !== '{' && first !== '[') return undefined;
  try {
    return JSON.parse(body) as object;
  } catch {
    return undefined;
  }
}

type BodyFilter = (body: string, parsed: object | undefined) => boolean;
const EVERYTHING: BodyFilter = () => true;
const NOTHING: BodyFilter = () => false;

/** Only the field `body` of a pattern means anything for SQS. */
function compileFilter(text: string): BodyFilter {
  const pattern = JSON.parse(text) as Record<string, unknown>;
  const wanted = pattern.body;
  if (wanted === undefined) return EVERYTHING;
  const matcher: Matcher | { kind: 'fault' } = compileEventPattern({ body: wanted });
  if (typeof matcher !== 'function' && isPatternFault(matcher as never)) return NOTHING;
  const matches = matcher as Matcher;
  // Text is compared with lists of values, data with objects; the one never matches the other.
  if (Array.isArray(wanted)) return (body, parsed) => parsed === undefined && matches({ body });
  return (_body, parsed) => parsed !== undefined && matches({ body: parsed });
}

export type BatchDecision =
  /** Those named are done and leave the queue; the others come back when their visibility ends. */
  | {
      readonly kind: 'settle';
      readonly done: readonly HeldMessage[];
      readonly failed: readonly HeldMessage[];
    }
  /** Nothing ran: offer the same batch again while it is held. */
  | { readonly kind: 'offerAgain' };

/** What a run means for the messages of its batch. */
export function decideBatch(
  outcome: Outcome,
  batch: readonly HeldMessage[],
  reportsFailures: boolean,
): BatchDecision {
  switch (outcome.kind) {
    case 'functionError':
      return { kind: 'settle', done: [], failed: batch };
    case 'throttled':
    case 'systemError':
    case 'gone':
      return { kind: 'offerAgain' };
    case 'succeeded': {
      if (!reportsFailures) return { kind: 'settle', done: batch, failed: [] };
      const failedIds = readBatchItemFailures(
        outcome.payload,
        new Set(batch.map(({ message }) => message.id)),
      );
      if (failedIds === undefined) return { kind: 'settle', done: [], failed: batch };
      return {
        kind: 'settle',
        done: batch.filter(({ message }) => !failedIds.has(message.id)),
        failed: batch.filter(({ message }) => failedIds.has(message.id)),
      };
    }
  }
}

/** Ids that failed; `undefined` when the response makes no sense and the whole batch counts as failed. */
export function readBatchItemFailures(payload: string, ids: ReadonlySet<string>): Set<string> | undefined {
  let response: unknown;
  try {
    response = JSON.parse(payload);
  } catch {
    return undefined;
  }
  if (response === null) return new Set();
  if (typeof response !== 'object' || Array.isArray(response)) return undefined;
  const { batchItemFailures } = response as { batchItemFailures?: unknown };
  if (batchItemFailures === undefined || batchItemFailures === null) return new Set();
  if (!Array.isArray(batchItemFailures)) return undefined;
  const failed = new Set<string>();
  for (const item of batchItemFailures as unknown[]) {
    const id = (item as { itemIdentifier?: unknown } | null)?.itemIdentifier;
    if (typeof id !== 'string' || !ids.has(id)) return undefined;
    failed.add(id);
  }
  return failed;
}

/**
 * Splits what was received into batches. Each inner list is run one batch after the other, different lists at
 * the same time: of a FIFO queue there is one list, for its order must hold. A message that came back is run
 * alone, so that a poisonous one cannot fail its neighbours a second time, unless the function reports
 * failures itself.
 */
export function planBatches(
  messages: readonly HeldMessage[],
  options: { readonly batchSize: number; readonly fifo: boolean; readonly reportsFailures: boolean },
): HeldMessage[][][] {
  const alone = ({ message }: HeldMessage) => !options.reportsFailures && message.receiveCount > 1;
  if (options.fifo) {
    const batches: HeldMessage[][] = [];
    for (const held of messages) {
      const last = batches.at(-1);
      const joins = last && last.length < options.batchSize && !alone(held) && !alone(last[0] as HeldMessage);
      if (joins) last.push(held);
      else batches.push([held]);
    }
    return batches.length === 0 ? [] : [batches];
  }
  const fresh = messages.filter((held) => !alone(held));
  const lists: HeldMessage[][][] = [];
  for (let at = 0; at < fresh.length; at += options.batchSize) {
    lists.push([fresh.slice(at, at + options.batchSize)]);
  }
  return [...lists, ...messages.filter(alone).map((held) => [[held]])];
}

/** First wait before a batch is offered again; doubles up to the second. */
const OFFER_AGAIN_FIRST_MS = 2_000;
const OFFER_AGAIN_MAX_MS = 30_000;

/** @param refusals how often the batch was refused, from 1 */
export function offerAgainDelayMs(refusals: number): number {
  return Math.min(OFFER_AGAIN_MAX_MS, OFFER_AGAIN_FIRST_MS * 2 ** Math.min(refusals - 1, 10));
}

/** Concurrent batches a mapping starts with, gains per minute, and never exceeds. */
export const INITIAL_CONCURRENCY = 5;
const CONCURRENCY_PER_MINUTE = 300;
const MAX_CONCURRENCY = 1_250;
const LOW_CONCURRENCY = 2;

export interface Scale {
  /** Batches that may run at once. */
  readonly limit: number;
  /** When it last changed, epoch ms. */
  readonly changedAt: number;
}

/** After a good batch: more, as far as time allows, while all places are taken. */
export function scaleUp(scale: Scale, cap: number | undefined, saturated: boolean, now: number): Scale {
  const most = Math.min(cap ?? MAX_CONCURRENCY, MAX_CONCURRENCY);
  if (scale.limit > most) return { limit: most, changedAt: now };
  if (!saturated || scale.limit === most) return { limit: scale.limit, changedAt: now };
  const gained = Math.floor(((now - scale.changedAt) * CONCURRENCY_PER_MINUTE) / 60_000);
  return gained === 0 ? scale : { limit: Math.min(most, scale.limit + gained), changedAt: now };
}

/** After a bad one: half, but never fewer than two. */
export function scaleDown(scale: Scale, now: number): Scale {
  return { limit: Math.max(LOW_CONCURRENCY, Math.floor(scale.limit / 2)), changedAt: now };
}

/**
 * What first-in-first-out queues add: ids, deduplication keys, sequence numbers.
 * Source: SendMessage in the API reference; "Exactly-once processing in Amazon SQS".
 */
import { hash } from 'node:crypto';
import { type Refusal, refuse } from './refusal.ts';
import type { Queue } from './sqs-queue.ts';

/** AWS: "the 5-minute deduplication interval". */
export const DEDUPLICATION_MS = 5 * 60_000;

/** Alphanumeric and punctuation: the printable ASCII characters without the space. */
const ID_PATTERN = /^[\x21-\x7e]{1,128}$/;

/** For `MessageGroupId`, `MessageDeduplicationId` and `ReceiveRequestAttemptId`. */
export function checkFifoId(parameter: string, value: string): Refusal | undefined {
  if (ID_PATTERN.test(value)) return undefined;
  return refuse(
    'InvalidParameterValueException',
    `Value ${value} for parameter ${parameter} is invalid. Reason: ${parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.`,
  );
}

/** The id AWS derives when a queue deduplicates by content: of the body, not of the attributes. */
export function contentDeduplicationId(body: string): string {
  return hash('sha256', body, 'hex');
}

/** What the store remembers a message by. Ids contain no spaces, so group and id cannot run into each other. */
export function deduplicationKey(queue: Queue, groupId: string, deduplicationId: string): string {
  return queue.deduplicationScope === 'messageGroup' ? `${groupId} ${deduplicationId}` : deduplicationId;
}

/** AWS: 128 bits, twenty digits, growing, not consecutive. */
const SEQUENCE_BASE = 18_850_000_000_000_000_000n;
const SEQUENCE_STEP = 256n;

/** Follows from the position in the store, so a duplicate gets the number of the first. */
export function formatSequenceNumber(seq: number): string {
  return (SEQUENCE_BASE + BigInt(seq) * SEQUENCE_STEP).toString();
}

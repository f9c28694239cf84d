/**
 * A queue as it is kept and as decisions see it. The record holds only what was set; `viewQueue` adds AWS's
 * defaults. A queue's messages live in a store queue of their own, so that anyone who plans a commit can put
 * a message into it beside its own effects (`planSendToQueue` in sqs-send.ts).
 */
import type { JsonObject, Resources } from '../store/store.ts';
import { formatArn, parseArn } from './arn.ts';

/** Collection of queue records, by queue name. */
export const QUEUES = 'sqs-queues';
/** Collection of names whose queue was deleted less than `NAME_REUSE_WAIT_MS` ago. */
export const DELETED_QUEUES = 'sqs-deleted-queues';

/** AWS: "You must wait 60 seconds after deleting a queue before you can create another with the same name." */
export const NAME_REUSE_WAIT_MS = 60_000;
/** AWS: one PurgeQueue a minute. */
export const PURGE_INTERVAL_MS = 60_000;

/** Prefix of the store queues that hold messages of SQS queues. */
export const QUEUE_MESSAGES_PREFIX = 'sqs:';

/** Store queue that holds the messages of a queue. */
export function queueMessagesName(queueName: string): string {
  return QUEUE_MESSAGES_PREFIX + queueName;
}

export function queueNameOfMessages(storeQueue: string): string {
  return storeQueue.slice(QUEUE_MESSAGES_PREFIX.length);
}

/** What is stored of a queue. */
export interface QueueRecord extends JsonObject {
  name: string;
  arn: string;
  /** Epoch ms. */
  createdAt: number;
  modifiedAt: number;
  /** Attributes that were set, in AWS's names and spelling; defaults are not stored. */
  attributes: { [name: string]: string };
  tags: { [key: string]: string };
  /** Last PurgeQueue, epoch ms. */
  purgedAt?: number;
}

export interface DeletedQueueRecord extends JsonObject {
  /** Epoch ms. */
  deletedAt: number;
}

export interface RedrivePolicy {
  readonly deadLetterTargetArn: string;
  /** A message received more often than this moves to the dead-letter queue. */
  readonly maxReceiveCount: number;
}

/** A queue with its settings as numbers and flags. */
export interface Queue {
  readonly name: string;
  readonly arn: string;
  /** Store queue of its messages. */
  readonly messages: string;
  readonly fifo: boolean;
  readonly delayMs: number;
  readonly visibilityMs: number;
  readonly maxMessageBytes: number;
  readonly retentionMs: number;
  readonly waitMs: number;
  readonly redrive?: RedrivePolicy;
  readonly contentBasedDeduplication: boolean;
  readonly deduplicationScope: 'queue' | 'messageGroup';
  readonly record: QueueRecord;
}

/** Source: CreateQueue, "SQS message quotas"; maximum size since August 2025. */
export const QUEUE_DEFAULTS = {
  DelaySeconds: '0',
  MaximumMessageSize: '1048576',
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
  VisibilityTimeout: '30',
} as const;

export function viewQueue(record: QueueRecord): Queue {
  const { attributes } = record;
  const seconds = (name: keyof typeof QUEUE_DEFAULTS) =>
    Number(attributes[name] ?? QUEUE_DEFAULTS[name]) * 1000;
  return {
    name: record.name,
    arn: record.arn,
    messages: queueMessagesName(record.name),
    fifo: isFifoName(record.name),
    delayMs: seconds('DelaySeconds'),
    visibilityMs: seconds('VisibilityTimeout'),
    maxMessageBytes: Number(attributes.MaximumMessageSize ?? QUEUE_DEFAULTS.MaximumMessageSize),
    retentionMs: seconds('MessageRetentionPeriod'),
    waitMs: seconds('ReceiveMessageWaitTimeSeconds'),
    redrive: attributes.RedrivePolicy ? (JSON.parse(attributes.RedrivePolicy) as RedrivePolicy) : undefined,
    contentBasedDeduplication: attributes.ContentBasedDeduplication === 'true',
    deduplicationScope: attributes.DeduplicationScope === 'messageGroup' ? 'messageGroup' : 'queue',
    record,
  };
}

/** Views are made once per stored version: the record's object changes with it. */
const views = new WeakMap<QueueRecord, Queue>();

export function readQueue(resources: Resources, queueName: string): Queue | undefined {
  const record = resources.get<QueueRecord>(QUEUES, queueName)?.value;
  if (!record) return undefined;
  let view = views.get(record);
  if (!view) {
    view = viewQueue(record);
    views.set(record, view);
  }
  return view;
}

/** The queue of an ARN of this account and region. */
export function readQueueByArn(resources: Resources, arn: string): Queue | undefined {
  const ref = parseQueueArn(arn);
  const queue = ref && readQueue(resources, ref.name);
  return queue?.arn === arn ? queue : undefined;
}

export function isFifoName(queueName: string): boolean {
  return queueName.endsWith('.fifo');
}

export function queueArn(region: string, accountId: string, queueName: string): string {
  return formatArn('sqs', region, accountId, queueName);
}

export interface QueueRef {
  readonly name: string;
  readonly region: string;
  readonly accountId: string;
}

/** `undefined` when the text is not the ARN of a queue. */
export function parseQueueArn(arn: string): QueueRef | undefined {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'sqs' || parsed.resource.includes(':')) return undefined;
  return { name: parsed.resource, region: parsed.region, accountId: parsed.accountId };
}

export function formatQueueUrl(origin: string, accountId: string, queueName: string): string {
  return `${origin}/${accountId}/${queueName}`;
}

/**
 * Reads every style of queue URL that clients use: `http://host/account/name`, `http://sqs.region.host/account/name`,
 * `http://region.queue.host/account/name`, `http://host/queue/region/account/name`, the path alone, the name alone.
 * The account is absent when the text names none.
 */
export function parseQueueUrl(
  url: string,
): { readonly name: string; readonly accountId?: string } | undefined {
  const scheme = url.indexOf('://');
  const pathStart = scheme === -1 ? 0 : url.indexOf('/', scheme + 3);
  if (pathStart === -1) return undefined;
  const query = url.indexOf('?', pathStart);
  let end = query === -1 ? url.length : query;
  while (end > pathStart && url.charCodeAt(end - 1) === SLASH) end--;
  const nameStart = Math.max(url.lastIndexOf('/', end - 1) + 1, pathStart);
  const name = url.slice(nameStart, end);
  if (name === '' || name === '/') return undefined;
  const accountStart = nameStart > 1 ? Math.max(url.lastIndexOf('/', nameStart - 2) + 1, pathStart) : 0;
  const account = url.slice(accountStart, Math.max(accountStart, nameStart - 1));
  return ACCOUNT_ID.test(account) ? { name, accountId: account } : { name };
}

const SLASH = 47;
const ACCOUNT_ID = /^\d{12}$/;

/**
 * Publications that wait in their topic's queue: those of FIFO topics, which are put in order there and freed of
 * duplicates, and those that a function's end publishes in its own commit.
 */
import type { Ids } from '../platform/ids.ts';
import type { JsonObject, Message, Send } from '../store/store.ts';
import type { CheckedMessage, Publication } from './sns-message.ts';
import { isFifoTopic, type TopicRecord, topicQueue } from './sns-topic.ts';
import { DEDUPLICATION_MS, formatSequenceNumber } from './sqs-fifo.ts';

/** Private state of a message in a topic's queue: the publication without its ids. */
interface WaitingPublication extends JsonObject {
  texts: { [protocol: string]: string };
  subject?: string;
  attributes: { [name: string]: JsonObject };
  traceHeader?: string;
  groupId?: string;
  deduplicationId?: string;
}

export interface PublicationOrigin {
  readonly ids: Ids;
  readonly now: number;
  readonly traceHeader?: string;
}

/** The id of the message sent is the publication's. */
export function planPublication(
  topic: TopicRecord,
  message: CheckedMessage,
  { ids, now, traceHeader }: PublicationOrigin,
): Send {
  const { groupId, deduplicationId } = message;
  const state: WaitingPublication = {
    texts: { ...message.texts },
    subject: message.subject,
    attributes: { ...message.attributes },
    traceHeader,
    groupId,
    deduplicationId,
  };
  const waiting = { id: ids.ordered(), dueAt: now, sentAt: now, body: '', state };
  const send = { kind: 'send', queue: topicQueue(topic.name) } as const;
  if (!isFifoTopic(topic.name)) return { ...send, message: waiting };
  const group = groupId as string;
  return {
    ...send,
    message: { ...waiting, group },
    dedup: {
      key: deduplicationKey(topic, group, deduplicationId as string),
      until: now + DEDUPLICATION_MS,
    },
  };
}

/** AWS: FifoThroughputScope decides whether ids are compared in the topic or in the group. */
function deduplicationKey(topic: TopicRecord, groupId: string, deduplicationId: string): string {
  return topic.attributes.FifoThroughputScope === 'MessageGroup'
    ? `${groupId} ${deduplicationId}`
    : deduplicationId;
}

/** A publication as it is taken out of its topic's queue. */
export function readPublication(
  topic: TopicRecord,
  message: Pick<Message, 'id' | 'state' | 'sentAt' | 'receipt'>,
): Publication {
  const waiting = message.state as unknown as WaitingPublication;
  return {
    ...waiting,
    attributes: waiting.attributes as Publication['attributes'],
    messageId: message.id,
    topicArn: topic.arn,
    publishedAt: message.sentAt,
    sequenceNumber: isFifoTopic(topic.name) ? formatSequenceNumber(message.receipt.seq) : undefined,
  };
}

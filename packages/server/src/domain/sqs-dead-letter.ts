/**
 * The redrive policy, decided when messages are received: one that would be handed out more often than
 * `maxReceiveCount` goes to the dead-letter queue instead, in one commit.
 * Source: "Using dead-letter queues in Amazon SQS"; counts and kept fields observed.
 */
import type { Message, NewMessage, Unit } from '../store/store.ts';
import type { SqsMessageAttributes } from './sqs-message.ts';
import type { Queue } from './sqs-queue.ts';

export interface DeadLetterDecision {
  readonly deliver: readonly Message[];
  /** One unit per message: another consumer's receipt may have become current meanwhile, of that message only. */
  readonly moves: readonly Unit[];
}

/** `deadLetterQueue` absent: there is no policy, or its queue is gone; then everything is delivered. */
export function decideDeadLetters(
  messages: readonly Message[],
  source: Queue,
  deadLetterQueue: Queue | undefined,
  now: number,
): DeadLetterDecision {
  const limit = source.redrive?.maxReceiveCount;
  if (limit === undefined || !deadLetterQueue) return { deliver: messages, moves: [] };
  const deliver: Message[] = [];
  const moves: Unit[] = [];
  for (const message of messages) {
    const { receivedBefore = 0 } = message.attributes as SqsMessageAttributes;
    if (message.receiveCount - receivedBefore > limit)
      moves.push(planMove(message, source, deadLetterQueue, now));
    else deliver.push(message);
  }
  return { deliver, moves };
}

function planMove(message: Message, source: Queue, target: Queue, now: number): Unit {
  const attributes: SqsMessageAttributes = {
    ...(message.attributes as SqsMessageAttributes),
    deadLetterSourceArn: source.arn,
    deadLetteredAt: now,
    // The receive that found it out was not handed to anyone.
    receivedBefore: message.receiveCount - 1,
  };
  // Two messages that share a deduplication id must both fit into the dead-letter queue.
  if (target.fifo) attributes.deduplicationId = message.id;
  const moved: NewMessage = {
    id: message.id,
    dueAt: now,
    // Retention counts from the first sending, but in FIFO queues from the move.
    sentAt: target.fifo ? now : message.sentAt,
    ...(message.subject === undefined ? { body: message.body } : { subject: message.subject }),
    attributes,
    state: message.state,
    group: message.group,
    receiveCount: message.receiveCount - 1,
    firstReceivedAt: message.firstReceivedAt,
  };
  return [
    { kind: 'ack', receipt: message.receipt },
    { kind: 'send', queue: target.messages, message: moved },
  ];
}

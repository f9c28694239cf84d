/**
 * Takes messages out of a queue for one consumer: what has been received too often goes to the dead-letter queue
 * on the way, and a queue never has more in flight than its limit.
 */
import { decideDeadLetters } from '../../domain/sqs-dead-letter.ts';
import { type Queue, readQueueByArn } from '../../domain/sqs-queue.ts';
import type { Message } from '../../store/store.ts';
import type { SqsDeps } from './deps.ts';
import type { InFlightLimit } from './in-flight-limit.ts';

/** Rounds of one receive that may move poison out of the way before it comes back with nothing. */
const MAX_ROUNDS = 20;

export interface Taken {
  readonly messages: readonly Message[];
  /** When they were received, epoch ms. */
  readonly receivedAt: number;
  /** Nothing was handed out because the queue has too many in flight. */
  readonly overLimit: boolean;
}

export class Receiver {
  readonly #deps: SqsDeps;
  readonly #limit: InFlightLimit;

  constructor(deps: SqsDeps, limit: InFlightLimit) {
    this.#deps = deps;
    this.#limit = limit;
  }

  async take(queue: Queue, max: number, visibilityMs: number): Promise<Taken> {
    const { store, clock } = this.#deps;
    const receivedAt = clock.now();
    const admitted = await this.#limit.admit(queue.messages, max, receivedAt);
    if (admitted === 0) return { messages: [], receivedAt, overLimit: true };
    const deadLetterQueue =
      queue.redrive && readQueueByArn(store.resources, queue.redrive.deadLetterTargetArn);
    const taken: Message[] = [];
    for (let round = 0; round < MAX_ROUNDS && taken.length < admitted; round++) {
      const received = await store.receive({
        queue: queue.messages,
        max: admitted - taken.length,
        now: receivedAt,
        leaseMs: visibilityMs,
      });
      const { deliver, moves } = decideDeadLetters(received, queue, deadLetterQueue, receivedAt);
      if (moves.length === 0) {
        if (taken.length === 0) {
          this.#limit.handedOut(queue.messages, deliver.length);
          return { messages: deliver, receivedAt, overLimit: false };
        }
        taken.push(...deliver);
        break;
      }
      // A conflict: with a visibility of 0 another receiver has it by now, and will move it.
      await Promise.all(moves.map((unit) => store.commit(unit)));
      taken.push(...deliver);
    }
    this.#limit.handedOut(queue.messages, taken.length);
    return { messages: taken, receivedAt, overLimit: false };
  }

  /** Makes messages receivable at once whose consumer has gone. */
  giveBack(queue: Queue, messages: readonly Message[]): void {
    const { store, clock, log, activity } = this.#deps;
    const now = clock.now();
    for (const message of messages) {
      const work = store.commit([
        { kind: 'reschedule', receipt: message.receipt, dueAt: now, release: true },
      ]);
      activity.track(work).catch((error: unknown) => {
        // It comes back by itself when its visibility ends.
        log.warn({ err: error, queue: queue.name, messageId: message.id }, 'could not give a message back');
      });
    }
  }
}

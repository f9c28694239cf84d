/**
 * `ReceiveRequestAttemptId`: a receive from a FIFO queue that is repeated with the same id within five minutes gets
 * the same messages and handles, hidden anew, as long as none of them has been touched.
 * Kept in memory only: after a restart a repeated receive waits for the visibility to end, and order stays intact.
 * Source: ReceiveMessage in the API reference.
 */
import type { Queue } from '../../domain/sqs-queue.ts';
import type { Message } from '../../store/store.ts';
import type { SqsDeps } from './deps.ts';

interface Attempt {
  readonly messages: readonly Message[];
  readonly receivedAt: number;
  readonly expiresAt: number;
}

/** AWS: "You can use ReceiveRequestAttemptId only for 5 minutes after a ReceiveMessage action." */
const KEEP_MS = 5 * 60_000;
const MAX_KEPT = 10_000;

export class ReceiveAttempts {
  /** By queue and attempt id, oldest first. */
  readonly #attempts = new Map<string, Attempt>();
  /** Attempt key by queue and message id. */
  readonly #byMessage = new Map<string, string>();
  readonly #deps: SqsDeps;

  constructor(deps: SqsDeps) {
    this.#deps = deps;
  }

  remember(queue: Queue, attemptId: string, messages: readonly Message[], receivedAt: number): void {
    for (const [key, attempt] of this.#attempts) {
      if (attempt.expiresAt > receivedAt && this.#attempts.size < MAX_KEPT) break;
      this.#forget(key);
    }
    const key = keyOf(queue.messages, attemptId);
    this.#forget(key);
    this.#attempts.set(key, { messages, receivedAt, expiresAt: receivedAt + KEEP_MS });
    for (const message of messages) this.#byMessage.set(keyOf(message.queue, message.id), key);
  }

  /** The messages of the earlier receive, hidden anew; `undefined` when it cannot be repeated. */
  async repeat(
    queue: Queue,
    attemptId: string,
    visibilityMs: number,
  ): Promise<Pick<Attempt, 'messages' | 'receivedAt'> | undefined> {
    const key = keyOf(queue.messages, attemptId);
    const attempt = this.#attempts.get(key);
    const now = this.#deps.clock.now();
    if (!attempt || attempt.expiresAt <= now) return undefined;
    const result = await this.#deps.store.commit(
      attempt.messages.map((message) => ({
        kind: 'reschedule' as const,
        receipt: message.receipt,
        dueAt: now + visibilityMs,
        release: false,
        heldAt: now,
      })),
    );
    if (result.kind === 'committed') return attempt;
    this.#forget(key);
    return undefined;
  }

  /** One of the messages was deleted or its visibility changed: its receive can no longer be repeated. */
  touch(queue: Queue, messageId: string): void {
    const key = this.#byMessage.get(keyOf(queue.messages, messageId));
    if (key !== undefined) this.#forget(key);
  }

  #forget(key: string): void {
    const attempt = this.#attempts.get(key);
    if (!attempt) return;
    this.#attempts.delete(key);
    for (const message of attempt.messages) {
      const messageKey = keyOf(message.queue, message.id);
      if (this.#byMessage.get(messageKey) === key) this.#byMessage.delete(messageKey);
    }
  }
}

function keyOf(storeQueue: string, id: string): string {
  return `${storeQueue} ${id}`;
}

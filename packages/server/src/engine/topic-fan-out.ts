/**
 * Takes what waits in the topics' queues (everything of FIFO topics, in the order of each group; of standard topics
 * what functions' ends published) and hands it to the subscriptions: one commit removes it here and puts it there, so
 * it arrives once, whatever crashes.
 */
import type { Publication } from '../domain/sns-message.ts';
import { readPublication } from '../domain/sns-publish.ts';
import { TOPIC_QUEUE_PREFIX, topicOfQueue } from '../domain/sns-topic.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Effect, Message, Store } from '../store/store.ts';
import type { Topics } from './topics.ts';

const BATCH = 32;
/** How long a batch is held; after a crash it comes back by then. */
const HOLD_MS = 10_000;
const RETRY_MS = 1_000;

export interface TopicFanOutDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly log: Log;
  readonly topics: Topics;
  readonly holder: string;
}

export class TopicFanOut {
  readonly #deps: TopicFanOutDeps;
  /** Queues being emptied; `true`: something came while they were. */
  readonly #busy = new Map<string, boolean>();
  readonly #timers = new Map<string, { readonly at: number; readonly handle: Timer }>();
  #unsubscribe: (() => void) | undefined;
  #stopped = false;

  constructor(deps: TopicFanOutDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    const { store } = this.#deps;
    this.#unsubscribe = store.onQueueChange((changes) => {
      for (const { queue, dueAt } of changes) {
        if (queue.startsWith(TOPIC_QUEUE_PREFIX)) this.#expect(queue, dueAt);
      }
    });
    for (const { queue, dueAt } of await store.readNextDue(TOPIC_QUEUE_PREFIX)) this.#expect(queue, dueAt);
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe?.();
    for (const { handle } of this.#timers.values()) handle.cancel();
  }

  /** Something of the queue can be received at `at`: new messages at once, held ones when their holder is gone. */
  #expect(queue: string, at: number): void {
    if (this.#stopped) return;
    const { clock, activity, log } = this.#deps;
    if (at > clock.now()) {
      this.#wait(queue, at);
      return;
    }
    if (this.#busy.has(queue)) {
      this.#busy.set(queue, true);
      return;
    }
    this.#busy.set(queue, false);
    const end = activity.begin();
    this.#empty(queue)
      .catch((error: unknown) => {
        log.error({ err: error, queue }, 'handing out a topic failed; it will be tried again');
        this.#wait(queue, clock.now() + RETRY_MS);
      })
      .finally(() => {
        this.#busy.delete(queue);
        end();
      });
  }

  #wait(queue: string, at: number): void {
    const known = this.#timers.get(queue);
    if (known && known.at <= at) return;
    known?.handle.cancel();
    const handle = this.#deps.clock.schedule(at, () => {
      this.#timers.delete(queue);
      this.#expect(queue, at);
    });
    this.#timers.set(queue, { at, handle });
  }

  async #empty(queue: string): Promise<void> {
    const { store, clock, holder } = this.#deps;
    do {
      this.#busy.set(queue, false);
      for (;;) {
        if (this.#stopped) return;
        const now = clock.now();
        const messages = await store.receive({ queue, max: BATCH, now, leaseMs: HOLD_MS, holder });
        if (messages.length === 0) break;
        await this.#handOut(topicOfQueue(queue), messages);
      }
      await this.#sleep(queue);
    } while (this.#busy.get(queue));
  }

  /** Until what is still held can be received. */
  async #sleep(queue: string): Promise<void> {
    const found = await this.#deps.store.readNextDue(queue);
    const next = found.find((each) => each.queue === queue);
    if (next && !this.#stopped) this.#wait(queue, next.dueAt);
  }

  /** The whole batch in one commit: two messages of a group must not change places. */
  async #handOut(topicName: string, messages: readonly Message[]): Promise<void> {
    const { store, topics } = this.#deps;
    const acks = messages.map((message): Effect => ({ kind: 'ack', receipt: message.receipt }));
    const topic = topics.find(topicName);
    // The topic was deleted, and its messages with it.
    if (!topic) {
      await store.commit(acks);
      return;
    }
    const publications = messages.map((message) => readPublication(topic, message));
    const plans = await Promise.all(publications.map((publication) => topics.plan(topic, publication)));
    const result = await store.commit([...acks, ...plans.flatMap(({ effects }) => effects)]);
    // A conflict: the hold ran out and another node has handed them out.
    if (result.kind === 'conflict') return;
    for (const [index, plan] of plans.entries()) {
      topics.report(topic, publications[index] as Publication, plan);
    }
  }
}

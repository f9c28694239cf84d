/**
 * One event source mapping at work: takes messages from its queue, runs its function on batches of them, and
 * deletes what was processed, never anything else. What was not processed comes back when its visibility ends.
 *
 * A batch that was refused (throttled) is offered again under the same lease, so a throttle does not count as a
 * receive; once the lease is over the messages belong to whoever receives them next.
 */
import {
  compileBodyFilter,
  decideBatch,
  formatSqsEvent,
  formatSqsRecords,
  type HeldMessage,
  INITIAL_CONCURRENCY,
  MAX_BATCH_BYTES,
  offerAgainDelayMs,
  planBatches,
  type Scale,
  scaleDown,
  scaleUp,
  traceHeaderOfBatch,
} from '../domain/event-source-batch.ts';
import type { EventSourceMappingRecord } from '../domain/event-source-mapping.ts';
import { readFunction, readRecursiveLoop } from '../domain/lambda-function.ts';
import { formatFunctionArn } from '../domain/lambda-names.ts';
import { isRecursive } from '../domain/lineage.ts';
import { decideDeadLetters } from '../domain/sqs-dead-letter.ts';
import { parseQueueArn, type Queue, queueMessagesName, readQueueByArn } from '../domain/sqs-queue.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import type { Message, Store } from '../store/store.ts';
import { BatchWindow } from './batch-window.ts';
import type { InvocationEngine } from './engine.ts';

export interface PollerDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly activity: Activity;
  readonly log: Log;
  readonly engine: InvocationEngine;
  /** Names this process as the holder of messages: they come back at once when it has died. */
  readonly holder: string;
}

/** Pause before looking again when the store has something due that could not be received. */
const LOOK_AGAIN_MS = 1_000;
/** Messages received at once for several batches. */
const MAX_RECEIVED = 200;
/** Pause after an unexpected failure (a store that is unavailable). */
const RECOVER_MS = 1_000;

export class QueuePoller {
  readonly #deps: PollerDeps;
  #mapping: EventSourceMappingRecord;
  #wanted: (body: string) => boolean;
  #running = 0;
  /** Held, and waiting for a free place: lists of batches that are run one after the other. */
  #ready: HeldMessage[][][] = [];
  /** FIFO groups whose first message failed: while there are any, messages are received one by one, so that those behind it are not counted as received. */
  readonly #troubled = new Set<string>();
  readonly #window: BatchWindow;
  #scale: Scale;
  #pumping = false;
  #again = false;
  #stopped = false;
  #wake: { readonly at: number; readonly timer: Timer } | undefined;
  /** Waits of refused batches; ended by `stop`. */
  readonly #waits = new Set<() => void>();
  readonly #idle: (() => void)[] = [];

  constructor(deps: PollerDeps, mapping: EventSourceMappingRecord) {
    this.#deps = deps;
    this.#mapping = mapping;
    this.#wanted = compileBodyFilter(mapping.filterPatterns);
    this.#window = new BatchWindow(deps.clock, () => this.#endWindow());
    this.#scale = { limit: INITIAL_CONCURRENCY, changedAt: deps.clock.now() };
  }

  start(): void {
    void this.#pump();
  }

  /** Takes up changed settings; batches under way keep the old ones. */
  update(mapping: EventSourceMappingRecord): void {
    this.#mapping = mapping;
    this.#wanted = compileBodyFilter(mapping.filterPatterns);
    void this.#pump();
  }

  /** Something of its queue can be received at `dueAt`. */
  notice(dueAt: number): void {
    this.#wakeAt(dueAt);
  }

  /** Store queue it takes messages from. */
  get messages(): string {
    return queueMessagesName(parseQueueArn(this.#mapping.eventSourceArn)?.name ?? '');
  }

  /** Receives nothing more, gives back what has not begun, and resolves when batches under way have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.timer.cancel();
    for (const end of [...this.#waits]) end();
    const held = [...this.#ready.flat(2), ...this.#window.take()];
    this.#ready = [];
    await this.#giveBack(held);
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  describe(): { readonly running: number; readonly limit: number } {
    return { running: this.#running, limit: this.#limit() };
  }

  #queue(): Queue | undefined {
    return readQueueByArn(this.#deps.store.resources, this.#mapping.eventSourceArn);
  }

  /** Unqualified. */
  #functionArn(): string {
    const { functionName } = this.#mapping;
    const record = readFunction(this.#deps.store.resources, functionName)?.value;
    return formatFunctionArn(record ?? this.#mapping, functionName);
  }

  #limit(): number {
    return Math.min(this.#scale.limit, this.#mapping.maximumConcurrency ?? this.#scale.limit);
  }

  #reportsFailures(): boolean {
    return this.#mapping.functionResponseTypes.includes('ReportBatchItemFailures');
  }

  #wakeAt(at: number): void {
    if (this.#stopped) return;
    const { clock } = this.#deps;
    if (at <= clock.now()) {
      void this.#pump();
      return;
    }
    if (this.#wake && this.#wake.at <= at) return;
    this.#wake?.timer.cancel();
    const timer = clock.schedule(at, () => {
      this.#wake = undefined;
      void this.#pump();
    });
    this.#wake = { at, timer };
  }

  /** Starts batches and receives messages as long as there are places and messages. */
  async #pump(): Promise<void> {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    const end = this.#deps.activity.begin();
    try {
      do {
        this.#again = false;
        await this.#fill();
      } while (this.#again && !this.#stopped);
    } catch (error) {
      const { log, clock } = this.#deps;
      log.error(
        { err: error, mapping: this.#mapping.uuid },
        'event source mapping: could not poll; trying again',
      );
      this.#wakeAt(clock.now() + RECOVER_MS);
    } finally {
      this.#pumping = false;
      end();
    }
  }

  async #fill(): Promise<void> {
    while (!this.#stopped) {
      while (this.#ready.length > 0 && this.#running < this.#limit()) {
        void this.#run(this.#ready.shift() as HeldMessage[][]);
      }
      if (this.#ready.length > 0 || this.#running >= this.#limit()) return;
      const queue = this.#queue();
      // Without its function a mapping leaves the messages where they are.
      if (!queue || !readFunction(this.#deps.store.resources, this.#mapping.functionName)) return;
      const held = await this.#receive(queue);
      if (held === undefined) {
        await this.#look(queue);
        return;
      }
      if (held.length > 0) this.#offer(queue, held);
    }
  }

  /** Messages that are wanted; `undefined` when the queue had none at all. */
  async #receive(queue: Queue): Promise<HeldMessage[] | undefined> {
    const { store, clock, holder } = this.#deps;
    const now = clock.now();
    const received = await store.receive({
      queue: queue.messages,
      max: this.#room(queue),
      now,
      leaseMs: queue.visibilityMs,
      holder,
    });
    if (received.length === 0) return undefined;
    const deadLetterQueue =
      queue.redrive && readQueueByArn(store.resources, queue.redrive.deadLetterTargetArn);
    const { deliver, moves } = decideDeadLetters(received, queue, deadLetterQueue, now);
    // A dead letter no longer stands before its group.
    for (const message of received)
      if (!deliver.includes(message)) this.#troubled.delete(message.group ?? '');
    const unwanted = deliver.filter(({ body }) => !this.#wanted(body));
    await Promise.all([
      // A conflict: somebody else holds the message by now, and will do the same.
      ...moves.map((unit) => store.commit(unit)),
      ...unwanted.map((message) => this.#delete(message)),
    ]);
    return deliver
      .filter((message) => !unwanted.includes(message))
      .map((message) => ({ message, receivedAt: now, heldUntil: now + queue.visibilityMs }));
  }

  /** Messages to receive at once: for every free place a batch, or what the window still takes. */
  #room(queue: Queue): number {
    if (this.#troubled.size > 0) return 1;
    const { batchSize, maximumBatchingWindowSeconds } = this.#mapping;
    if (maximumBatchingWindowSeconds > 0) return Math.max(1, batchSize - this.#window.size);
    // Of a FIFO queue one receive is one list, run in order: more would wait for each other.
    const places = queue.fifo ? 1 : Math.max(1, this.#limit() - this.#running);
    return Math.min(batchSize * places, Math.max(batchSize, MAX_RECEIVED));
  }

  /** Asks the store when there is something next. */
  async #look(queue: Queue): Promise<void> {
    const { store, clock } = this.#deps;
    const due = await store.readNextDue(queue.messages);
    const next = due.find((change) => change.queue === queue.messages)?.dueAt;
    if (next !== undefined) this.#wakeAt(Math.max(next, clock.now() + LOOK_AGAIN_MS));
  }

  /** With a batching window messages are collected first. */
  #offer(queue: Queue, held: readonly HeldMessage[]): void {
    const windowMs = this.#mapping.maximumBatchingWindowSeconds * 1000;
    if (windowMs === 0) {
      this.#plan(queue, held);
      return;
    }
    this.#window.add(held, windowMs);
    const full = this.#window.size >= this.#mapping.batchSize || this.#window.bytes >= MAX_BATCH_BYTES;
    if (full) this.#plan(queue, this.#window.take());
  }

  #endWindow(): void {
    const queue = this.#queue();
    const held = this.#window.take();
    if (queue) this.#plan(queue, held);
    void this.#pump();
  }

  #plan(queue: Queue, held: readonly HeldMessage[]): void {
    const { batchSize } = this.#mapping;
    this.#ready.push(
      ...planBatches(held, { batchSize, fifo: queue.fifo, reportsFailures: this.#reportsFailures() }),
    );
  }

  async #run(batches: readonly HeldMessage[][]): Promise<void> {
    // What it does is activity each on its own; its waits are not.
    this.#running++;
    try {
      await this.#process(batches);
    } catch (error) {
      this.#deps.log.error(
        { err: error, mapping: this.#mapping.uuid },
        'event source mapping: a batch could not be settled; its messages come back',
      );
    } finally {
      this.#running--;
      if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
      if (!this.#stopped) void this.#pump();
    }
  }

  /** Runs batches in order, in pieces that fit into one event; of a FIFO group nothing after a failure. */
  async #process(batches: readonly HeldMessage[][]): Promise<void> {
    const queue = this.#queue();
    if (!queue) return;
    const withWindow = this.#mapping.maximumBatchingWindowSeconds > 0;
    const blocked = new Set<string | undefined>();
    for (const batch of batches) {
      let rest: readonly HeldMessage[] = batch;
      while (rest.length > 0) {
        rest = queue.fifo ? rest.filter(({ message }) => !blocked.has(message.group)) : rest;
        const records = formatSqsRecords(rest, queue, this.#mapping.region, withWindow);
        if (records.length === 0) break;
        const piece = rest.slice(0, records.length);
        rest = rest.slice(records.length);
        const failed = await this.#invoke(piece, formatSqsEvent(records));
        if (queue.fifo) this.#noteGroups(piece, failed, blocked);
      }
    }
  }

  #noteGroups(
    piece: readonly HeldMessage[],
    failed: readonly HeldMessage[],
    blocked: Set<string | undefined>,
  ): void {
    for (const { message } of piece) this.#troubled.delete(message.group ?? '');
    for (const { message } of failed) {
      blocked.add(message.group);
      // The function's own reports are trusted the first time.
      if (!this.#reportsFailures() || message.receiveCount > 1) this.#troubled.add(message.group ?? '');
    }
  }

  /** Runs the function until it has answered or the lease is over; gives the messages that were not processed. */
  async #invoke(batch: readonly HeldMessage[], payload: string): Promise<readonly HeldMessage[]> {
    const { engine, ids, clock } = this.#deps;
    const { functionName, qualifier } = this.#mapping;
    const reportsFailures = this.#reportsFailures();
    const heldUntil = Math.min(...batch.map((held) => held.heldUntil));
    const arn = this.#functionArn();
    const traceHeader = traceHeaderOfBatch(batch, arn);
    // AWS fails the run of a loop; the messages come back until their queue gives them up.
    if (isRecursive(traceHeader, arn, readRecursiveLoop(this.#deps.store.resources, functionName)))
      return batch;
    for (let refusals = 1; ; refusals++) {
      const outcome = await engine.invoke({
        requestId: ids.ordered(),
        functionName,
        qualifier,
        payload,
        traceHeader,
        logTail: false,
      });
      const decision = decideBatch(outcome, batch, reportsFailures);
      if (decision.kind === 'settle') {
        this.#rescale(decision.failed.length === 0 || reportsFailures);
        await Promise.all(decision.done.map(({ message }) => this.#delete(message)));
        return decision.failed;
      }
      this.#rescale(false);
      const delayMs = offerAgainDelayMs(refusals);
      if (clock.now() + delayMs >= heldUntil || this.#stopped) return batch;
      if (!(await this.#pause(delayMs))) return batch;
    }
  }

  #rescale(good: boolean): void {
    const now = this.#deps.clock.now();
    const saturated = this.#running >= this.#limit();
    this.#scale = good
      ? scaleUp(this.#scale, this.#mapping.maximumConcurrency, saturated, now)
      : scaleDown(this.#scale, now);
  }

  /** `false`: the poller was stopped meanwhile. */
  #pause(delayMs: number): Promise<boolean> {
    const { clock } = this.#deps;
    return new Promise((resolve) => {
      const finish = (goOn: boolean) => {
        this.#waits.delete(cancel);
        resolve(goOn);
      };
      const timer = clock.schedule(clock.now() + delayMs, () => finish(true));
      const cancel = () => {
        timer.cancel();
        finish(false);
      };
      this.#waits.add(cancel);
    });
  }

  /** A conflict means that the lease ran out and somebody else has it: then it is not ours to delete. */
  async #delete(message: Message): Promise<void> {
    await this.#deps.store.commit([{ kind: 'ack', receipt: message.receipt }]);
  }

  async #giveBack(held: readonly HeldMessage[]): Promise<void> {
    const { store, clock, log } = this.#deps;
    const dueAt = clock.now();
    const results = await Promise.allSettled(
      held.map(({ message }) =>
        store.commit([{ kind: 'reschedule', receipt: message.receipt, dueAt, release: true }]),
      ),
    );
    const failed = results.filter(({ status }) => status === 'rejected').length;
    // They come back by themselves when their visibility ends.
    if (failed > 0) log.warn({ mapping: this.#mapping.uuid, failed }, 'messages could not be given back');
  }
}

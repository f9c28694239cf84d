/**
 * Runs message move tasks. Each step moves some messages and writes the task's progress in one commit, so counts
 * are exact after a crash and `start` goes on where the tasks stood. Two nodes may run the same task: whoever
 * comes second meets a conflict and looks again.
 */
import {
  decideMoveStep,
  isActive,
  MAX_TASK_MS,
  MOVE_TASKS,
  type MoveTask,
  moveTaskKey,
  paceOf,
} from '../../domain/sqs-move-task.ts';
import { type Queue, readQueueByArn } from '../../domain/sqs-queue.ts';
import { newMessageId } from '../../domain/sqs-send.ts';
import type { Timer } from '../../platform/clock.ts';
import type { Effect, Message, Unit } from '../../store/store.ts';
import type { SqsDeps } from './deps.ts';

/** How long messages are held while they are being moved; after a crash they come back by then. */
const HOLD_MS = 30_000;
/** Pause after a step that failed (the store is unavailable). */
const RETRY_MS = 1_000;
/** Tasks that are shown of one source; older ones are forgotten. */
const KEPT_TASKS = 10;

export class MoveTasks {
  readonly #deps: SqsDeps;
  readonly #timers = new Map<string, Timer>();
  #stopped = false;

  constructor(deps: SqsDeps) {
    this.#deps = deps;
  }

  /** Goes on with the tasks that were active when the server stopped. */
  start(): void {
    for (const { key, value } of this.#deps.store.resources.list<MoveTask>(MOVE_TASKS)) {
      if (isActive(value)) this.#schedule(key, this.#deps.clock.now());
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  /** Writes a new task down and begins it. */
  async begin(task: MoveTask): Promise<void> {
    const { store, clock } = this.#deps;
    const key = moveTaskKey(task.sourceArn, task.taskId);
    const prefix = key.slice(0, key.length - task.taskId.length);
    const older = store.resources.list<MoveTask>(MOVE_TASKS, prefix);
    const forgotten = older.slice(0, Math.max(0, older.length - KEPT_TASKS + 1));
    await store.commit([
      { kind: 'put', collection: MOVE_TASKS, key, value: task, ifVersion: 0 },
      ...forgotten.map((each): Effect => ({ kind: 'remove', collection: MOVE_TASKS, key: each.key })),
    ]);
    this.#schedule(key, clock.now());
  }

  #schedule(key: string, at: number): void {
    if (this.#stopped) return;
    this.#timers.get(key)?.cancel();
    const timer = this.#deps.clock.schedule(at, () => {
      this.#timers.delete(key);
      const end = this.#deps.activity.begin();
      this.#run(key)
        .catch((error: unknown) => {
          this.#deps.log.error(
            { err: error, task: key },
            'message move task step failed; it will be tried again',
          );
          this.#schedule(key, this.#deps.clock.now() + RETRY_MS);
        })
        .finally(end);
    });
    this.#timers.set(key, timer);
  }

  /** One step; plans the next unless the task has ended. */
  async #run(key: string): Promise<void> {
    const { store, clock } = this.#deps;
    const task = store.resources.get<MoveTask>(MOVE_TASKS, key);
    if (!task || !isActive(task.value)) return;
    const now = clock.now();
    if (task.value.status === 'CANCELLING') return this.#finish(key, task.value, task.version, 'CANCELLED');
    if (now - task.value.startedAt > MAX_TASK_MS) {
      return this.#finish(key, task.value, task.version, 'FAILED', 'The task exceeded its maximum duration.');
    }
    const find = (arn: string): Queue | undefined => readQueueByArn(store.resources, arn);
    const source = find(task.value.sourceArn);
    const gone = !source || (task.value.destinationArn !== undefined && !find(task.value.destinationArn));
    if (gone) {
      return this.#finish(key, task.value, task.version, 'FAILED', 'AWS.SimpleQueueService.NonExistentQueue');
    }
    const { batch, everyMs } = paceOf(task.value.rate);
    const messages = await store.receive({ queue: source.messages, max: batch, now, leaseMs: HOLD_MS });
    if (messages.length === 0) return this.#finish(key, task.value, task.version, 'COMPLETED');
    const step = decideMoveStep(task.value, messages, find, () => newMessageId(this.#deps.ids), now);
    if (step.kind === 'fail') {
      await this.#release(messages);
      return this.#finish(key, task.value, task.version, 'FAILED', step.reason);
    }
    await this.#release(step.late);
    const done = step.late.length > 0;
    const next: MoveTask = { ...task.value, moved: task.value.moved + step.moved };
    if (done) Object.assign(next, { status: 'COMPLETED', endedAt: now });
    const unit: Unit = [
      ...step.effects,
      { kind: 'put', collection: MOVE_TASKS, key, value: next, ifVersion: task.version },
    ];
    const result = await store.commit(unit);
    // Cancelled, or moved by someone else, meanwhile: what was held goes back, and we look again.
    if (result.kind === 'conflict') await this.#release(messages);
    if (result.kind === 'conflict' || !done) this.#schedule(key, now + everyMs);
  }

  async #finish(
    key: string,
    task: MoveTask,
    version: number,
    status: MoveTask['status'],
    failureReason?: string,
  ): Promise<void> {
    const now = this.#deps.clock.now();
    const value: MoveTask = { ...task, status, endedAt: now, failureReason };
    const result = await this.#deps.store.commit([
      { kind: 'put', collection: MOVE_TASKS, key, value, ifVersion: version },
    ]);
    if (result.kind === 'conflict') this.#schedule(key, now);
  }

  async #release(messages: readonly Message[]): Promise<void> {
    const { store, clock } = this.#deps;
    const now = clock.now();
    await Promise.all(
      messages.map((message) =>
        store.commit([{ kind: 'reschedule', receipt: message.receipt, dueAt: now, release: true }]),
      ),
    );
  }
}

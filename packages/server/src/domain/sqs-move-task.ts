/**
 * Tasks that move messages from a dead-letter queue back to where they came from, or elsewhere. A task is a
 * record whose progress is written in the commits that move the messages, so it survives a crash with exact counts.
 * Source: StartMessageMoveTask and its kin in the API reference, "Configure a dead-letter queue redrive"; recordings.
 */
import type { Effect, JsonObject, Message } from '../store/store.ts';
import type { SqsMessageAttributes } from './sqs-message.ts';
import { parseQueueArn, type Queue } from './sqs-queue.ts';

/** Collection of tasks, by `moveTaskKey`. */
export const MOVE_TASKS = 'sqs-move-tasks';

/** AWS: at most 100 active tasks in an account, 36 hours each, 500 messages a second. */
export const MAX_ACTIVE_TASKS = 100;
export const MAX_TASK_MS = 36 * 3_600_000;
export const MAX_TASK_RATE = 500;

export type MoveTaskStatus = 'RUNNING' | 'COMPLETED' | 'CANCELLING' | 'CANCELLED' | 'FAILED';

export interface MoveTask extends JsonObject {
  taskId: string;
  sourceArn: string;
  /** Absent: back to where each message came from. */
  destinationArn?: string;
  /** Messages a second; absent: as fast as they go. */
  rate?: number;
  status: MoveTaskStatus;
  /** Epoch ms. */
  startedAt: number;
  endedAt?: number;
  toMove: number;
  moved: number;
  failureReason?: string;
}

/** Tasks of one source sort by age: task ids are time-ordered. */
export function moveTaskKey(sourceArn: string, taskId: string): string {
  return `${moveTaskPrefix(sourceArn)}${taskId}`;
}
export function moveTaskPrefix(sourceArn: string): string {
  return `${parseQueueArn(sourceArn)?.name ?? sourceArn}/`;
}

export function isActive(task: MoveTask): boolean {
  return task.status === 'RUNNING' || task.status === 'CANCELLING';
}

export function formatTaskHandle(task: Pick<MoveTask, 'taskId' | 'sourceArn'>): string {
  return Buffer.from(JSON.stringify({ taskId: task.taskId, sourceArn: task.sourceArn })).toString('base64');
}

export function parseTaskHandle(handle: string): { taskId: string; sourceArn: string } | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(handle, 'base64').toString('utf8'));
    const { taskId, sourceArn } = parsed as { taskId?: unknown; sourceArn?: unknown };
    return typeof taskId === 'string' && typeof sourceArn === 'string' ? { taskId, sourceArn } : undefined;
  } catch {
    return undefined;
  }
}

/** How a task paces itself: `batch` messages every `everyMs`. */
export function paceOf(rate: number | undefined): { readonly batch: number; readonly everyMs: number } {
  if (rate === undefined) return { batch: UNPACED_BATCH, everyMs: 0 };
  const everyMs = Math.max(MIN_STEP_MS, Math.ceil(1000 / rate));
  return { batch: Math.max(1, Math.floor((rate * everyMs) / 1000)), everyMs };
}
const UNPACED_BATCH = 100;
const MIN_STEP_MS = 100;

export type MoveStep =
  /** `effects` move the messages; `late` ones stay, for they arrived after the task began. */
  | {
      readonly kind: 'move';
      readonly effects: readonly Effect[];
      readonly moved: number;
      readonly late: readonly Message[];
    }
  | { readonly kind: 'fail'; readonly reason: string };

/**
 * What to do with messages taken from the source. Messages that reached it after the task began stay where they
 * are: a consumer that still fails would else send them round for ever (chosen; AWS does not say).
 */
export function decideMoveStep(
  task: MoveTask,
  messages: readonly Message[],
  findQueue: (arn: string) => Queue | undefined,
  newId: () => string,
  now: number,
): MoveStep {
  const effects: Effect[] = [];
  const late: Message[] = [];
  let moved = 0;
  for (const message of messages) {
    const attributes = message.attributes as SqsMessageAttributes;
    if ((attributes.deadLetteredAt ?? message.sentAt) > task.startedAt) {
      late.push(message);
      continue;
    }
    const arn = task.destinationArn ?? attributes.deadLetterSourceArn;
    // AWS's own reason for messages that were sent straight into the dead-letter queue.
    if (arn === undefined) return { kind: 'fail', reason: 'CouldNotDetermineMessageSource' };
    const target = findQueue(arn);
    if (!target) return { kind: 'fail', reason: 'AWS.SimpleQueueService.NonExistentQueue' };
    effects.push({ kind: 'ack', receipt: message.receipt }, planMoved(message, target, newId(), now));
    moved++;
  }
  return { kind: 'move', effects, moved, late };
}

/** AWS: moved messages count as new, with a new id and a new enqueue time. */
export function planMoved(message: Message, target: Queue, id: string, now: number): Effect {
  const { deadLetterSourceArn, deadLetteredAt, receivedBefore, ...attributes } =
    message.attributes as SqsMessageAttributes;
  const body = message.subject === undefined ? { body: message.body } : { subject: message.subject };
  const base = { id, dueAt: now + target.delayMs, sentAt: now, ...body };
  if (!target.fifo) {
    return { kind: 'send', queue: target.messages, message: { ...base, attributes } };
  }
  const group = message.group ?? id;
  // Never deduplicated: skipping the send would lose the message, for its dead letter goes in the same commit.
  return {
    kind: 'send',
    queue: target.messages,
    message: { ...base, attributes: { ...attributes, groupId: group, deduplicationId: id }, group },
  };
}

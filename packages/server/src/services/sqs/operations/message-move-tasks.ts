/** StartMessageMoveTask, CancelMessageMoveTask, ListMessageMoveTasks. The moving itself: move-tasks.ts. */
import type {
  CancelMessageMoveTaskRequest,
  CancelMessageMoveTaskResult,
  ListMessageMoveTasksRequest,
  ListMessageMoveTasksResult,
  ListMessageMoveTasksResultEntry,
  StartMessageMoveTaskRequest,
  StartMessageMoveTaskResult,
} from '@aws-sdk/client-sqs';
import { parseArn } from '../../../domain/arn.ts';
import {
  formatTaskHandle,
  isActive,
  MAX_ACTIVE_TASKS,
  MAX_TASK_RATE,
  MOVE_TASKS,
  type MoveTask,
  moveTaskKey,
  moveTaskPrefix,
  parseTaskHandle,
} from '../../../domain/sqs-move-task.ts';
import { QUEUES, type Queue, readQueue, readQueueByArn } from '../../../domain/sqs-queue.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { invalidParameter, missingParameter } from '../deps.ts';
import type { SqsParts } from '../parts.ts';

const MAX_LISTED = 10;

export function startMessageMoveTask(
  parts: SqsParts,
): Handler<StartMessageMoveTaskRequest, StartMessageMoveTaskResult> {
  const { store, clock, ids } = parts;
  return async (input) => {
    const source = requireByArn(parts, input.SourceArn, 'SourceArn');
    const target =
      input.DestinationArn === undefined
        ? undefined
        : requireByArn(parts, input.DestinationArn, 'DestinationArn');
    if (!isDeadLetterQueue(parts, source)) {
      throw invalidParameter('Source queue must be configured as a Dead Letter Queue.');
    }
    if (target?.arn === source.arn) {
      throw invalidParameter('Source queue arn and destination queue arn cannot be the same.');
    }
    if (target && target.fifo !== source.fifo) {
      throw invalidParameter('The source queue and destination queue must be of the same queue type.');
    }
    const rate = input.MaxNumberOfMessagesPerSecond;
    if (rate !== undefined && (rate < 1 || rate > MAX_TASK_RATE)) {
      throw invalidParameter(
        `Value for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: You must enter a number that's between 1 and ${MAX_TASK_RATE}.`,
      );
    }
    const active = store.resources.list<MoveTask>(MOVE_TASKS).filter(({ value }) => isActive(value));
    if (active.some(({ value }) => value.sourceArn === source.arn)) {
      throw invalidParameter(
        'There is already a task running. Only one active task is allowed for a source queue arn at a given time.',
      );
    }
    if (active.length >= MAX_ACTIVE_TASKS) {
      throw invalidParameter(`The limit of ${MAX_ACTIVE_TASKS} active message move tasks has been reached.`);
    }
    const now = clock.now();
    const depth = await store.readDepth(source.messages, now);
    const task: MoveTask = {
      taskId: ids.ordered(),
      sourceArn: source.arn,
      destinationArn: target?.arn,
      rate,
      status: 'RUNNING',
      startedAt: now,
      toMove: depth.visible,
      moved: 0,
    };
    await parts.moveTasks.begin(task);
    return { TaskHandle: formatTaskHandle(task) };
  };
}

export function cancelMessageMoveTask(
  parts: SqsParts,
): Handler<CancelMessageMoveTaskRequest, CancelMessageMoveTaskResult> {
  return async (input) => {
    if (!input.TaskHandle) throw missingParameter('TaskHandle');
    const ref = parseTaskHandle(input.TaskHandle);
    if (!ref) throw invalidParameter('Value for parameter TaskHandle is invalid.');
    if (!readQueueByArn(parts.store.resources, ref.sourceArn)) throw noSuchResource('SourceArn');
    const key = moveTaskKey(ref.sourceArn, ref.taskId);
    for (;;) {
      const task = parts.store.resources.get<MoveTask>(MOVE_TASKS, key);
      if (task?.value.status !== 'RUNNING') {
        throw new ApiError('ResourceNotFoundException', 'Task does not exist.');
      }
      const result = await parts.store.commit([
        {
          kind: 'put',
          collection: MOVE_TASKS,
          key,
          value: { ...task.value, status: 'CANCELLING' },
          ifVersion: task.version,
        },
      ]);
      if (result.kind === 'conflict') continue;
      return { ApproximateNumberOfMessagesMoved: task.value.moved };
    }
  };
}

export function listMessageMoveTasks(
  parts: SqsParts,
): Handler<ListMessageMoveTasksRequest, ListMessageMoveTasksResult> {
  return (input) => {
    const source = requireByArn(parts, input.SourceArn, 'SourceArn');
    const max = input.MaxResults ?? 1;
    if (max < 1 || max > MAX_LISTED) {
      throw invalidParameter(
        `Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and ${MAX_LISTED}.`,
      );
    }
    const tasks = parts.store.resources
      .list<MoveTask>(MOVE_TASKS, moveTaskPrefix(source.arn))
      .reverse()
      .slice(0, max);
    return { Results: tasks.map(({ value }) => describe(value)) };
  };
}

function describe(task: MoveTask): ListMessageMoveTasksResultEntry {
  return {
    // Only a running task can be cancelled, so only it shows its handle.
    TaskHandle: task.status === 'RUNNING' ? formatTaskHandle(task) : undefined,
    Status: task.status,
    SourceArn: task.sourceArn,
    DestinationArn: task.destinationArn,
    MaxNumberOfMessagesPerSecond: task.rate,
    ApproximateNumberOfMessagesMoved: task.moved,
    ApproximateNumberOfMessagesToMove: task.toMove,
    FailureReason: task.failureReason,
    StartedTimestamp: task.startedAt,
  };
}

function requireByArn(parts: SqsParts, arn: string | undefined, parameter: string): Queue {
  if (arn === undefined) throw missingParameter(parameter);
  if (!parseArn(arn)) {
    throw invalidParameter(
      `You must use this format to specify the ${parameter}: arn:<partition>:<service>:<region>:<account-id>:<resource-id>`,
    );
  }
  const queue = readQueueByArn(parts.store.resources, arn);
  if (!queue) throw noSuchResource(parameter);
  return queue;
}

function noSuchResource(parameter: string): ApiError {
  return new ApiError(
    'ResourceNotFoundException',
    `The resource that you specified for the ${parameter} parameter doesn't exist.`,
  );
}

function isDeadLetterQueue(parts: SqsParts, queue: Queue): boolean {
  const { resources } = parts.store;
  return resources
    .list(QUEUES)
    .some(({ key }) => readQueue(resources, key)?.redrive?.deadLetterTargetArn === queue.arn);
}

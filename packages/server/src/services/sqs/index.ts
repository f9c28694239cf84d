/** SQS: the table of its operations, and the loops that work beside them. */
import type { Service } from '../../protocol/operation.ts';
import { SQS_LIMITS, type SqsDeps } from './deps.ts';
import { SQS_ERRORS } from './errors.ts';
import { InFlightLimit } from './in-flight-limit.ts';
import { MoveTasks } from './move-tasks.ts';
import { createQueue } from './operations/create-queue.ts';
import {
  cancelMessageMoveTask,
  listMessageMoveTasks,
  startMessageMoveTask,
} from './operations/message-move-tasks.ts';
import { addPermission, removePermission } from './operations/permissions.ts';
import { getQueueAttributes, setQueueAttributes } from './operations/queue-attributes.ts';
import {
  deleteQueue,
  getQueueUrl,
  listDeadLetterSourceQueues,
  listQueues,
  purgeQueue,
} from './operations/queues.ts';
import { receiveMessage } from './operations/receive-message.ts';
import { sendMessage, sendMessageBatch } from './operations/send-message.ts';
import {
  changeMessageVisibility,
  changeMessageVisibilityBatch,
  deleteMessage,
  deleteMessageBatch,
} from './operations/settle-message.ts';
import { listQueueTags, tagQueue, untagQueue } from './operations/tags.ts';
import type { SqsParts } from './parts.ts';
import { QueueWaker } from './queue-waker.ts';
import { ReceiveAttempts } from './receive-attempts.ts';
import { Receiver } from './receiver.ts';
import { Retention } from './retention.ts';

export interface SqsService extends Service {
  /** Begins retention and goes on with move tasks. Operations work without it. */
  start(): void;
  /** Ends the loops; waiting receivers get an empty answer. */
  stop(): void;
  /** For metrics and `doctor`. */
  describe(): { readonly waitingReceivers: number };
}

export function createSqsService(deps: SqsDeps): SqsService {
  const inFlight = new InFlightLimit(deps.store, deps.limits?.inFlight ?? SQS_LIMITS.inFlight);
  const parts: SqsParts = {
    ...deps,
    inFlight,
    receiver: new Receiver(deps, inFlight),
    waker: new QueueWaker(deps.store, deps.clock, deps.activity),
    attempts: new ReceiveAttempts(deps),
    moveTasks: new MoveTasks(deps),
  };
  const retention = new Retention(deps);
  return {
    name: 'sqs',
    errors: SQS_ERRORS,
    operations: {
      AddPermission: addPermission(parts),
      CancelMessageMoveTask: cancelMessageMoveTask(parts),
      ChangeMessageVisibility: changeMessageVisibility(parts),
      ChangeMessageVisibilityBatch: changeMessageVisibilityBatch(parts),
      CreateQueue: createQueue(parts),
      DeleteMessage: deleteMessage(parts),
      DeleteMessageBatch: deleteMessageBatch(parts),
      DeleteQueue: deleteQueue(parts),
      GetQueueAttributes: getQueueAttributes(parts),
      GetQueueUrl: getQueueUrl(parts),
      ListDeadLetterSourceQueues: listDeadLetterSourceQueues(parts),
      ListMessageMoveTasks: listMessageMoveTasks(parts),
      ListQueueTags: listQueueTags(parts),
      ListQueues: listQueues(parts),
      PurgeQueue: purgeQueue(parts),
      ReceiveMessage: receiveMessage(parts),
      RemovePermission: removePermission(parts),
      SendMessage: sendMessage(parts),
      SendMessageBatch: sendMessageBatch(parts),
      SetQueueAttributes: setQueueAttributes(parts),
      StartMessageMoveTask: startMessageMoveTask(parts),
      TagQueue: tagQueue(parts),
      UntagQueue: untagQueue(parts),
    },
    start() {
      retention.start();
      parts.moveTasks.start();
    },
    stop() {
      retention.stop();
      parts.moveTasks.stop();
      parts.waker.stop();
    },
    describe: () => ({ waitingReceivers: parts.waker.waiting }),
  };
}

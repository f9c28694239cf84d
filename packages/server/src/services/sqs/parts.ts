/** What one SQS service is made of; every operation gets all of it. */
import type { SqsDeps } from './deps.ts';
import type { InFlightLimit } from './in-flight-limit.ts';
import type { MoveTasks } from './move-tasks.ts';
import type { QueueWaker } from './queue-waker.ts';
import type { ReceiveAttempts } from './receive-attempts.ts';
import type { Receiver } from './receiver.ts';

export interface SqsParts extends SqsDeps {
  readonly waker: QueueWaker;
  readonly receiver: Receiver;
  readonly attempts: ReceiveAttempts;
  readonly inFlight: InFlightLimit;
  readonly moveTasks: MoveTasks;
}

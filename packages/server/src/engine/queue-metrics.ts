/**
 * SQS's metrics: messages sent and deleted are measured in the commit that sends or deletes them, receives as they
 * happen, depths once a minute. Source: "Available CloudWatch metrics for Amazon SQS".
 */
import { formatSeries, measureValue } from '../domain/metric-series.ts';
import {
  QUEUE_MESSAGES_PREFIX,
  QUEUES,
  queueMessagesName,
  queueNameOfMessages,
} from '../domain/sqs-queue.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Effect, Measure, Store, Unit } from '../store/store.ts';
import type { MetricBuffer } from './metric-buffer.ts';

const EVERY_MS = 60_000;
/** A queue that nobody has used for so long, and that is empty, reports nothing. */
const ACTIVE_MS = 6 * 3_600_000;

type Metric = readonly [name: string, unit: string];
const SENT: Metric = ['NumberOfMessagesSent', 'Count'];
const SIZE: Metric = ['SentMessageSize', 'Bytes'];
const DELETED: Metric = ['NumberOfMessagesDeleted', 'Count'];
const RECEIVED: Metric = ['NumberOfMessagesReceived', 'Count'];
const EMPTY: Metric = ['NumberOfEmptyReceives', 'Count'];
const AGE: Metric = ['ApproximateAgeOfOldestMessage', 'Seconds'];
const VISIBLE: Metric = ['ApproximateNumberOfMessagesVisible', 'Count'];
const NOT_VISIBLE: Metric = ['ApproximateNumberOfMessagesNotVisible', 'Count'];
const DELAYED: Metric = ['ApproximateNumberOfMessagesDelayed', 'Count'];

export interface QueueMetrics {
  start(): void;
  stop(): void;
  /** Measures the depths, once in each minute. */
  tick(): Promise<void>;
}

const known = new Map<string, string>();

function sample(queue: string, [name, unit]: Metric, at: number, value: number): Measure {
  const key = `${name} ${queue}`;
  let series = known.get(key);
  if (series === undefined) {
    series = formatSeries({ namespace: 'AWS/SQS', name, unit, dimensions: { QueueName: queue } });
    known.set(key, series);
  }
  return measureValue(series, at, value);
}

/** Lets the store measure what passes through it. */
export function meterQueues(deps: {
  readonly store: Store;
  readonly buffer: MetricBuffer;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly onError: (error: unknown) => void;
}): QueueMetrics {
  const { store, buffer, clock, activity, onError } = deps;
  const usedAt = new Map<string, number>();
  const commit = store.commit.bind(store);
  const receive = store.receive.bind(store);

  store.commit = (unit) => commit(measured(unit));
  store.receive = async (request) => {
    const messages = await receive(request);
    if (!request.queue.startsWith(QUEUE_MESSAGES_PREFIX)) return messages;
    const queue = queueNameOfMessages(request.queue);
    usedAt.set(queue, request.now);
    if (messages.length === 0) buffer.add(sample(queue, EMPTY, request.now, 1));
    else buffer.add(measureMany(queue, RECEIVED, request.now, messages.length));
    return messages;
  };

  /** Counts are sums: many messages at once are so many samples of 1. */
  function measureMany(queue: string, metric: Metric, at: number, count: number): Measure {
    return { ...sample(queue, metric, at, 1), count, sum: count };
  }

  function measured(unit: Unit): Unit {
    let measures: Effect[] | undefined;
    for (const effect of unit) {
      const store = effect.kind === 'send' ? effect.queue : effect.kind === 'ack' ? effect.receipt.queue : '';
      if (!store.startsWith(QUEUE_MESSAGES_PREFIX)) continue;
      const queue = queueNameOfMessages(store);
      const now = clock.now();
      usedAt.set(queue, now);
      measures ??= [];
      if (effect.kind === 'ack') measures.push(sample(queue, DELETED, now, 1));
      else if (effect.kind === 'send' && !effect.message.receiveCount) {
        // A message that was received before is on its way to a dead-letter queue or back: nobody sent it.
        measures.push(sample(queue, SENT, now, 1));
        measures.push(sample(queue, SIZE, now, Buffer.byteLength(effect.message.body ?? '')));
      }
    }
    return measures ? [...unit, ...measures] : unit;
  }

  let last: { readonly minute: number; readonly done: Promise<void> } | undefined;

  /** Alarms ask for it too: one measurement a minute is one sample, and whoever asks waits for it. */
  function tick(): Promise<void> {
    const minute = Math.floor(clock.now() / EVERY_MS);
    if (last?.minute !== minute) last = { minute, done: measureDepths(minute) };
    return last.done;
  }

  async function measureDepths(minute: number): Promise<void> {
    const now = clock.now();
    // What is found when a minute begins is what the minute before has left.
    const at = minute * EVERY_MS - 1;
    for (const { key: queue } of store.resources.list(QUEUES)) {
      const depth = await store.readDepth(queueMessagesName(queue), now);
      const total = depth.visible + depth.inFlight + depth.delayed;
      if (total === 0 && now - (usedAt.get(queue) ?? Number.NEGATIVE_INFINITY) > ACTIVE_MS) continue;
      const age = depth.oldestSentAt === undefined ? 0 : Math.max(0, now - depth.oldestSentAt);
      buffer.add(sample(queue, VISIBLE, at, depth.visible));
      buffer.add(sample(queue, NOT_VISIBLE, at, depth.inFlight));
      buffer.add(sample(queue, DELAYED, at, depth.delayed));
      buffer.add(sample(queue, AGE, at, Math.floor(age / 1000)));
    }
  }

  let timer: Timer | undefined;
  const arm = () => {
    const now = clock.now();
    timer = clock.schedule(now - (now % EVERY_MS) + EVERY_MS, () => {
      activity.track(tick()).catch(onError);
      arm();
    });
  };
  return { start: arm, stop: () => timer?.cancel(), tick };
}

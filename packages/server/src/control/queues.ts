/** Queues with what waits in them, who fills them when things fail, and who reads them. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { EventSourceMappingRecord } from '../domain/event-source-mapping.ts';
import { LAMBDA_COLLECTIONS } from '../domain/lambda-function.ts';
import { QUEUES, type Queue, type QueueRecord, readQueue } from '../domain/sqs-queue.ts';
import { type DeadLetterSource, findDeadLetterQueues } from './dead-letter-queues.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { json, refusal } from './schemas.ts';

export const QueueBody = z
  .object({
    name: z.string(),
    arn: z.string(),
    fifo: z.boolean(),
    visible: z.number(),
    inFlight: z.number(),
    delayed: z.number(),
    oldestAt: z.number().optional().describe('when the oldest message was sent, epoch ms'),
    visibilityMs: z.number(),
    retentionMs: z.number(),
    delayMs: z.number(),
    redrive: z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.number() }).optional(),
    deadLettersOf: z.array(
      z.object({ kind: z.enum(['function', 'destination', 'queue', 'subscription']), name: z.string() }),
    ),
    consumers: z.array(z.string()).describe('functions that a mapping feeds from it'),
    createdAt: z.number(),
  })
  .openapi('Queue');

const list = createRoute({
  method: 'get',
  path: '/queues',
  responses: { 200: json(z.object({ queues: z.array(QueueBody) }), 'By name') },
});

const one = createRoute({
  method: 'get',
  path: '/queues/{queue}',
  request: { params: z.object({ queue: z.string() }) },
  responses: { 200: json(QueueBody, 'The queue'), 404: refusal('No such queue') },
});

export function addQueueRoutes(app: OpenAPIHono, { store, clock }: ControlDeps): void {
  const view = async (queue: Queue, sources: readonly DeadLetterSource[], consumers: readonly string[]) => {
    const { visible, inFlight, delayed, oldestSentAt } = await store.readDepth(queue.messages, clock.now());
    return {
      name: queue.name,
      arn: queue.arn,
      fifo: queue.fifo,
      visible,
      inFlight,
      delayed,
      oldestAt: oldestSentAt,
      visibilityMs: queue.visibilityMs,
      retentionMs: queue.retentionMs,
      delayMs: queue.delayMs,
      redrive: queue.redrive && { ...queue.redrive },
      deadLettersOf: [...sources],
      consumers: [...consumers],
      createdAt: queue.record.createdAt,
    };
  };
  const surroundings = () => {
    const dead = new Map(
      findDeadLetterQueues(store.resources).map(({ queue, sources }) => [queue.name, sources]),
    );
    const mappings = store.resources.list<EventSourceMappingRecord>(LAMBDA_COLLECTIONS.eventSourceMappings);
    return (queue: Queue) =>
      view(
        queue,
        dead.get(queue.name) ?? [],
        mappings.flatMap(({ value }) => (value.eventSourceArn === queue.arn ? value.functionName : [])),
      );
  };

  app.openapi(list, async (c) => {
    const records = store.resources.list<QueueRecord>(QUEUES);
    const queues = records.flatMap(({ key }) => readQueue(store.resources, key) ?? []);
    return c.json({ queues: await Promise.all(queues.map(surroundings())) }, 200);
  });

  app.openapi(one, async (c) => {
    const { queue: name } = c.req.valid('param');
    const queue = readQueue(store.resources, name);
    if (!queue) throw controlError('NotFound', `no queue is named ${name}`);
    return c.json(await surroundings()(queue), 200);
  });
}

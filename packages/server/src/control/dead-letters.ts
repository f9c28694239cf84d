/** Dead letters: look at them without receiving, by queue, by failure, one by one. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { fingerprintIdOf } from '../domain/dead-letter.ts';
import { formatRef, parseRef } from '../domain/dead-letter-job.ts';
import { type Queue, readQueue } from '../domain/sqs-queue.ts';
import type { Message } from '../store/store.ts';
import type { DeadLetterIndex } from './dead-letter-index.ts';
import type { DeadLetterJobs } from './dead-letter-jobs.ts';
import { findDeadLetterQueues } from './dead-letter-queues.ts';
import { GroupBody, LetterBody, LetterSummaryBody } from './dead-letter-schemas.ts';
import { summarizeLetter, viewLetter } from './dead-letter-view.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { json, refusal } from './schemas.ts';

/** Messages that one request for a group's messages may look at. */
const MAX_LOOKED_AT = 5_000;
const PAGE = 500;

export const QueueParam = z.object({ queue: z.string().describe('queue name') });
export const MessageParam = QueueParam.extend({ ref: z.string() });

export const DeadLetterQueueBody = z
  .object({
    name: z.string(),
    arn: z.string(),
    depth: z.number(),
    held: z.number(),
    oldestAt: z.number().optional().describe('epoch ms'),
    retentionMs: z.number(),
    sources: z.array(
      z.object({
        kind: z.enum(['function', 'destination', 'queue', 'subscription']),
        name: z.string(),
      }),
    ),
  })
  .openapi('DeadLetterQueue');

const queues = createRoute({
  method: 'get',
  path: '/dead-letters',
  responses: {
    200: json(
      z.object({
        queues: z.array(DeadLetterQueueBody),
      }),
      'Queues that something names as its dead-letter queue or failure destination, the fullest first',
    ),
  },
});

const groups = createRoute({
  method: 'get',
  path: '/dead-letters/{queue}/groups',
  request: { params: QueueParam },
  responses: {
    200: json(
      z.object({ total: z.number(), scannedAt: z.number(), groups: z.array(GroupBody) }),
      'The messages of the queue by failure, the largest group first',
    ),
    404: refusal('No such queue'),
  },
});

const messages = createRoute({
  method: 'get',
  path: '/dead-letters/{queue}/messages',
  request: {
    params: QueueParam,
    query: z.object({
      group: z.string().optional().describe('fingerprint'),
      after: z.string().optional().describe('`next` of the page before'),
      limit: z.coerce.number().int().min(1).max(500).default(50),
    }),
  },
  responses: {
    200: json(
      z.object({ messages: z.array(LetterSummaryBody), next: z.string().optional() }),
      'Oldest first. A page may be short and still have a `next`: looking at a large queue takes several requests.',
    ),
    404: refusal('No such queue'),
  },
});

const one = createRoute({
  method: 'get',
  path: '/dead-letters/{queue}/messages/{ref}',
  request: { params: MessageParam },
  responses: { 200: json(LetterBody, 'The message'), 404: refusal('No such queue or message') },
});

export function addDeadLetterRoutes(
  app: OpenAPIHono,
  deps: ControlDeps,
  index: DeadLetterIndex,
  jobs: DeadLetterJobs,
): void {
  const { store, clock } = deps;

  app.openapi(queues, async (c) => {
    const now = clock.now();
    const found = await Promise.all(
      findDeadLetterQueues(store.resources).map(async ({ queue, sources }) => {
        const depth = await store.readDepth(queue.messages, now);
        return {
          name: queue.name,
          arn: queue.arn,
          depth: depth.visible + depth.inFlight + depth.delayed,
          held: depth.inFlight + depth.delayed,
          oldestAt: depth.oldestSentAt,
          retentionMs: queue.retentionMs,
          sources: [...sources],
        };
      }),
    );
    return c.json({ queues: found.sort((a, b) => b.depth - a.depth || (a.name < b.name ? -1 : 1)) }, 200);
  });

  app.openapi(groups, async (c) => {
    const { name } = requireQueue(deps, c.req.valid('param').queue);
    const found = await index.groups(name);
    return c.json({ ...found, groups: found.groups as z.infer<typeof GroupBody>[] }, 200);
  });

  app.openapi(messages, async (c) => {
    const queue = requireQueue(deps, c.req.valid('param').queue);
    const { group, after: afterRef, limit } = c.req.valid('query');
    const now = clock.now();
    const found: z.infer<typeof LetterSummaryBody>[] = [];
    let after = afterRef === undefined ? undefined : requireRef(afterRef);
    let last: Message | undefined;
    for (let looked = 0; looked < MAX_LOOKED_AT; ) {
      const size = group === undefined ? limit : PAGE;
      const page = await store.browse(queue.messages, { limit: size, after });
      for (const message of page) {
        last = message;
        looked++;
        if (group !== undefined && fingerprintIdOf(message) !== group) continue;
        found.push(summarizeLetter(message, now));
        if (found.length === limit) return c.json({ messages: found, next: formatRef(message) }, 200);
      }
      if (page.length < size) return c.json({ messages: found }, 200);
      after = last && { sentAt: last.sentAt, seq: last.receipt.seq };
    }
    return c.json({ messages: found, next: last && formatRef(last) }, 200);
  });

  app.openapi(one, async (c) => {
    const { queue, ref } = c.req.valid('param');
    return c.json(viewLetter(await requireMessage(deps, jobs, queue, ref), clock.now()), 200);
  });
}

export function requireQueue({ store }: ControlDeps, name: string): Queue {
  const queue = readQueue(store.resources, name);
  if (!queue) throw controlError('NotFound', `no queue is named ${name}`);
  return queue;
}

export async function requireMessage(
  deps: ControlDeps,
  jobs: DeadLetterJobs,
  queue: string,
  ref: string,
): Promise<Message> {
  requireQueue(deps, queue);
  requireRef(ref);
  const message = await jobs.find(queue, ref);
  if (!message) {
    throw controlError(
      'NotFound',
      `message ${ref} is not in queue ${queue} any more: redriven, discarded, edited or received`,
    );
  }
  return message;
}

function requireRef(ref: string): { sentAt: number; seq: number } {
  const place = parseRef(ref);
  if (!place)
    throw controlError('InvalidRequest', `expected the ref of a message, found ${JSON.stringify(ref)}`);
  return place;
}

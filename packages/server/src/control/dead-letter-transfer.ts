/** Dead letters out of and into a queue as JSON lines, one message a line. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { type DeadLetterState, fingerprintIdOf, readDeadLetter } from '../domain/dead-letter.ts';
import type { FailureSummary } from '../domain/fingerprint.ts';
import { type MessageAttributes, md5OfBody, type SqsMessageAttributes } from '../domain/sqs-message.ts';
import type { Queue } from '../domain/sqs-queue.ts';
import { checkMessage, newMessageId } from '../domain/sqs-send.ts';
import type { Effect, Message } from '../store/store.ts';
import { auditEffect } from './audit.ts';
import { QueueParam, requireQueue } from './dead-letters.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { operatorOf } from './operator.ts';
import { json, refusal } from './schemas.ts';

const PAGE = 500;
/** Messages of one commit of an import. */
const BATCH = 100;
const MAX_LINE = 4 * 1_048_576;

const Line = z.object({
  body: z.string(),
  messageAttributes: z
    .record(
      z.string(),
      z.object({
        DataType: z.string(),
        StringValue: z.string().optional(),
        BinaryValue: z.string().optional(),
      }),
    )
    .optional(),
  sentAt: z.number().int().nonnegative().optional(),
  groupId: z.string().optional(),
  deadLetterSourceArn: z.string().optional(),
  deadLetteredAt: z.number().int().nonnegative().optional(),
  failure: z
    .object({
      fingerprint: z.string().regex(/^[0-9a-f]{12}$/),
      type: z.string(),
      message: z.string(),
      frames: z.array(z.string()),
      functionName: z.string(),
      functionArn: z.string(),
      version: z.string().optional(),
      condition: z.string(),
      attempts: z.number(),
    })
    .optional(),
});

const exportAll = createRoute({
  method: 'get',
  path: '/dead-letters/{queue}/export',
  request: { params: QueueParam, query: z.object({ group: z.string().optional().describe('fingerprint') }) },
  responses: {
    200: { description: 'One message a line', content: { 'application/x-ndjson': { schema: z.string() } } },
    404: refusal('No such queue'),
  },
});

const importAll = createRoute({
  method: 'post',
  path: '/dead-letters/{queue}/import',
  request: { params: QueueParam, body: { content: { 'application/x-ndjson': { schema: z.string() } } } },
  responses: {
    200: json(z.object({ imported: z.number() }), 'All lines are in the queue, as new messages'),
    400: refusal('A line that is no message; those before it have been imported'),
    404: refusal('No such queue'),
  },
});

export function addTransferRoutes(app: OpenAPIHono, deps: ControlDeps): void {
  const { store, clock, ids } = deps;

  app.openapi(exportAll, async (c) => {
    const queue = requireQueue(deps, c.req.valid('param').queue);
    const { group } = c.req.valid('query');
    const by = operatorOf(c);
    await store.commit([auditEffect(clock.now(), [{ by, action: 'export', subject: queue.name, group }])]);
    const lines = exportLines(deps, queue, group);
    const encoder = new TextEncoder();
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value, done } = await lines.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: async () => {
        await lines.return(undefined);
      },
    });
    return new Response(stream, {
      headers: {
        'content-type': 'application/x-ndjson',
        'content-disposition': `attachment; filename="${queue.name}.jsonl"`,
      },
    }) as never;
  });

  app.openapi(importAll, async (c) => {
    const queue = requireQueue(deps, c.req.valid('param').queue);
    const by = operatorOf(c);
    let imported = 0;
    let number = 0;
    let batch: Effect[] = [];
    const flush = async () => {
      if (batch.length === 0) return;
      const line = { by, action: 'import' as const, subject: queue.name, messages: batch.length };
      await store.commit([...batch, auditEffect(clock.now(), [line])]);
      imported += batch.length;
      batch = [];
    };
    try {
      for await (const text of readLines(c.req.raw.body)) {
        number++;
        if (text.trim() === '') continue;
        batch.push(planImport(queue, text, newMessageId(ids), clock.now()));
        if (batch.length === BATCH) await flush();
      }
    } catch (error) {
      await flush();
      const message = error instanceof Error ? error.message : String(error);
      throw controlError(
        'InvalidRequest',
        `line ${number}: ${message}; ${imported} messages before it were imported`,
      );
    }
    await flush();
    return c.json({ imported }, 200);
  });
}

async function* exportLines({ store }: ControlDeps, queue: Queue, group: string | undefined) {
  let after: { sentAt: number; seq: number } | undefined;
  for (;;) {
    const page: Message[] = await store.browse(queue.messages, { limit: PAGE, after });
    const chosen = group === undefined ? page : page.filter((message) => fingerprintIdOf(message) === group);
    yield chosen.map((message) => `${JSON.stringify(exportLine(message))}\n`).join('');
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    after = { sentAt: last.sentAt, seq: last.receipt.seq };
  }
}

function exportLine(message: Message): z.infer<typeof Line> & { messageId: string; requestId?: string } {
  const attributes = message.attributes as SqsMessageAttributes;
  return {
    messageId: message.id,
    requestId: readDeadLetter(message).requestId,
    body: message.body,
    messageAttributes: attributes.messageAttributes,
    sentAt: message.sentAt,
    groupId: message.group,
    deadLetterSourceArn: attributes.deadLetterSourceArn,
    deadLetteredAt: attributes.deadLetteredAt,
    failure: (message.state as DeadLetterState).failure,
  };
}

function planImport(queue: Queue, text: string, id: string, now: number): Effect {
  const parsed = Line.safeParse(JSON.parse(text));
  if (!parsed.success) {
    throw new Error(
      parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'line'}: ${message}`).join('; '),
    );
  }
  const { body, messageAttributes, groupId, deadLetterSourceArn, deadLetteredAt, failure, sentAt } =
    parsed.data;
  const refused = checkMessage({ ...queue, fifo: false }, { body, messageAttributes });
  if (refused) throw new Error(refused.message);
  const attributes: SqsMessageAttributes = { bodyMd5: md5OfBody(body) };
  if (messageAttributes) attributes.messageAttributes = messageAttributes as MessageAttributes;
  if (deadLetterSourceArn !== undefined) attributes.deadLetterSourceArn = deadLetterSourceArn;
  attributes.deadLetteredAt = deadLetteredAt ?? Math.min(sentAt ?? now, now);
  const group = queue.fifo ? (groupId ?? id) : undefined;
  if (group !== undefined) Object.assign(attributes, { groupId: group, deduplicationId: id });
  return {
    kind: 'send',
    queue: queue.messages,
    message: {
      id,
      // Retention counts from here: an old export would else vanish at once.
      dueAt: now,
      sentAt: now,
      body,
      attributes,
      state: failure && { failure: failure as FailureSummary },
      group,
    },
  };
}

/** Lines of a body as they come. */
async function* readLines(body: ReadableStream<Uint8Array> | null): AsyncGenerator<string> {
  if (!body) return;
  let rest = '';
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() as string;
    if (rest.length > MAX_LINE) throw new Error(`expected lines of at most ${MAX_LINE} characters`);
    yield* lines;
  }
  yield rest + decoder.decode();
}

/** Around one event: the lines its runs wrote, and the chain of what caused it and what it caused. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { summarizeEvent } from '../domain/event-view.ts';
import type { EventFacts } from '../domain/journal.ts';
import { readFunction } from '../domain/lambda-function.ts';
import type { Entry, Subject } from '../store/store.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { EventSummaryBody, json, refusal } from './schemas.ts';

const id = z.object({ requestId: z.string() });

const logs = createRoute({
  method: 'get',
  path: '/events/{requestId}/logs',
  request: {
    params: id,
    query: z.object({ limit: z.coerce.number().int().min(1).max(10_000).default(2_000) }),
  },
  responses: {
    200: json(
      z.object({
        group: z.string(),
        lines: z.array(z.object({ at: z.number(), text: z.string(), stream: z.string() })),
      }),
      'What the runs of the event wrote, in order',
    ),
    404: refusal('No such event'),
  },
});

export const ChainBody = z
  .object({
    events: z
      .array(EventSummaryBody.extend({ depth: z.number() }))
      .describe('from the first cause on, each followed by what it caused'),
    deliveries: z.array(
      z.object({
        from: z.string(),
        role: z.string(),
        target: z.string(),
        at: z.number(),
        messageId: z.string(),
      }),
    ),
    complete: z.boolean().describe('false: the chain is longer than what is shown'),
  })
  .openapi('Chain');

const chain = createRoute({
  method: 'get',
  path: '/events/{requestId}/chain',
  request: { params: id },
  responses: {
    200: json(ChainBody, 'Everything that hangs together with the event'),
    404: refusal('No such event'),
  },
});

const MAX_CHAIN = 200;

export function addEventContextRoutes(app: OpenAPIHono, { store }: ControlDeps): void {
  const find = async (requestId: string) => {
    const found = await store.readSubject(requestId);
    if (!found) throw controlError('NotFound', `no event has the request id ${requestId}`);
    return found;
  };

  app.openapi(logs, async (c) => {
    const { requestId } = c.req.valid('param');
    const { subject } = await find(requestId);
    const name = (subject.data as EventFacts).functionName;
    const group = readFunction(store.resources, name)?.value.logging.group ?? `/aws/lambda/${name}`;
    const { limit } = c.req.valid('query');
    const lines = await store.readLines({ group, label: requestId, order: 'ascending', limit });
    return c.json({ group, lines: lines.map(({ at, text, stream }) => ({ at, text, stream })) }, 200);
  });

  app.openapi(chain, async (c) => {
    let root = await find(c.req.valid('param').requestId);
    for (let ups = 0; ups < MAX_CHAIN; ups++) {
      const cause = (root.subject.data as EventFacts).causedBy;
      const above = cause === undefined ? undefined : await store.readSubject(cause);
      if (!above) break;
      root = above;
    }
    const events: (ReturnType<typeof summarizeEvent> & { depth: number })[] = [];
    const deliveries: { from: string; role: string; target: string; at: number; messageId: string }[] = [];
    const seen = new Set<string>();
    const visit = async (
      { subject, entries }: { subject: Subject; entries: readonly Entry[] },
      depth: number,
    ) => {
      if (seen.has(subject.subject) || events.length === MAX_CHAIN) return;
      seen.add(subject.subject);
      events.push({ ...summarizeEvent(subject), depth });
      for (const { kind, at, data } of entries) {
        if (kind !== 'delivered' && kind !== 'redriven') continue;
        const messageId = String(data?.as ?? data?.messageId);
        const role = kind === 'redriven' ? 'Redrive' : String(data?.role);
        const target = String(data?.target ?? data?.to ?? '');
        const caused = await store.readSubject(messageId);
        if (caused) await visit(caused, depth + 1);
        else deliveries.push({ from: subject.subject, role, target, at, messageId });
      }
    };
    await visit(root, 0);
    return c.json({ events, deliveries, complete: events.length < MAX_CHAIN }, 200);
  });
}

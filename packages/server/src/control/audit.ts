/**
 * The audit trail: who did what, when, to which message. A line is written in the commit that does it, so there is
 * no action without its line and no line without its action.
 */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { JsonObject, Write } from '../store/store.ts';
import type { ControlDeps } from './deps.ts';
import { json } from './schemas.ts';

/** Not a name that a log group can have: CloudWatch Logs never shows it. */
const GROUP = 'redrive:audit';
const STREAM = 'operators';

export type AuditAction =
  | 'redrive'
  | 'discard'
  | 'edit'
  | 'try'
  | 'import'
  | 'export'
  | 'job.start'
  | 'job.pause'
  | 'job.resume'
  | 'job.stop'
  | 'job.end'
  | 'event.redrive'
  | 'event.discard'
  | 'clock.advance'
  | 'login'
  | 'logout'
  | 'reset';

export interface AuditLine extends JsonObject {
  by: string;
  action: AuditAction;
  /** Queue, job, event or function it was done to. */
  subject: string;
}

/** @param at epoch ms */
export function auditEffect(at: number, lines: readonly AuditLine[]): Write {
  return {
    kind: 'write',
    group: GROUP,
    stream: STREAM,
    at,
    lines: lines.map((line) => ({ at, text: JSON.stringify(line) })),
  };
}

export const AuditEntryBody = z
  .object({
    id: z.string(),
    at: z.number().describe('epoch ms'),
    by: z.string(),
    action: z.string(),
    subject: z.string(),
  })
  .catchall(z.unknown())
  .openapi('AuditEntry');

const list = createRoute({
  method: 'get',
  path: '/audit',
  request: {
    query: z.object({
      from: z.coerce.number().optional().describe('epoch ms, inclusive'),
      to: z.coerce.number().optional().describe('epoch ms, exclusive'),
      before: z.string().optional().describe('`next` of the page before'),
      limit: z.coerce.number().int().min(1).max(1_000).default(100),
    }),
  },
  responses: {
    200: json(
      z.object({
        entries: z.array(AuditEntryBody),
        next: z.string().optional(),
      }),
      'Newest first',
    ),
  },
});

export function addAuditRoutes(app: OpenAPIHono, { store }: ControlDeps): void {
  app.openapi(list, async (c) => {
    const { from, to, before, limit } = c.req.valid('query');
    const [at, id] = before?.split('/') ?? [];
    const lines = await store.readLines({
      group: GROUP,
      from,
      to,
      order: 'descending',
      after: id === undefined ? undefined : { at: Number(at), id },
      limit,
    });
    const entries = lines.map((line) => ({
      ...(JSON.parse(line.text) as AuditLine),
      id: line.id,
      at: line.at,
    }));
    const last = lines.length === limit ? lines.at(-1) : undefined;
    return c.json({ entries, next: last && `${last.at}/${last.id}` }, 200);
  });
}

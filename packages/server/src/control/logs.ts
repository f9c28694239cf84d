/** What functions write, for people: newest first, filtered by CloudWatch's filter patterns. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { parseFilterPattern } from '../domain/log-filter-pattern.ts';
import { LOG_GROUPS } from '../domain/log-groups.ts';
import type { StoredLine } from '../store/store.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { json, refusal } from './schemas.ts';

const SCAN_LINES = 2_000;
/** Lines looked at for one page; a page may be short and still have a next one. */
const MAX_SCANNED = 50_000;

const groups = createRoute({
  method: 'get',
  path: '/logs',
  responses: { 200: json(z.object({ groups: z.array(z.string()) }), 'Log groups by name') },
});

const lines = createRoute({
  method: 'get',
  path: '/logs/lines',
  request: {
    query: z.object({
      group: z.string(),
      pattern: z.string().max(1_024).optional().describe('a filter pattern of CloudWatch Logs'),
      before: z.string().optional().describe('`next` of the page before'),
      limit: z.coerce.number().int().min(1).max(1_000).default(200),
    }),
  },
  responses: {
    200: json(
      z.object({
        lines: z.array(z.object({ id: z.string(), at: z.number(), stream: z.string(), text: z.string() })),
        next: z.string().optional(),
      }),
      'Newest first',
    ),
    400: refusal('Not a filter pattern'),
    404: refusal('No such group'),
  },
});

export function addLogRoutes(app: OpenAPIHono, { store }: ControlDeps): void {
  app.openapi(groups, (c) => c.json({ groups: store.resources.list(LOG_GROUPS).map(({ key }) => key) }, 200));

  app.openapi(lines, async (c) => {
    const { group, pattern, before, limit } = c.req.valid('query');
    if (!store.resources.get(LOG_GROUPS, group)) {
      throw controlError('NotFound', `no log group is named ${group}`);
    }
    const parsed = parseFilterPattern(pattern ?? '');
    if (parsed.kind === 'invalid') {
      throw controlError('InvalidRequest', `expected a filter pattern: ${parsed.message}`);
    }
    const [at, id] = before?.split('/') ?? [];
    let after = id === undefined ? undefined : { at: Number(at), id };
    const found: StoredLine[] = [];
    const answer = (next: typeof after) => {
      const shown = found.map(({ id, at, stream, text }) => ({ id, at, stream, text }));
      return c.json({ lines: shown, next: next && `${next.at}/${next.id}` }, 200);
    };
    for (let scanned = 0; scanned < MAX_SCANNED; ) {
      const size = pattern ? SCAN_LINES : limit;
      const page = await store.readLines({ group, order: 'descending', after, limit: size });
      scanned += page.length;
      for (const line of page) {
        after = { at: line.at, id: line.id };
        if (!parsed.pattern.matches(line.text)) continue;
        found.push(line);
        if (found.length === limit) return answer(after);
      }
      if (page.length < size) return answer(undefined);
    }
    return answer(after);
  });
}

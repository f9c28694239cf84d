/** The clock: read it, and move it when it is virtual. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { parseDuration } from '../platform/duration.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { json, refusal } from './schemas.ts';

const Now = z.object({ now: z.number().describe('epoch ms'), virtual: z.boolean() });

const read = createRoute({
  method: 'get',
  path: '/clock',
  responses: { 200: json(Now, 'The time the server goes by') },
});

const advance = createRoute({
  method: 'post',
  path: '/clock/advance',
  request: {
    body: {
      content: {
        'application/json': {
          schema: z.object({
            by: z.union([z.string(), z.number()]).describe('a duration such as `3m`, or milliseconds'),
          }),
        },
      },
    },
  },
  responses: {
    200: json(Now, 'Everything that fell due has run and settled'),
    400: refusal('Not a duration'),
    409: refusal('The clock is real'),
  },
});

export function addClockRoutes(app: OpenAPIHono, { clock, advanceClock }: ControlDeps): void {
  app.openapi(read, (c) => c.json({ now: clock.now(), virtual: clock.virtual }, 200));

  app.openapi(advance, async (c) => {
    if (!advanceClock) {
      throw controlError('Conflict', 'the clock is real and moves by itself; start with --clock virtual');
    }
    const { by } = c.req.valid('json');
    const byMs = typeof by === 'number' ? by : parseDuration(by);
    if (byMs === undefined || !Number.isSafeInteger(byMs) || byMs < 0) {
      throw controlError(
        'InvalidRequest',
        `by must be a duration such as "3m" or "1h30m", found ${JSON.stringify(by)}`,
      );
    }
    return c.json({ now: await advanceClock(byMs), virtual: true }, 200);
  });
}

/** The books: live from the counters, and proved by recounting the store. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { balanceBooks } from '../domain/journal.ts';
import { FUNCTION_QUEUE_PREFIX } from '../domain/lifecycle.ts';
import type { ControlDeps } from './deps.ts';
import { json, LedgerBody } from './schemas.ts';

const ledger = createRoute({
  method: 'get',
  path: '/ledger',
  responses: { 200: json(LedgerBody, 'accepted = Σ fates + pending, as of one instant') },
});

const verify = createRoute({
  method: 'get',
  path: '/ledger/verify',
  responses: {
    200: json(
      z.object({
        balanced: z.boolean(),
        ledger: LedgerBody,
        recount: z.object({
          accepted: z.number(),
          pending: z.number(),
          statuses: z.record(z.string(), z.number()),
        }),
        lost: z.object({ count: z.number(), examples: z.array(z.string()) }),
        drift: z.array(z.object({ counter: z.string(), stored: z.number(), counted: z.number() })),
      }),
      'Recounts every stored row; slow on a large store',
    ),
  },
});

export function addLedgerRoutes(app: OpenAPIHono, { store }: ControlDeps): void {
  const readLedger = async () => {
    const books = await store.readBooks(FUNCTION_QUEUE_PREFIX);
    return balanceBooks(books.counters, books.messages);
  };

  app.openapi(ledger, async (c) => c.json(await readLedger(), 200));

  app.openapi(verify, async (c) => {
    const [balance, audit] = await Promise.all([readLedger(), store.audit()]);
    return c.json(
      {
        balanced: balance.unaccounted === 0 && audit.lost.count === 0 && audit.drift.length === 0,
        ledger: balance,
        recount: { accepted: audit.accepted, pending: audit.pending, statuses: { ...audit.statuses } },
        lost: { count: audit.lost.count, examples: [...audit.lost.examples] },
        drift: [...audit.drift],
      },
      200,
    );
  });
}

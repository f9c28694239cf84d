/** Is it alive, is it ready: for load balancers and people. Open to all. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ControlDeps } from './deps.ts';

export function addHealthRoutes(app: OpenAPIHono, { store, engine, executor }: ControlDeps): void {
  app.get('/_redrive/health', (c) => c.json({ status: 'ok' }));

  app.get('/_redrive/ready', async (c) => {
    try {
      await store.readCounters('');
    } catch (error) {
      return c.json({ status: 'unavailable', reason: (error as Error).message }, 503);
    }
    return c.json({ status: 'ready', engine: engine.describe(), runtime: executor.describe() });
  });
}

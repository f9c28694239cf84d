/** The control API: our own door, for the console, the CLI and tests. Described by its OpenAPI document. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import { requireKey } from './auth.ts';
import { addClockRoutes } from './clock.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { addEventRoutes } from './events.ts';
import { addHealthRoutes } from './health.ts';
import { addLedgerRoutes } from './ledger.ts';

export const CONTROL_PATH = '/_redrive/api';

/** A fetch-style application for everything under `/_redrive/`. */
export function createControl(deps: ControlDeps): OpenAPIHono {
  const app = new OpenAPIHono();
  addHealthRoutes(app, deps);

  const api = new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) {
        const problems = result.error.issues.map(
          (issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`,
        );
        throw controlError('InvalidRequest', problems.join('; '));
      }
    },
  });
  if (deps.authenticate) api.use('*', requireKey(deps.authenticate));
  addEventRoutes(api, deps);
  addLedgerRoutes(api, deps);
  addClockRoutes(api, deps);
  api.doc('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Redrive control API', version: '1' },
    servers: [{ url: CONTROL_PATH }],
  });
  app.route(CONTROL_PATH, api);

  app.notFound((c) =>
    c.json({ error: { code: 'NotFound', message: `nothing is served at ${c.req.path}` } }, 404),
  );
  app.onError((error, c) => {
    if (error instanceof HTTPException) return error.getResponse();
    deps.log.error({ err: error, path: c.req.path }, 'control request failed');
    const unavailable = error.name === 'StoreUnavailable';
    return c.json(
      {
        error: {
          code: unavailable ? 'Unavailable' : 'Internal',
          message: unavailable ? error.message : 'see the server log',
        },
      },
      unavailable ? 503 : 500,
    );
  });
  return app;
}

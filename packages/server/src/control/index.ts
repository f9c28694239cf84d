/** The control API: our own door, for the console, the CLI and tests. Described by its OpenAPI document. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { HTTPException } from 'hono/http-exception';
import { addAlarmRoutes } from './alarms.ts';
import { addAuditRoutes } from './audit.ts';
import { addClockRoutes } from './clock.ts';
import { addConsoleRoutes } from './console.ts';
import { addDeadLetterActions } from './dead-letter-actions.ts';
import { DeadLetterIndex } from './dead-letter-index.ts';
import { DeadLetterJobs } from './dead-letter-jobs.ts';
import { addTransferRoutes } from './dead-letter-transfer.ts';
import { addDeadLetterRoutes } from './dead-letters.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { addEventContextRoutes } from './event-context.ts';
import { addEventRoutes } from './events.ts';
import { addFaultRoutes } from './faults.ts';
import { addFunctionRoutes } from './functions.ts';
import { addHealthRoutes } from './health.ts';
import { addJobRoutes } from './job-routes.ts';
import { addLedgerRoutes } from './ledger.ts';
import { LedgerSamples } from './ledger-samples.ts';
import { addLiveRoutes } from './live.ts';
import { addLogRoutes } from './logs.ts';
import { addOverviewRoutes } from './overview.ts';
import { addQueueRoutes } from './queues.ts';
import { Sessions } from './session.ts';

export const CONTROL_PATH = '/_redrive/api';

export interface Control {
  /** A fetch-style application for everything under `/_redrive/`. */
  readonly app: OpenAPIHono;
  /** Goes on with the jobs that were running when the server stopped. */
  start(): void;
  stop(): void;
}

export function createControl(deps: ControlDeps): Control {
  const app = new OpenAPIHono();
  const jobs = new DeadLetterJobs(deps);
  const index = new DeadLetterIndex(deps);
  const samples = new LedgerSamples(deps);
  const sessions = new Sessions(deps);
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
  api.use('*', sessions.guard());
  sessions.addRoutes(api);
  addLiveRoutes(api, deps);
  addEventRoutes(api, deps);
  addEventContextRoutes(api, deps);
  addOverviewRoutes(api, deps, samples);
  addFunctionRoutes(api, deps);
  addQueueRoutes(api, deps);
  addLogRoutes(api, deps);
  addAlarmRoutes(api, deps);
  addLedgerRoutes(api, deps);
  addClockRoutes(api, deps);
  addFaultRoutes(api, deps);
  addDeadLetterRoutes(api, deps, index, jobs);
  addDeadLetterActions(api, deps, index, jobs);
  addTransferRoutes(api, deps);
  addJobRoutes(api, deps, jobs);
  addAuditRoutes(api, deps);
  api.doc('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Redrive control API', version: '1' },
    servers: [{ url: CONTROL_PATH }],
  });
  app.route(CONTROL_PATH, api);
  addConsoleRoutes(app, deps);

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
  return {
    app,
    start() {
      jobs.start();
      samples.start();
    },
    stop() {
      jobs.stop();
      samples.stop();
    },
  };
}

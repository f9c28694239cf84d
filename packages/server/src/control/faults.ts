/** Faults on demand: set, list, lift. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { FaultFields, FaultRule } from '../domain/fault-rule.ts';
import { FaultBody, toFaultInput } from '../faults/fault-schema.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { body, json, refusal } from './schemas.ts';

const Rule = z
  .object({
    id: z.string(),
    target: z.string(),
    effect: z.string(),
    errorType: z.string().optional(),
    errorMessage: z.string().optional(),
    exitCode: z.number().optional(),
    delayMs: z.number().optional(),
    probability: z.number().optional(),
    first: z.number().optional(),
    every: z.number().optional(),
    from: z.number().optional().describe('epoch ms'),
    until: z.number().optional().describe('epoch ms'),
    payload: z.string().optional().describe('JSON text of the event pattern'),
    requestId: z.string().optional(),
    createdAt: z.number().describe('epoch ms'),
    seen: z.number().describe('occasions so far'),
    acted: z.number().describe('times it acted'),
  })
  .openapi('Fault');

const list = createRoute({
  method: 'get',
  path: '/faults',
  responses: { 200: json(z.object({ faults: z.array(Rule) }), 'In the order in which they were set') },
});

const add = createRoute({
  method: 'post',
  path: '/faults',
  request: { body: body(FaultBody) },
  responses: { 201: json(Rule, 'It acts from now on'), 400: refusal('What is wrong with the rule') },
});

const remove = createRoute({
  method: 'delete',
  path: '/faults/{id}',
  request: { params: z.object({ id: z.string() }) },
  responses: { 204: { description: 'It acts no more' }, 404: refusal('No such rule') },
});

const removeAll = createRoute({
  method: 'delete',
  path: '/faults',
  responses: { 204: { description: 'None acts any more' } },
});

function view({ payload, ...rule }: FaultRule) {
  return {
    ...(rule as Omit<FaultFields, 'payload'>),
    payload: payload === undefined ? undefined : JSON.stringify(payload),
  };
}

export function addFaultRoutes(app: OpenAPIHono, { faults }: ControlDeps): void {
  app.openapi(list, (c) => c.json({ faults: faults.list().map(view) }, 200));

  app.openapi(add, async (c) => {
    try {
      return c.json(view(await faults.add(toFaultInput(c.req.valid('json')))), 201);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'InvalidFault') throw error;
      throw controlError('InvalidRequest', error.message);
    }
  });

  app.openapi(remove, async (c) => {
    const { id } = c.req.valid('param');
    if (!(await faults.remove(id))) throw controlError('NotFound', `no fault has the id ${id}`);
    return c.body(null, 204);
  });

  app.openapi(removeAll, async (c) => {
    for (const { id } of faults.list()) await faults.remove(id);
    return c.body(null, 204);
  });
}

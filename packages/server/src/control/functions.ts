/** Functions with their configuration and what goes on in them now. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { DEFAULT_RETRY_POLICY } from '../domain/async-retry.ts';
import type { EventSourceMappingRecord } from '../domain/event-source-mapping.ts';
import { balanceBooks } from '../domain/journal.ts';
import {
  type FunctionRecord,
  LAMBDA_COLLECTIONS,
  listAliases,
  listVersions,
  readEventInvokeConfig,
  readFunction,
  readReservedConcurrency,
} from '../domain/lambda-function.ts';
import { LATEST } from '../domain/lambda-names.ts';
import { toFunctionSpec } from '../domain/lambda-resolve.ts';
import { functionQueue } from '../domain/lifecycle.ts';
import { LEDGER_PREFIX } from '../store/store.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { json, refusal } from './schemas.ts';

const Fates = z.object({
  Succeeded: z.number(),
  DeadLettered: z.number(),
  SentToDestination: z.number(),
  Discarded: z.number(),
});

export const FunctionBody = z
  .object({
    name: z.string(),
    arn: z.string(),
    description: z.string(),
    runtime: z.string(),
    handler: z.string(),
    state: z.string(),
    stateReason: z.string().optional(),
    timeoutMs: z.number(),
    memoryMb: z.number(),
    lastModifiedAt: z.number(),
    logGroup: z.string(),
    reservedConcurrency: z.number().optional(),
    deadLetterArn: z.string().optional(),
    onFailure: z.string().optional(),
    onSuccess: z.string().optional(),
    maximumRetryAttempts: z.number(),
    maximumEventAgeMs: z.number(),
    running: z.number().describe('runs that execute now'),
    waiting: z.number().describe('accepted events that are due or held'),
    scheduled: z.number().describe('accepted events whose retry is not due yet'),
    oldestPendingAt: z.number().optional(),
    accepted: z.number(),
    fates: Fates,
  })
  .openapi('Function');

export const FunctionDetailBody = FunctionBody.extend({
  environment: z.array(z.string()).describe('names of its variables; values are not shown'),
  versions: z.array(z.object({ version: z.string(), publishedAt: z.number(), description: z.string() })),
  aliases: z.array(
    z.object({ name: z.string(), version: z.string(), weights: z.record(z.string(), z.number()).optional() }),
  ),
  sources: z.array(z.object({ uuid: z.string(), arn: z.string(), state: z.string(), batchSize: z.number() })),
}).openapi('FunctionDetail');

const list = createRoute({
  method: 'get',
  path: '/functions',
  responses: { 200: json(z.object({ functions: z.array(FunctionBody) }), 'By name') },
});

const one = createRoute({
  method: 'get',
  path: '/functions/{name}',
  request: { params: z.object({ name: z.string() }) },
  responses: { 200: json(FunctionDetailBody, 'The function'), 404: refusal('No such function') },
});

export function addFunctionRoutes(app: OpenAPIHono, { store, clock, executor }: ControlDeps): void {
  const view = async (record: FunctionRecord, counters: Readonly<Record<string, number>>) => {
    const { arn, timeoutMs, memoryMb, logGroup } = toFunctionSpec(record);
    const config = readEventInvokeConfig(store.resources, record.name, LATEST)?.value;
    const depth = await store.readDepth(functionQueue(record.name), clock.now());
    const own = Object.fromEntries(
      Object.entries(counters).filter(([name]) => name.endsWith(`/${record.name}`)),
    );
    const waiting = depth.visible + depth.inFlight;
    const { accepted, fates } = balanceBooks(own, waiting + depth.delayed);
    return {
      name: record.name,
      arn,
      description: record.description,
      runtime: record.runtime,
      handler: record.handler,
      state: record.state,
      stateReason: record.stateReason,
      timeoutMs,
      memoryMb,
      lastModifiedAt: record.lastModifiedAt,
      logGroup,
      reservedConcurrency: readReservedConcurrency(store.resources, record.name),
      deadLetterArn: record.deadLetterTargetArn,
      onFailure: config?.onFailure,
      onSuccess: config?.onSuccess,
      maximumRetryAttempts: config?.maximumRetryAttempts ?? DEFAULT_RETRY_POLICY.maximumRetryAttempts,
      maximumEventAgeMs:
        config?.maximumEventAgeSeconds === undefined
          ? DEFAULT_RETRY_POLICY.maximumEventAgeMs
          : config.maximumEventAgeSeconds * 1000,
      running: executor.concurrency(arn),
      waiting,
      scheduled: depth.delayed,
      oldestPendingAt: depth.oldestSentAt,
      accepted,
      fates: { ...fates },
    };
  };

  app.openapi(list, async (c) => {
    const counters = await store.readCounters(LEDGER_PREFIX);
    const records = store.resources.list<FunctionRecord>(LAMBDA_COLLECTIONS.functions);
    const functions = await Promise.all(records.map(({ value }) => view(value, counters)));
    return c.json({ functions }, 200);
  });

  app.openapi(one, async (c) => {
    const { name } = c.req.valid('param');
    const record = readFunction(store.resources, name)?.value;
    if (!record) throw controlError('NotFound', `no function is named ${name}`);
    const summary = await view(record, await store.readCounters(LEDGER_PREFIX));
    const mappings = store.resources.list<EventSourceMappingRecord>(LAMBDA_COLLECTIONS.eventSourceMappings);
    return c.json(
      {
        ...summary,
        environment: Object.keys(record.environment ?? {}).sort(),
        versions: listVersions(store.resources, name)
          .map(({ value }) => ({
            version: value.version,
            publishedAt: value.lastModifiedAt,
            description: value.description,
          }))
          .reverse(),
        aliases: listAliases(store.resources, name).map(({ value }) => ({
          name: value.name,
          version: value.functionVersion,
          weights: value.additionalVersionWeights && { ...value.additionalVersionWeights },
        })),
        sources: mappings
          .filter(({ value }) => value.functionName === name)
          .map(({ value }) => ({
            uuid: value.uuid,
            arn: value.eventSourceArn,
            state: String(value.state),
            batchSize: value.batchSize,
          })),
      },
      200,
    );
  });
}

/** Shapes of the control API, as they appear in its OpenAPI document. */
import { z } from '@hono/zod-openapi';

export const ErrorBody = z
  .object({ error: z.object({ code: z.string(), message: z.string() }) })
  .openapi('Error');

export const FateBody = z
  .object({
    kind: z.enum(['Succeeded', 'DeadLettered', 'SentToDestination', 'Discarded']),
    reason: z.string().optional(),
    at: z.number().describe('epoch ms'),
  })
  .openapi('Fate');

export const EventSummaryBody = z
  .object({
    requestId: z.string(),
    functionName: z.string(),
    functionArn: z.string(),
    source: z.string(),
    causedBy: z.string().optional(),
    acceptedAt: z.number().describe('epoch ms'),
    fate: FateBody.optional(),
  })
  .openapi('EventSummary');

export const EventListBody = EventSummaryBody.extend({
  attempts: z.number().optional(),
  errorType: z.string().optional(),
  errorMessage: z.string().optional(),
}).openapi('EventListItem');

const AttemptBody = z
  .object({
    number: z.number(),
    startedAt: z.number(),
    endedAt: z.number().optional(),
    outcome: z.string(),
    errorType: z.string().optional(),
    errorMessage: z.string().optional(),
    response: z.string().optional(),
    executedVersion: z.string().optional(),
    durationMs: z.number().optional(),
    billedMs: z.number().optional(),
    initMs: z.number().optional(),
    maxMemoryMb: z.number().optional(),
    environmentId: z.string().optional(),
    logStream: z.string().optional(),
  })
  .openapi('Attempt');

export const EventBody = EventSummaryBody.extend({
  payload: z.string().describe('JSON text as accepted'),
  attempts: z.array(AttemptBody),
  nextAttemptAt: z.number().optional(),
  timeline: z.array(
    z.object({ at: z.number(), kind: z.string(), data: z.record(z.string(), z.unknown()).optional() }),
  ),
}).openapi('Event');

export const LedgerBody = z
  .object({
    accepted: z.number(),
    pending: z.number(),
    fates: z.object({
      Succeeded: z.number(),
      DeadLettered: z.number(),
      SentToDestination: z.number(),
      Discarded: z.number(),
    }),
    unaccounted: z.number(),
  })
  .openapi('Ledger');

/** A JSON response of an OpenAPI route. */
export function json<T extends z.ZodType>(schema: T, description: string) {
  return { content: { 'application/json': { schema } }, description };
}

export const refusal = (description: string) => json(ErrorBody, description);

/** A JSON request body of an OpenAPI route. */
export function body<T extends z.ZodType>(schema: T) {
  return { required: true, content: { 'application/json': { schema } } };
}

/** A rule as people write it, in JSON and YAML: durations are texts such as `5s`. */
import { z } from 'zod';
import type { FaultInput } from '../domain/fault-rule.ts';
import { parseDuration } from '../platform/duration.ts';
import type { JsonObject } from '../store/store.ts';

export const Duration = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, {
    error: ({ input }) => `expected a duration such as 90s, 3m or 1h30m, found '${String(input)}'`,
  })
  .describe('90s, 3m, 1h30m, 250ms …');

export const FaultBody = z.strictObject({
  id: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .optional()
    .describe('letters, digits, dots and dashes; made when absent'),
  target: z
    .string()
    .describe(
      'api:SERVICE:OPERATION, function:NAME, queue:NAME, topic:NAME (a * at the end matches any rest), store or process',
    ),
  effect: z.string().describe('what happens to the target'),
  errorType: z.string().optional(),
  errorMessage: z.string().optional(),
  exitCode: z.int().min(0).max(255).optional(),
  delay: Duration.optional().describe('of latency, delay, slowDisk and freeze'),
  probability: z.number().optional().describe('more than 0, at most 1'),
  first: z.int().min(1).optional().describe('only the first n occasions'),
  every: z.int().min(1).optional().describe('only every n-th occasion'),
  after: Duration.optional().describe('begins so long after it was set'),
  for: Duration.optional().describe('ends so long after it began'),
  payload: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('event pattern over the event, the message body or the operation’s input'),
  requestId: z.string().optional().describe('only this event or request'),
});
export type FaultBody = z.infer<typeof FaultBody>;

export function toFaultInput({ delay, after, for: lasts, payload, ...rest }: FaultBody): FaultInput {
  return {
    ...rest,
    delayMs: delay === undefined ? undefined : parseDuration(delay),
    afterMs: after === undefined ? undefined : parseDuration(after),
    forMs: lasts === undefined ? undefined : parseDuration(lasts),
    payload: payload as JsonObject | undefined,
  };
}

/** Shapes of the dead-letter part of the control API. */
import { z } from '@hono/zod-openapi';

const Counts = z.record(z.string(), z.number());

export const GroupBody = z
  .object({
    fingerprint: z.string(),
    type: z.string(),
    message: z.string().describe('without what differs from case to case'),
    frames: z.array(z.string()).describe('own code, innermost first'),
    count: z.number(),
    firstSeenAt: z.number(),
    lastSeenAt: z.number(),
    kinds: Counts,
    versions: Counts,
    sources: Counts,
    conditions: Counts,
    sample: z.string().describe('ref of the newest'),
  })
  .openapi('DeadLetterGroup');

const OriginBody = z.union([
  z.object({ kind: z.literal('function'), functionName: z.string(), qualifier: z.string().optional() }),
  z.object({ kind: z.enum(['queue', 'topic']), arn: z.string() }),
]);

export const LetterSummaryBody = z
  .object({
    ref: z.string().describe('names the message in this queue; changes when it is edited'),
    messageId: z.string(),
    kind: z.enum(['function', 'record', 'queue', 'notification', 'other']),
    requestId: z.string().optional(),
    origin: OriginBody.optional(),
    fingerprint: z.string(),
    errorType: z.string(),
    errorMessage: z.string(),
    condition: z.string().optional(),
    attempts: z.number().optional(),
    version: z.string().optional(),
    deadLetteredAt: z.number(),
    sentAt: z.number(),
    receiveCount: z.number(),
    groupId: z.string().optional(),
    held: z.boolean().describe('a consumer has it, or it is delayed'),
    edited: z.boolean(),
    size: z.number().describe('characters of the body'),
    preview: z.string().describe('beginning of the payload'),
  })
  .openapi('DeadLetterSummary');

export const LetterBody = LetterSummaryBody.extend({
  payload: z.string(),
  body: z.string(),
  messageAttributes: z.record(z.string(), z.unknown()),
  frames: z.array(z.string()),
  trace: z.array(z.string()).optional(),
  statusCode: z.number().optional(),
  original: z.string().optional().describe('the payload before the first edit'),
  edits: z.array(z.object({ at: z.number(), by: z.string() })),
}).openapi('DeadLetter');

export const SelectionBody = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('all') }),
    z.object({ kind: z.literal('group'), fingerprint: z.string().regex(/^[0-9a-f]{12}$/) }),
    z.object({ kind: z.literal('messages'), refs: z.array(z.string().max(32)).min(1).max(1_000) }),
  ])
  .openapi('Selection');

export const JobBody = z
  .object({
    jobId: z.string(),
    action: z.enum(['redrive', 'discard']),
    queue: z.string(),
    selection: SelectionBody,
    target: z.string().optional(),
    qualifier: z.string().optional(),
    ratePerSecond: z.number().optional(),
    stopAboveFailureRate: z.number().optional(),
    reason: z.string().optional(),
    by: z.string(),
    status: z.enum(['Running', 'Paused', 'Stopped', 'Completed', 'Failed']),
    statusReason: z.string().optional(),
    startedAt: z.number(),
    endedAt: z.number().optional(),
    total: z.number(),
    moved: z.number(),
    skipped: z.number(),
    refused: Counts,
    succeeded: z.number(),
    failed: z.number(),
    watching: z.number().describe('redriven events whose first attempt has not ended'),
  })
  .openapi('DeadLetterJob');

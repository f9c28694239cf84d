/** Dead letters: edit, try, redrive, discard. Every action leaves a line in the audit trail. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { createPatch } from 'diff';
import { checkPayload, editDeadLetter, readDeadLetter } from '../domain/dead-letter.ts';
import { type DeadLetterJob, formatRef, type Selection } from '../domain/dead-letter-job.ts';
import { checkMessage } from '../domain/sqs-send.ts';
import { auditEffect } from './audit.ts';
import type { DeadLetterIndex } from './dead-letter-index.ts';
import type { DeadLetterJobs } from './dead-letter-jobs.ts';
import { findOrigin } from './dead-letter-plan.ts';
import { JobBody, LetterBody, SelectionBody } from './dead-letter-schemas.ts';
import { viewJob, viewLetter } from './dead-letter-view.ts';
import { MessageParam, QueueParam, requireMessage, requireQueue } from './dead-letters.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { operatorOf } from './operator.ts';
import { body, json, refusal } from './schemas.ts';

const MAX_PAYLOAD = 1_048_576;
const Payload = z.string().max(MAX_PAYLOAD).describe('JSON text for functions, any text for queues');

const edit = createRoute({
  method: 'put',
  path: '/dead-letters/{queue}/messages/{ref}/payload',
  request: { params: MessageParam, body: body(z.object({ payload: Payload })) },
  responses: {
    200: json(
      LetterBody,
      'The message with its new payload and new ref; the original payload is kept beside it',
    ),
    400: refusal('The payload cannot be sent'),
    404: refusal('No such queue or message'),
    409: refusal('A consumer has the message, or it was changed meanwhile'),
  },
});

const tryOut = createRoute({
  method: 'post',
  path: '/dead-letters/{queue}/messages/{ref}/try',
  request: {
    params: MessageParam,
    body: body(
      z.object({
        payload: Payload.optional().describe('instead of the message’s own'),
        functionName: z.string().optional().describe('absent: the function it came from'),
        qualifier: z.string().optional().describe('version or alias'),
      }),
    ),
  },
  responses: {
    200: json(
      z.object({
        outcome: z.enum(['succeeded', 'functionError', 'throttled', 'systemError', 'gone']),
        response: z.string().optional(),
        errorType: z.string().optional(),
        errorMessage: z.string().optional(),
        executedVersion: z.string().optional(),
        durationMs: z.number().optional(),
        log: z.string().optional().describe('the last 4 KB'),
      }),
      'What the function made of it. The message stays where it is.',
    ),
    400: refusal('The payload cannot be sent, or no function is known'),
    404: refusal('No such queue or message'),
  },
});

const redrive = createRoute({
  method: 'post',
  path: '/dead-letters/{queue}/redrive',
  request: {
    params: QueueParam,
    body: body(
      z.object({
        selection: SelectionBody,
        target: z.string().optional().describe('ARN of a queue or function; absent: where each came from'),
        qualifier: z.string().optional().describe('version or alias; absent: the one that failed'),
        ratePerSecond: z.number().positive().max(100_000).optional(),
        stopAboveFailureRate: z
          .number()
          .min(0)
          .max(1)
          .optional()
          .describe('0.2: stops when more than 20 % fail again'),
      }),
    ),
  },
  responses: { 202: json(JobBody, 'The job that does it'), 404: refusal('No such queue') },
});

const discard = createRoute({
  method: 'post',
  path: '/dead-letters/{queue}/discard',
  request: {
    params: QueueParam,
    body: body(z.object({ selection: SelectionBody, reason: z.string().trim().min(1).max(1024) })),
  },
  responses: { 202: json(JobBody, 'The job that does it'), 404: refusal('No such queue') },
});

export function addDeadLetterActions(
  app: OpenAPIHono,
  deps: ControlDeps,
  index: DeadLetterIndex,
  jobs: DeadLetterJobs,
): void {
  const { store, clock, engine, ids } = deps;

  app.openapi(edit, async (c) => {
    const { queue: name, ref } = c.req.valid('param');
    const { payload } = c.req.valid('json');
    const queue = requireQueue(deps, name);
    const message = await requireMessage(deps, jobs, name, ref);
    const now = clock.now();
    if (message.dueAt > now) {
      throw controlError(
        'Conflict',
        `a consumer has message ${message.id}, or it is delayed: try again later`,
      );
    }
    const letter = readDeadLetter(message);
    const wrong = checkPayload(letter, payload);
    if (wrong !== undefined) throw controlError('InvalidRequest', wrong);
    const by = operatorOf(c);
    const edited = editDeadLetter(message, payload, { at: now, by });
    const refused = checkMessage({ ...queue, fifo: false }, { body: edited.body });
    if (refused) throw controlError('InvalidRequest', refused.message);
    const result = await store.commit([
      { kind: 'ack', receipt: message.receipt },
      {
        kind: 'send',
        queue: message.queue,
        message: {
          id: message.id,
          dueAt: now,
          sentAt: message.sentAt,
          ...edited,
          group: message.group,
          receiveCount: message.receiveCount,
          firstReceivedAt: message.firstReceivedAt,
        },
      },
      auditEffect(now, [
        {
          by,
          action: 'edit',
          subject: name,
          messageId: message.id,
          requestId: letter.requestId,
          diff: diffOf(letter.payload, payload),
        },
      ]),
    ]);
    const sent = result.kind === 'committed' ? result.sent[0] : undefined;
    if (!sent)
      throw controlError('Conflict', `message ${message.id} was changed or received meanwhile: look again`);
    const found = await requireMessage(deps, jobs, name, formatRef({ ...message, receipt: sent.receipt }));
    return c.json(viewLetter(found, now), 200);
  });

  app.openapi(tryOut, async (c) => {
    const { queue, ref } = c.req.valid('param');
    const options = c.req.valid('json');
    const message = await requireMessage(deps, jobs, queue, ref);
    const letter = readDeadLetter(message);
    const origin = await findOrigin(deps, letter);
    const known = origin?.kind === 'function' ? origin : undefined;
    const functionName = options.functionName ?? known?.functionName;
    if (functionName === undefined) {
      throw controlError('InvalidRequest', 'the message came from no function: name one to try it with');
    }
    const payload = options.payload ?? letter.payload;
    const wrong = checkPayload({ kind: 'function' }, payload);
    if (wrong !== undefined) throw controlError('InvalidRequest', wrong);
    const qualifier =
      options.qualifier ?? (options.functionName === undefined ? known?.qualifier : undefined);
    const outcome = await engine.invoke({
      requestId: ids.ordered(),
      functionName,
      qualifier,
      payload,
      logTail: true,
      signal: c.req.raw.signal,
    });
    await store.commit([
      auditEffect(clock.now(), [
        {
          by: operatorOf(c),
          action: 'try',
          subject: queue,
          messageId: message.id,
          requestId: letter.requestId,
          with: qualifier === undefined ? functionName : `${functionName}:${qualifier}`,
          edited: options.payload === undefined ? undefined : true,
          outcome: outcome.kind,
        },
      ]),
    ]);
    const ran = outcome.kind === 'succeeded' || outcome.kind === 'functionError' ? outcome : undefined;
    return c.json(
      {
        outcome: outcome.kind,
        response: ran?.payload,
        errorType: outcome.kind === 'functionError' ? outcome.errorType : undefined,
        errorMessage:
          outcome.kind === 'functionError'
            ? outcome.errorMessage
            : 'message' in outcome
              ? outcome.message
              : 'reason' in outcome
                ? outcome.reason
                : undefined,
        executedVersion: ran?.executedVersion,
        durationMs: ran?.report.durationMs,
        log: ran?.report.logTail?.toString('utf8'),
      },
      200,
    );
  });

  app.openapi(redrive, async (c) => {
    const { name } = requireQueue(deps, c.req.valid('param').queue);
    const { selection, ...options } = c.req.valid('json');
    const job = await newJob(name, selection, operatorOf(c));
    const value: DeadLetterJob = { ...job, ...options, action: 'redrive' };
    await jobs.begin(value);
    return c.json(viewJob(value), 202);
  });

  app.openapi(discard, async (c) => {
    const { name } = requireQueue(deps, c.req.valid('param').queue);
    const { selection, reason } = c.req.valid('json');
    const job = await newJob(name, selection, operatorOf(c));
    const value: DeadLetterJob = { ...job, action: 'discard', reason };
    await jobs.begin(value);
    return c.json(viewJob(value), 202);
  });

  async function newJob(queue: string, selection: Selection, by: string): Promise<DeadLetterJob> {
    return {
      jobId: ids.ordered(),
      action: 'redrive',
      queue,
      selection,
      by,
      status: 'Running',
      startedAt: clock.now(),
      total: await countSelected(queue, selection),
      moved: 0,
      skipped: 0,
      refused: {},
      succeeded: 0,
      failed: 0,
      undecided: [],
      nextRef: 0,
    };
  }

  async function countSelected(queue: string, selection: Selection): Promise<number> {
    if (selection.kind === 'messages') return selection.refs.length;
    if (selection.kind === 'group') {
      const { groups } = await index.groups(queue);
      return groups.find(({ fingerprint }) => fingerprint === selection.fingerprint)?.count ?? 0;
    }
    const depth = await store.readDepth(requireQueue(deps, queue).messages, clock.now());
    return depth.visible + depth.inFlight + depth.delayed;
  }
}

/** Longest diff kept in the trail, characters. */
const MAX_DIFF = 32 * 1024;

/** What was changed, line by line of the printed JSON. */
function diffOf(before: string, after: string): string {
  const patch = createPatch('payload', printed(before), printed(after), undefined, undefined, {
    context: 1,
    maxEditLength: 2_000,
  });
  if (patch === undefined) return `replaced: ${before.length} characters by ${after.length}`;
  return patch.length <= MAX_DIFF ? patch : `${patch.slice(0, MAX_DIFF)}\n…`;
}

function printed(text: string): string {
  try {
    return `${JSON.stringify(JSON.parse(text), undefined, 2)}\n`;
  } catch {
    // Not JSON: compared as it is.
    return text;
  }
}

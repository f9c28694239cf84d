/** Events: list, one with its timeline, send again, discard. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { summarizeEvent, viewEvent } from '../domain/event-view.ts';
import { type EventFacts, FATE_KINDS } from '../domain/journal.ts';
import { resolveTarget } from '../domain/lambda-resolve.ts';
import { functionQueue } from '../domain/lifecycle.ts';
import type { Subject, SubjectFilter, SubjectPage } from '../store/store.ts';
import { auditEffect } from './audit.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { operatorOf } from './operator.ts';
import { EventBody, EventListBody, EventSummaryBody, json, refusal } from './schemas.ts';

const MAX_PAGE = 1_000;
/** Subjects read by one look of a search, and looks of one request. */
const SEARCH_SCAN = 10_000;
const SEARCH_WINDOWS = 20;
const MAX_ERROR_SHOWN = 500;

const list = createRoute({
  method: 'get',
  path: '/events',
  request: {
    query: z.object({
      function: z.string().optional().describe('function name'),
      fate: z
        .enum(['Pending', 'Succeeded', 'DeadLettered', 'SentToDestination', 'Discarded', 'Failed'])
        .optional()
        .describe('`Failed`: ended in any way but success'),
      from: z.coerce.number().optional().describe('epoch ms, inclusive'),
      to: z.coerce.number().optional().describe('epoch ms, exclusive'),
      reason: z.string().optional().describe('condition of those given up: `RetriesExhausted` …'),
      text: z.string().min(1).max(200).optional().describe('the payload contains it'),
      error: z
        .string()
        .min(1)
        .max(200)
        .optional()
        .describe('the timeline contains it: error type, message, version …'),
      details: z.enum(['true', 'false']).optional().describe('with attempts and last error of each'),
      before: z.string().optional().describe('request id: only events older than this one'),
      limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50),
    }),
  },
  responses: {
    200: json(
      z.object({ events: z.array(EventListBody), nextBefore: z.string().optional() }),
      'Newest first; `nextBefore` is the `before` of the next page. A search may answer a short page and go on there.',
    ),
  },
});

const id = z.object({ requestId: z.string() });

const get = createRoute({
  method: 'get',
  path: '/events/{requestId}',
  request: { params: id },
  responses: { 200: json(EventBody, 'The event with its timeline'), 404: refusal('No such event') },
});

const redrive = createRoute({
  method: 'post',
  path: '/events/{requestId}/redrive',
  request: {
    params: id,
    body: {
      required: false,
      content: {
        'application/json': {
          schema: z.object({
            payload: z.string().optional().describe('JSON text; the original when absent'),
            qualifier: z.string().optional().describe('version or alias; the original when absent'),
          }),
        },
      },
    },
  },
  responses: {
    202: json(z.object({ requestId: z.string() }), 'Accepted as a new event caused by the old one'),
    404: refusal('No such event or function'),
    409: refusal('The event is still pending'),
  },
});

const discard = createRoute({
  method: 'post',
  path: '/events/{requestId}/discard',
  request: {
    params: id,
    body: {
      content: { 'application/json': { schema: z.object({ reason: z.string().min(1).max(1024) }) } },
    },
  },
  responses: {
    200: json(EventSummaryBody, 'The event with its fate'),
    404: refusal('No such event'),
    409: refusal('The event has its fate already'),
  },
});

export function addEventRoutes(app: OpenAPIHono, deps: ControlDeps): void {
  const { store, engine, ids, clock, random } = deps;

  async function find(requestId: string) {
    const found = await store.readSubject(requestId);
    if (!found) throw controlError('NotFound', `no event has the request id ${requestId}`);
    return found;
  }

  app.openapi(list, async (c) => {
    const query = c.req.valid('query');
    const filter = {
      topic: query.function,
      status: query.fate === 'Failed' ? undefined : query.fate,
      from: query.from,
      to: query.to,
      before: query.before,
      limit: query.limit,
    };
    const searches = query.reason !== undefined || query.text !== undefined || query.error !== undefined;
    const read = (one: SubjectFilter) => (searches ? search(one, query) : page(one));
    const { subjects, next } = query.fate === 'Failed' ? await merge(filter, read) : await read(filter);
    const events =
      query.details === 'true' ? await Promise.all(subjects.map(detail)) : subjects.map(summarizeEvent);
    return c.json({ events, nextBefore: next }, 200);
  });

  async function page(filter: SubjectFilter): Promise<SubjectPage> {
    const subjects = await store.listSubjects(filter);
    return { subjects, next: subjects.length === filter.limit ? subjects.at(-1)?.subject : undefined };
  }

  /** Goes on for as long as somebody is willing to wait for an answer; the next page goes on from there. */
  async function search(
    filter: SubjectFilter,
    { reason, text, error }: { reason?: string; text?: string; error?: string },
  ): Promise<SubjectPage> {
    const subjects: Subject[] = [];
    let next = filter.before;
    for (let window = 0; window < SEARCH_WINDOWS; window++) {
      const found = await store.searchSubjects({
        ...filter,
        before: next,
        limit: filter.limit - subjects.length,
        reason,
        payloadText: text,
        entryText: error,
        scan: SEARCH_SCAN,
      });
      subjects.push(...found.subjects);
      next = found.next;
      if (next === undefined || subjects.length === filter.limit) break;
    }
    return { subjects, next };
  }

  /** Several fates at once, in order of time. */
  async function merge(
    filter: SubjectFilter,
    read: (filter: SubjectFilter) => Promise<SubjectPage>,
  ): Promise<SubjectPage> {
    const failed = FATE_KINDS.filter((fate) => fate !== 'Succeeded');
    const pages = await Promise.all(failed.map((status) => read({ ...filter, status })));
    // Beyond where the shortest look has ended, nothing is known to be complete.
    const known = pages.reduce((place, { next }) => (next !== undefined && next > place ? next : place), '');
    const complete = pages
      .flatMap(({ subjects }) => subjects)
      .filter(({ subject }) => subject >= known)
      .sort((a, b) => (a.subject < b.subject ? 1 : -1));
    const subjects = complete.slice(0, filter.limit);
    if (complete.length > filter.limit) return { subjects, next: subjects.at(-1)?.subject };
    return { subjects, next: known === '' ? undefined : known };
  }

  async function detail(subject: Subject) {
    const found = await store.readSubject(subject.subject);
    const attempts = viewEvent(subject, found?.entries ?? []).attempts;
    const last = attempts.findLast(({ errorType, errorMessage }) => errorType ?? errorMessage);
    return {
      ...summarizeEvent(subject),
      attempts: attempts.length,
      errorType: last?.errorType,
      errorMessage: last?.errorMessage?.slice(0, MAX_ERROR_SHOWN),
    };
  }

  app.openapi(get, async (c) => {
    const { subject, entries } = await find(c.req.valid('param').requestId);
    return c.json(viewEvent(subject, entries) as z.infer<typeof EventBody>, 200);
  });

  app.openapi(redrive, async (c) => {
    const { subject } = await find(c.req.valid('param').requestId);
    const facts = subject.data as EventFacts;
    if (subject.status === 'Pending') {
      throw controlError('Conflict', `event ${subject.subject} is still pending: it needs no redrive`);
    }
    const body = c.req.header('content-type') ? c.req.valid('json') : {};
    const payload = body.payload ?? subject.payload;
    requireJson(payload);
    const qualifier = body.qualifier ?? facts.qualifier;
    const target = resolveTarget(store.resources, facts.functionName, qualifier, random);
    if (target.kind === 'notFound') {
      throw controlError(
        'NotFound',
        `function ${facts.functionName}:${target.qualifier} does not exist any more`,
      );
    }
    const requestId = ids.ordered();
    await engine.accept({
      requestId,
      functionName: facts.functionName,
      qualifier,
      functionArn: target.qualifiedArn,
      payload,
      source: 'Redrive',
      causedBy: subject.subject,
    });
    await store.commit([
      {
        kind: 'append',
        subject: subject.subject,
        entries: [{ at: clock.now(), kind: 'redriven', data: { as: requestId, by: operatorOf(c) } }],
      },
      auditEffect(clock.now(), [
        {
          by: operatorOf(c),
          action: 'event.redrive',
          subject: subject.subject,
          as: requestId,
          edited: payload === subject.payload ? undefined : true,
        },
      ]),
    ]);
    return c.json({ requestId }, 202);
  });

  app.openapi(discard, async (c) => {
    const { subject } = await find(c.req.valid('param').requestId);
    const { reason } = c.req.valid('json');
    const now = clock.now();
    const message = await findMessage(deps, subject);
    const result =
      subject.status === 'Pending' && message
        ? await store.commit([
            { kind: 'ack', receipt: message.receipt },
            {
              kind: 'append',
              subject: subject.subject,
              entries: [
                { at: now, kind: 'fate', data: { fate: 'Discarded', reason: 'Operator', note: reason } },
              ],
              settle: { status: 'Discarded', reason: 'Operator' },
            },
            auditEffect(now, [
              { by: operatorOf(c), action: 'event.discard', subject: subject.subject, reason },
            ]),
          ])
        : undefined;
    if (result?.kind !== 'committed') {
      throw controlError('Conflict', `event ${subject.subject} has its fate already: ${subject.status}`);
    }
    const { subject: settled } = await find(subject.subject);
    return c.json(summarizeEvent(settled), 200);
  });
}

/** The event's message, as long as it has no fate. */
async function findMessage(deps: ControlDeps, subject: Subject) {
  const queue = functionQueue(subject.topic);
  // Messages come in order of acceptance, so those before this one need no look.
  let after = { sentAt: subject.acceptedAt, seq: 0 };
  for (;;) {
    const page = await deps.store.browse(queue, { limit: MAX_PAGE, after });
    const found = page.find((message) => message.id === subject.subject);
    const last = page.at(-1);
    if (found || !last || last.sentAt > subject.acceptedAt) return found;
    after = { sentAt: last.sentAt, seq: last.receipt.seq };
  }
}

function requireJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw controlError('InvalidRequest', `payload must be JSON text: ${(error as Error).message}`);
  }
}

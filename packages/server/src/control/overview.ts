/** Is anything wrong, where, since when: one look at everything. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { ALARMS, type AlarmRecord } from '../domain/alarm.ts';
import { DEAD_LETTER_JOBS, type DeadLetterJob } from '../domain/dead-letter-job.ts';
import { balanceBooks, FATE_KINDS } from '../domain/journal.ts';
import { type FunctionRecord, LAMBDA_COLLECTIONS } from '../domain/lambda-function.ts';
import { FUNCTION_QUEUE_PREFIX, functionQueue } from '../domain/lifecycle.ts';
import { LEDGER_PREFIX, settledCounter } from '../store/store.ts';
import { findDeadLetterQueues } from './dead-letter-queues.ts';
import type { ControlDeps } from './deps.ts';
import type { LedgerSamples } from './ledger-samples.ts';
import { json, LedgerBody } from './schemas.ts';

/** A due event that waits longer is a sign that something is stuck. */
const LONG_WAIT_MS = 300_000;
/** Share of a queue's retention after which its oldest message is about to be lost. */
const NEARLY_LOST = 0.8;
const DAY_MS = 86_400_000;

const ProblemBody = z
  .object({
    severity: z.enum(['critical', 'warning', 'info']),
    kind: z.enum([
      'alarm',
      'unaccounted',
      'deadLetters',
      'expiring',
      'stuck',
      'failing',
      'jobStopped',
      'functionState',
    ]),
    subject: z.string().describe('queue, function or job'),
    text: z.string(),
    since: z.number().optional().describe('epoch ms'),
  })
  .openapi('Problem');
type Problem = z.infer<typeof ProblemBody>;

export const OverviewBody = z
  .object({
    now: z.number(),
    problems: z.array(ProblemBody).describe('the worst first'),
    ledger: LedgerBody,
    deadLetters: z.number(),
    oldestPendingAt: z.number().optional(),
    running: z.number(),
    environments: z.number(),
    lastHour: z.object({
      accepted: z.number(),
      succeeded: z.number(),
      failed: z.number(),
      since: z.number(),
    }),
    rates: z.object({
      at: z.array(z.number()),
      accepted: z.array(z.number()),
      succeeded: z.array(z.number()),
      failed: z.array(z.number()),
    }),
  })
  .openapi('Overview');

const route = createRoute({
  method: 'get',
  path: '/overview',
  responses: {
    200: json(OverviewBody, 'Is anything wrong, where, since when'),
  },
});

const SEVERITIES = ['critical', 'warning', 'info'] as const;

export function addOverviewRoutes(app: OpenAPIHono, deps: ControlDeps, samples: LedgerSamples): void {
  const { store, clock, executor } = deps;

  app.openapi(route, async (c) => {
    const now = clock.now();
    const [books, pending, dead] = await Promise.all([
      store.readBooks(FUNCTION_QUEUE_PREFIX),
      readFunctions(deps, now),
      readDeadLetters(deps, now),
    ]);
    const ledger = balanceBooks(books.counters, books.messages);
    const current = { at: now, counters: onlyLedger(books.counters) };
    const rates = samples.rates(current);
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    const problems: Problem[] = [
      ...(ledger.unaccounted === 0
        ? []
        : [
            {
              severity: 'critical' as const,
              kind: 'unaccounted' as const,
              subject: 'ledger',
              text: `${ledger.unaccounted} events are neither pending nor ended: run redrive verify`,
            },
          ]),
      ...findAlarms(),
      ...dead.problems,
      ...pending.problems,
      ...findFailing(
        store.resources.list<FunctionRecord>(LAMBDA_COLLECTIONS.functions).map(({ key }) => key),
      ),
      ...findStoppedJobs(now),
    ].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
    const state = executor.describe();
    return c.json(
      {
        now,
        problems,
        ledger: { ...ledger, fates: { ...ledger.fates } },
        deadLetters: dead.total,
        oldestPendingAt: pending.oldestAt,
        running: state.busy,
        environments: state.environments,
        lastHour: {
          accepted: sum(rates.accepted),
          succeeded: sum(rates.succeeded),
          failed: sum(rates.failed),
          since: samples.first?.at ?? now,
        },
        rates,
      },
      200,
    );

    /** Functions that gave events up within the last hour. */
    function findFailing(functions: readonly string[]): Problem[] {
      const { first } = samples;
      if (!first) return [];
      return functions.flatMap((name): Problem[] => {
        let gone = 0;
        for (const fate of FATE_KINDS) {
          const counter = settledCounter(fate, name);
          if (fate !== 'Succeeded') gone += (current.counters[counter] ?? 0) - (first.counters[counter] ?? 0);
        }
        if (gone === 0) return [];
        const text = `${gone} ${gone === 1 ? 'event was' : 'events were'} given up in the last hour`;
        const since = samples.firstAt(({ counters }) =>
          FATE_KINDS.some((fate) => {
            const counter = settledCounter(fate, name);
            return fate !== 'Succeeded' && (counters[counter] ?? 0) > (first.counters[counter] ?? 0);
          }),
        );
        return [{ severity: 'warning', kind: 'failing', subject: name, text, since: since ?? now }];
      });
    }

    function findAlarms(): Problem[] {
      return store.resources.list<AlarmRecord>(ALARMS).flatMap(({ key, value: { state } }): Problem[] => {
        if (state.value !== 'ALARM') return [];
        return [
          {
            severity: 'critical',
            kind: 'alarm',
            subject: key,
            text: state.reason,
            since: state.transitionedAt,
          },
        ];
      });
    }

    function findStoppedJobs(at: number): Problem[] {
      return store.resources.list<DeadLetterJob>(DEAD_LETTER_JOBS).flatMap(({ value: job }): Problem[] => {
        const recent = (job.endedAt ?? 0) > at - DAY_MS;
        if (job.status !== 'Stopped' || !recent || job.statusReason?.startsWith('stopped by')) return [];
        const text = `Redrive of ${job.queue} stopped itself: ${job.statusReason}`;
        return [{ severity: 'info', kind: 'jobStopped', subject: job.jobId, text, since: job.endedAt }];
      });
    }
  });
}

async function readDeadLetters({ store }: ControlDeps, now: number) {
  const problems: Problem[] = [];
  let total = 0;
  await Promise.all(
    findDeadLetterQueues(store.resources).map(async ({ queue }) => {
      const { visible, inFlight, delayed, oldestSentAt: since } = await store.readDepth(queue.messages, now);
      const depth = visible + inFlight + delayed;
      if (depth === 0) return;
      total += depth;
      const text = `${depth} dead ${depth === 1 ? 'letter waits' : 'letters wait'}`;
      problems.push({ severity: 'warning', kind: 'deadLetters', subject: queue.name, text, since });
      if (since === undefined || now - since < queue.retentionMs * NEARLY_LOST) return;
      problems.push({
        severity: 'critical',
        kind: 'expiring',
        subject: queue.name,
        text: 'The oldest dead letters are about to outlive the retention of their queue and vanish',
        since,
      });
    }),
  );
  return { problems, total };
}

async function readFunctions({ store }: ControlDeps, now: number) {
  const problems: Problem[] = [];
  let oldestAt: number | undefined;
  await Promise.all(
    store.resources.list<FunctionRecord>(LAMBDA_COLLECTIONS.functions).map(async ({ value }) => {
      if (value.state === 'Failed') {
        const text = value.stateReason ?? 'The function cannot run';
        problems.push({ severity: 'critical', kind: 'functionState', subject: value.name, text });
      }
      const { visible, oldestSentAt } = await store.readDepth(functionQueue(value.name), now);
      if (oldestSentAt === undefined) return;
      oldestAt = Math.min(oldestAt ?? oldestSentAt, oldestSentAt);
      if (visible === 0 || now - oldestSentAt < LONG_WAIT_MS) return;
      const text = `${visible} ${visible === 1 ? 'event is' : 'events are'} due and not running`;
      problems.push({ severity: 'warning', kind: 'stuck', subject: value.name, text, since: oldestSentAt });
    }),
  );
  return { problems, oldestAt };
}

function onlyLedger(counters: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).filter(([name]) => name.startsWith(LEDGER_PREFIX)));
}

/** Alarms with their state and history, and topics with what waits for their endpoints. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { ALARM_HISTORY_GROUP, ALARMS, type AlarmRecord } from '../domain/alarm.ts';
import {
  deliveryQueue,
  SUBSCRIPTIONS,
  type SubscriptionRecord,
  TOPICS,
  type TopicRecord,
} from '../domain/sns-topic.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { json, refusal } from './schemas.ts';

export const AlarmBody = z
  .object({
    name: z.string(),
    arn: z.string(),
    description: z.string().optional(),
    state: z.enum(['OK', 'ALARM', 'INSUFFICIENT_DATA']),
    reason: z.string(),
    since: z.number().describe('epoch ms of the last change of state'),
    condition: z.string().describe('what it watches, in words'),
    actions: z.array(z.string()).describe('ARNs told when it goes off'),
    actionsEnabled: z.boolean(),
  })
  .openapi('Alarm');

export const AlarmHistoryBody = z
  .object({ at: z.number(), type: z.string(), summary: z.string() })
  .openapi('AlarmHistoryItem');

export const TopicBody = z
  .object({
    name: z.string(),
    arn: z.string(),
    createdAt: z.number(),
    subscriptions: z.array(
      z.object({
        arn: z.string(),
        protocol: z.string(),
        endpoint: z.string(),
        pending: z.boolean().describe('not confirmed yet'),
        waiting: z.number().describe('deliveries that are due or will be tried again'),
        oldestAt: z.number().optional(),
        deadLetterArn: z.string().optional(),
        filter: z.string().optional(),
      }),
    ),
  })
  .openapi('Topic');

const alarms = createRoute({
  method: 'get',
  path: '/alarms',
  responses: { 200: json(z.object({ alarms: z.array(AlarmBody) }), 'Those in alarm first') },
});

const history = createRoute({
  method: 'get',
  path: '/alarms/{name}/history',
  request: {
    params: z.object({ name: z.string() }),
    query: z.object({ limit: z.coerce.number().int().min(1).max(500).default(50) }),
  },
  responses: {
    200: json(z.object({ items: z.array(AlarmHistoryBody) }), 'Newest first'),
    404: refusal('No such alarm'),
  },
});

const topics = createRoute({
  method: 'get',
  path: '/topics',
  responses: { 200: json(z.object({ topics: z.array(TopicBody) }), 'By name') },
});

const ORDER = ['ALARM', 'INSUFFICIENT_DATA', 'OK'];

export function addAlarmRoutes(app: OpenAPIHono, { store, clock }: ControlDeps): void {
  app.openapi(alarms, (c) => {
    const found = store.resources.list<AlarmRecord>(ALARMS).map(({ key, value }) => ({
      name: key,
      arn: value.arn,
      description: value.description,
      state: value.state.value,
      reason: value.state.reason,
      since: value.state.transitionedAt,
      condition: conditionOf(value),
      actions: [...value.alarmActions],
      actionsEnabled: value.actionsEnabled,
    }));
    return c.json({ alarms: found.sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state)) }, 200);
  });

  app.openapi(history, async (c) => {
    const { name } = c.req.valid('param');
    if (!store.resources.get(ALARMS, name)) throw controlError('NotFound', `no alarm is named ${name}`);
    const lines = await store.readLines({
      group: ALARM_HISTORY_GROUP,
      streams: [name],
      order: 'descending',
      limit: c.req.valid('query').limit,
    });
    const items = lines.map(({ at, text }) => {
      const { type, summary } = JSON.parse(text) as { type: string; summary: string };
      return { at, type, summary };
    });
    return c.json({ items }, 200);
  });

  app.openapi(topics, async (c) => {
    const now = clock.now();
    const subscriptions = await Promise.all(
      store.resources.list<SubscriptionRecord>(SUBSCRIPTIONS).map(async ({ value }) => {
        const depth = await store.readDepth(deliveryQueue(value), now);
        const policy = JSON.parse(value.attributes.RedrivePolicy ?? '{}') as { deadLetterTargetArn?: string };
        return {
          topicArn: value.topicArn,
          shown: {
            arn: value.arn,
            protocol: value.protocol,
            endpoint: value.endpoint,
            pending: value.pending !== undefined,
            waiting: depth.visible + depth.inFlight + depth.delayed,
            oldestAt: depth.oldestSentAt,
            deadLetterArn: policy.deadLetterTargetArn,
            filter: value.attributes.FilterPolicy,
          },
        };
      }),
    );
    const found = store.resources.list<TopicRecord>(TOPICS).map(({ value }) => ({
      name: value.name,
      arn: value.arn,
      createdAt: value.createdAt,
      subscriptions: subscriptions.filter(({ topicArn }) => topicArn === value.arn).map(({ shown }) => shown),
    }));
    return c.json({ topics: found }, 200);
  });
}

const COMPARISONS: Readonly<Record<string, string>> = {
  GreaterThanThreshold: '>',
  GreaterThanOrEqualToThreshold: '≥',
  LessThanThreshold: '<',
  LessThanOrEqualToThreshold: '≤',
};

/** `Sum of Errors > 3 for 2 of 5 periods of 60s (FunctionName=orders)`. */
function conditionOf({ settings }: AlarmRecord): string {
  if (settings.kind === 'composite') return settings.rule;
  const { statistic, extendedStatistic, metricName, queries, period, evaluationPeriods, datapointsToAlarm } =
    settings;
  const what = metricName
    ? `${statistic ?? extendedStatistic} of ${metricName}`
    : (queries?.find(({ ReturnData }) => ReturnData !== false)?.Expression ?? 'an expression');
  const dimensions = settings.dimensions?.map(({ Name, Value }) => `${Name}=${Value}`).join(', ');
  const periods =
    evaluationPeriods === 1
      ? `over ${period}s`
      : `for ${datapointsToAlarm ?? evaluationPeriods} of ${evaluationPeriods} periods of ${period}s`;
  const comparison = COMPARISONS[settings.comparison] ?? settings.comparison;
  return `${what} ${comparison} ${settings.threshold} ${periods}${dimensions ? ` (${dimensions})` : ''}`;
}

/**
 * What an alarm sets off: a message to a topic, an event to a function. Planned as effects, so that they are part
 * of the commit that changes the alarm's state: a state change and its message exist together or not at all.
 */
import type { HistoryItem } from '../domain/alarm.ts';
import {
  type AlarmChange,
  formatAlarmEvent,
  formatAlarmMessage,
  formatAlarmSubject,
} from '../domain/alarm-message.ts';
import { parseArn } from '../domain/arn.ts';
import { parseFunctionRef } from '../domain/lambda-names.ts';
import { resolveTarget } from '../domain/lambda-resolve.ts';
import { planAccept } from '../domain/lifecycle.ts';
import { checkPublication } from '../domain/sns-message.ts';
import { planPublication } from '../domain/sns-publish.ts';
import { isFifoTopic, readTopicByArn } from '../domain/sns-topic.ts';
import type { Ids } from '../platform/ids.ts';
import type { Random } from '../platform/random.ts';
import type { Effect, Resources } from '../store/store.ts';

export interface ActionContext {
  readonly resources: Resources;
  readonly ids: Ids;
  readonly random: Random;
  readonly now: number;
}

export interface PlannedAction {
  readonly effects: readonly Effect[];
  readonly history: HistoryItem;
}

type Plan = { readonly effects: readonly Effect[] } | { readonly refusal: string };

export function planAction(arn: string, change: AlarmChange, context: ActionContext): PlannedAction {
  const plan = planTarget(arn, change, context);
  const failed = 'refusal' in plan;
  return {
    effects: failed ? [] : plan.effects,
    history: {
      at: context.now,
      type: 'Action',
      summary: failed ? `Failed to execute action ${arn}` : `Successfully executed action ${arn}`,
      data: JSON.stringify({
        actionState: failed ? 'Failed' : 'Succeeded',
        notificationResource: arn,
        stateUpdateTimestamp: change.next.updatedAt,
        ...(failed ? { error: plan.refusal } : {}),
      }),
    },
  };
}

function planTarget(arn: string, change: AlarmChange, context: ActionContext): Plan {
  switch (parseArn(arn)?.service) {
    case 'sns':
      return planNotification(arn, change, context);
    case 'lambda':
      return planInvocation(arn, change, context);
    default:
      return { refusal: 'Alarms act on SNS topics and Lambda functions only' };
  }
}

function planNotification(arn: string, change: AlarmChange, { resources, ids, now }: ActionContext): Plan {
  const topic = readTopicByArn(resources, arn);
  if (!topic) return { refusal: 'Topic does not exist' };
  const fifo = isFifoTopic(topic.name);
  const message = checkPublication(
    {
      message: formatAlarmMessage(change),
      subject: formatAlarmSubject(change),
      groupId: fifo ? change.name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 128) : undefined,
      deduplicationId: fifo ? ids.uuid() : undefined,
    },
    topic,
  );
  if ('error' in message) return { refusal: message.message };
  return { effects: [planPublication(topic, message, { ids, now })] };
}

function planInvocation(arn: string, change: AlarmChange, context: ActionContext): Plan {
  const { resources, ids, random, now } = context;
  const ref = parseFunctionRef(arn);
  const target = ref.kind === 'ref' && resolveTarget(resources, ref.name, ref.qualifier, random);
  if (!target || target.kind === 'notFound') return { refusal: 'Function does not exist' };
  const event = {
    requestId: ids.ordered(),
    functionName: target.spec.name,
    qualifier: ref.qualifier,
    functionArn: target.qualifiedArn,
    payload: formatAlarmEvent(change),
    source: 'lambda.alarms.cloudwatch.amazonaws.com',
  };
  return { effects: planAccept(event, now) };
}

/**
 * What sends one dead letter again, or discards it, as effects of a single commit: it leaves its queue, the event
 * or message goes on its way, and the original event's timeline says so; or nothing of it happens.
 */
import { parseArn } from '../domain/arn.ts';
import { type DeadLetter, type Origin, readDeadLetter } from '../domain/dead-letter.ts';
import type { EventFacts } from '../domain/journal.ts';
import { parseFunctionArn } from '../domain/lambda-names.ts';
import { resolveTarget } from '../domain/lambda-resolve.ts';
import { planAccept } from '../domain/lifecycle.ts';
import { SUBSCRIPTIONS, type SubscriptionRecord } from '../domain/sns-topic.ts';
import { planMoved } from '../domain/sqs-move-task.ts';
import { readQueue, readQueueByArn } from '../domain/sqs-queue.ts';
import type { Effect, Message } from '../store/store.ts';
import type { AuditLine } from './audit.ts';
import type { ControlDeps } from './deps.ts';

export interface RedriveOptions {
  /** ARN of a queue or function instead of the origin. */
  readonly target?: string;
  readonly qualifier?: string;
  readonly by: string;
  readonly jobId: string;
}

export type PlannedMove =
  | {
      readonly kind: 'planned';
      readonly effects: readonly Effect[];
      /** Id of the event it becomes; absent when it goes to a queue. */
      readonly requestId?: string;
      readonly audit: AuditLine;
    }
  /** It stays where it is. */
  | { readonly kind: 'refused'; readonly reason: string };

/** The same event, when its original has been pruned from the journal. */
export function withoutTimeline(effects: readonly Effect[]): readonly Effect[] {
  return effects.filter((effect) => effect.kind !== 'append');
}

export async function planRedrive(
  deps: ControlDeps,
  message: Message,
  options: RedriveOptions,
): Promise<PlannedMove> {
  const letter = readDeadLetter(message);
  const origin = options.target ? originOfArn(options.target) : await findOrigin(deps, letter);
  switch (origin?.kind) {
    case 'function':
      return planToFunction(deps, message, letter, origin, options);
    case 'queue':
      return planToQueue(deps, message, letter, origin.arn, options);
    case 'topic':
      return planToSubscription(deps, message, letter, origin.arn, options);
    default:
      return refused(
        options.target
          ? `target must be the ARN of a queue or function, found ${options.target}`
          : 'the message does not say where it came from: choose a target',
      );
  }
}

export function planDiscard(deps: ControlDeps, message: Message, reason: string, by: string): PlannedMove {
  const letter = readDeadLetter(message);
  const now = deps.clock.now();
  return {
    kind: 'planned',
    effects: [
      { kind: 'ack', receipt: message.receipt },
      ...timeline(letter, now, 'deadLetterDiscarded', { by, reason }),
    ],
    audit: {
      by,
      action: 'discard',
      subject: queueOf(message),
      messageId: message.id,
      requestId: letter.requestId,
      reason,
    },
  };
}

/** The function of an event, from the message or else from the journal. */
export async function findOrigin(
  { store }: Pick<ControlDeps, 'store'>,
  letter: DeadLetter,
): Promise<Origin | undefined> {
  if (letter.origin || letter.requestId === undefined) return letter.origin;
  const facts = (await store.readSubject(letter.requestId))?.subject.data as EventFacts | undefined;
  return facts && { kind: 'function', functionName: facts.functionName, qualifier: facts.qualifier };
}

function originOfArn(arn: string): Origin | undefined {
  if (parseArn(arn)?.service === 'sqs') return { kind: 'queue', arn };
  const ref = parseFunctionArn(arn);
  return ref && { kind: 'function', functionName: ref.name, qualifier: ref.qualifier };
}

function planToFunction(
  { store, random, ids, clock }: ControlDeps,
  message: Message,
  letter: DeadLetter,
  origin: Origin & { kind: 'function' },
  { qualifier = origin.qualifier, by, jobId }: RedriveOptions,
): PlannedMove {
  const target = resolveTarget(store.resources, origin.functionName, qualifier, random);
  if (target.kind === 'notFound') {
    return refused(`function ${origin.functionName}:${target.qualifier} does not exist`);
  }
  const now = clock.now();
  const requestId = ids.ordered();
  const edited = message.state.edited !== undefined || undefined;
  const accept = planAccept(
    {
      requestId,
      functionName: origin.functionName,
      qualifier,
      functionArn: target.qualifiedArn,
      payload: letter.payload,
      source: 'Redrive',
      causedBy: letter.requestId,
    },
    now,
  );
  return {
    kind: 'planned',
    requestId,
    effects: [
      { kind: 'ack', receipt: message.receipt },
      ...accept,
      ...timeline(letter, now, 'redriven', { as: requestId, by, job: jobId, edited }),
    ],
    audit: {
      by,
      action: 'redrive',
      subject: queueOf(message),
      job: jobId,
      messageId: message.id,
      requestId: letter.requestId,
      as: requestId,
      to: target.qualifiedArn,
      edited,
    },
  };
}

/** Back to the endpoint of the subscription whose dead-letter queue this is. */
function planToSubscription(
  deps: ControlDeps,
  message: Message,
  letter: DeadLetter,
  topicArn: string,
  options: RedriveOptions,
): PlannedMove {
  const deadLetterQueue = readQueue(deps.store.resources, queueOf(message));
  const found = deps.store.resources
    .list<SubscriptionRecord>(SUBSCRIPTIONS)
    .map(({ value }) => value)
    .filter(({ topicArn: of, attributes }) => {
      const { deadLetterTargetArn } = JSON.parse(attributes.RedrivePolicy ?? '{}') as Record<string, unknown>;
      return (
        of === topicArn && deadLetterTargetArn !== undefined && deadLetterTargetArn === deadLetterQueue?.arn
      );
    });
  const [subscription] = found;
  if (!subscription)
    return refused('no subscription of its topic has this dead-letter queue: choose a target');
  if (found.length > 1) {
    return refused('several subscriptions of its topic share this dead-letter queue: choose a target');
  }
  switch (subscription.protocol) {
    case 'sqs':
      return planToQueue(deps, message, letter, subscription.endpoint, options);
    case 'lambda': {
      const payload = functionEventOf(letter.payload, subscription.arn);
      const ref = parseFunctionArn(subscription.endpoint);
      if (!payload || !ref) return refused('the notification is not one that a function takes');
      const origin: Origin = { kind: 'function', functionName: ref.name, qualifier: ref.qualifier };
      return planToFunction(deps, message, { ...letter, payload, requestId: undefined }, origin, options);
    }
    default:
      return refused(
        `it was for ${subscription.protocol} ${subscription.endpoint}, outside: choose a target`,
      );
  }
}

/** A notification as a queue gets it → the event of a function. */
function functionEventOf(notification: string, subscriptionArn: string): string | undefined {
  const { SigningCertURL, UnsubscribeURL, Subject, MessageAttributes, ...rest } = JSON.parse(
    notification,
  ) as Record<string, unknown>;
  if (typeof rest.Message !== 'string') return undefined;
  const Sns = {
    ...rest,
    Subject: Subject ?? null,
    SigningCertUrl: SigningCertURL,
    UnsubscribeUrl: UnsubscribeURL,
    MessageAttributes: MessageAttributes ?? {},
  };
  return JSON.stringify({
    Records: [{ EventSource: 'aws:sns', EventVersion: '1.0', EventSubscriptionArn: subscriptionArn, Sns }],
  });
}

function planToQueue(
  { store, ids, clock }: ControlDeps,
  message: Message,
  letter: DeadLetter,
  arn: string,
  { by, jobId }: RedriveOptions,
): PlannedMove {
  const target = readQueueByArn(store.resources, arn);
  if (!target) return refused(`queue ${arn} does not exist`);
  const now = clock.now();
  const id = ids.ordered();
  return {
    kind: 'planned',
    effects: [
      { kind: 'ack', receipt: message.receipt },
      planMoved(message, target, id, now),
      ...timeline(letter, now, 'redriven', { to: arn, messageId: id, by, job: jobId }),
    ],
    audit: {
      by,
      action: 'redrive',
      subject: queueOf(message),
      job: jobId,
      messageId: message.id,
      requestId: letter.requestId,
      as: id,
      to: arn,
      edited: message.state.edited !== undefined || undefined,
    },
  };
}

function timeline(
  letter: DeadLetter,
  at: number,
  kind: string,
  data: Record<string, string | boolean | undefined>,
): Effect[] {
  if (letter.requestId === undefined) return [];
  return [{ kind: 'append', subject: letter.requestId, entries: [{ at, kind, data }] }];
}

function queueOf(message: Message): string {
  return message.queue.slice(message.queue.indexOf(':') + 1);
}

function refused(reason: string): PlannedMove {
  return { kind: 'refused', reason };
}

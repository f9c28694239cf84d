/**
 * One event's transitions as units of effects. Every transition is a single commit: an event leaves its queue,
 * its records reach their targets and its fate is written together, or nothing of it happens.
 */
import type { Effect, Entry, JsonObject, Message, Receipt, Unit } from '../store/store.ts';
import type { Condition, Decision, RetryState } from './async-retry.ts';
import { deadLetterAttributes, formatInvocationRecord, type TextAttribute } from './destination.ts';
import { summarizeFailure } from './failure-summary.ts';
import type { FailureSummary } from './fingerprint.ts';
import type { Outcome } from './invocation.ts';
import { attemptEntry, type EventFacts, type Fate, retryEntry } from './journal.ts';
import { measureAccepted, measureAge, measureAttempt, measureEnd } from './lambda-metrics.ts';
import { extendLineage } from './lineage.ts';
import { traceHeaderOf } from './trace-header.ts';

/** Queue of a function's events: all qualifiers share it, so a new version runs what waits. */
export function functionQueue(functionName: string): string {
  return `${FUNCTION_QUEUE_PREFIX}${functionName}`;
}
export const FUNCTION_QUEUE_PREFIX = 'fn:';

export function functionOfQueue(queue: string): string {
  return queue.slice(FUNCTION_QUEUE_PREFIX.length);
}

/** Private state on an event's message; short names because there may be millions. */
export interface EventState extends JsonObject {
  /** Qualifier named by the caller. */
  q?: string;
  /** Qualified ARN of the invocation, as records name it. */
  arn: string;
  /** RetryState, absent while zero. */
  n?: number;
  t?: number;
  d?: number;
  /** Times it went back to the queue with an outcome. */
  r?: number;
  trace?: string;
}

export interface AcceptedEvent {
  readonly requestId: string;
  readonly functionName: string;
  /** Absent when called unqualified. */
  readonly qualifier?: string;
  readonly functionArn: string;
  /** JSON text. */
  readonly payload: string;
  readonly source: string;
  readonly causedBy?: string;
  readonly traceHeader?: string;
}

/** The commit behind a 202. With `lease` the sender goes on to run it itself. */
export function planAccept(
  event: AcceptedEvent,
  now: number,
  lease?: { leaseMs: number; holder: string },
): Unit {
  const state: EventState = { arn: event.functionArn };
  const facts: EventFacts = {
    functionArn: event.functionArn,
    functionName: event.functionName,
    source: event.source,
  };
  if (event.qualifier !== undefined) state.q = facts.qualifier = event.qualifier;
  if (event.traceHeader !== undefined) state.trace = facts.traceHeader = event.traceHeader;
  if (event.causedBy !== undefined) facts.causedBy = event.causedBy;
  return [
    {
      kind: 'open',
      subject: event.requestId,
      topic: event.functionName,
      at: now,
      payload: event.payload,
      data: facts,
    },
    {
      kind: 'send',
      queue: functionQueue(event.functionName),
      message: { id: event.requestId, subject: event.requestId, dueAt: now, sentAt: now, state },
      lease,
    },
    measureAccepted(event.functionArn, now),
  ];
}

/** An event as its message carries it. */
export interface HeldEvent {
  readonly receipt: Receipt;
  readonly requestId: string;
  readonly payload: string;
  readonly acceptedAt: number;
  readonly state: EventState;
  /** Until then nobody else gets it, epoch ms. */
  readonly heldUntil: number;
  /** Handed out before without an outcome: whoever held it died. Not a retry. */
  readonly redelivered: boolean;
}

/** @param heldUntil end of the hold, epoch ms */
export function holdEvent(message: Message, heldUntil: number): HeldEvent {
  const state = message.state as EventState;
  return {
    receipt: message.receipt,
    requestId: message.id,
    payload: message.body,
    acceptedAt: message.sentAt,
    state,
    heldUntil,
    redelivered: message.receiveCount > 1 + (state.r ?? 0),
  };
}

export function retryStateOf(state: EventState): RetryState {
  return { attempts: state.n ?? 0, throttles: state.t ?? 0, lastDelayMs: state.d ?? 0 };
}

function withRetryState(state: EventState, retry: RetryState): EventState {
  return {
    ...state,
    n: retry.attempts || undefined,
    t: retry.throttles || undefined,
    d: retry.lastDelayMs || undefined,
    r: (state.r ?? 0) + 1,
  };
}

interface DeliveryBase {
  readonly arn: string;
  /** Why the event failed; absent for `OnSuccess`. Stays with the message, unseen by consumers. */
  readonly failure?: FailureSummary;
  readonly body: string;
  readonly traceHeader: string;
  /** Who sends it: the function's name. */
  readonly functionName: string;
}

/** What is handed to one target. */
export type Delivery =
  | (DeliveryBase & { readonly role: 'OnSuccess' | 'OnFailure' })
  | (DeliveryBase & {
      readonly role: 'DeadLetterQueue';
      readonly attributes: Readonly<Record<string, TextAttribute>>;
    });

/** A delivery turned into effects, or the reason why the target takes none. */
export type PlannedDelivery =
  | { readonly kind: 'deliverable'; readonly effects: readonly Effect[]; readonly messageId: string }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

export interface Targets {
  readonly onSuccess?: string;
  readonly onFailure?: string;
  readonly deadLetter?: string;
}

export interface TransitionInput {
  readonly event: HeldEvent;
  readonly decision: Decision;
  /** Absent when the event ended without a run (zero concurrency, too old on arrival). */
  readonly outcome?: Outcome;
  /** The outcome is that of an earlier run, told again in records: the journal and the metrics have it already. */
  readonly earlier?: boolean;
  readonly targets: Targets;
  readonly now: number;
  readonly deliver: (delivery: Delivery, causedBy: string) => PlannedDelivery;
}

/** The unit that carries a decision out, and what it did to tell metrics and logs. */
export interface Transition {
  readonly unit: Unit;
  readonly fate?: Fate;
  readonly refused: readonly {
    readonly role: Delivery['role'];
    readonly arn: string;
    readonly code: string;
    readonly message: string;
  }[];
}

export function planTransition(input: TransitionInput): Transition {
  const { event, decision, outcome, now } = input;
  const entries: Entry[] = [];
  if (event.redelivered) entries.push({ at: now, kind: 'redelivered' });
  if (outcome && !input.earlier) {
    const ran = outcome.kind === 'succeeded' || outcome.kind === 'functionError' || outcome.kind === 'gone';
    const number = outcome.kind === 'succeeded' ? decision.state.attempts + 1 : decision.state.attempts;
    entries.push(attemptEntry(ran ? number : 0, outcome, now));
  }
  switch (decision.kind) {
    case 'retry':
      entries.push(retryEntry(now, decision.at, decision.delayMs, decision.why, decision.state));
      return {
        unit: [
          {
            kind: 'reschedule',
            receipt: event.receipt,
            dueAt: decision.at,
            state: withRetryState(event.state, decision.state),
            release: true,
          },
          { kind: 'append', subject: event.requestId, entries },
          ...measureRun(input),
        ],
        refused: [],
      };
    case 'complete':
      return settle(input, entries, 'Success');
    case 'giveUp':
      return settle(input, entries, decision.condition);
  }
}

function settle(input: TransitionInput, entries: Entry[], condition: Condition | 'Success'): Transition {
  const { event, now } = input;
  const effects: Effect[] = [];
  const refused: Transition['refused'][number][] = [];
  const reached = new Set<Delivery['role']>();
  for (const delivery of deliveriesOf(input, condition)) {
    const planned = input.deliver(delivery, event.requestId);
    if (planned.kind === 'deliverable') {
      effects.push(...planned.effects);
      reached.add(delivery.role);
      entries.push({
        at: now,
        kind: 'delivered',
        data: { role: delivery.role, target: delivery.arn, messageId: planned.messageId },
      });
    } else {
      refused.push({ role: delivery.role, arn: delivery.arn, code: planned.code, message: planned.message });
      entries.push({
        at: now,
        kind: 'deliveryFailed',
        data: { role: delivery.role, target: delivery.arn, code: planned.code, message: planned.message },
      });
    }
  }
  const fate = fateOf(condition, reached);
  entries.push({ at: now, kind: 'fate', data: { fate: fate.kind, reason: fate.reason } });
  return {
    unit: [
      { kind: 'ack', receipt: event.receipt },
      {
        kind: 'append',
        subject: event.requestId,
        entries,
        settle: { status: fate.kind, reason: fate.reason },
      },
      ...effects,
      ...measureRun(input),
      ...measureEnd(event.state.arn, now, {
        succeeded: condition === 'Success',
        refusedRoles: refused.map(({ role }) => role),
      }),
    ],
    fate,
    refused,
  };
}

/** What the attempt behind a transition measured; nothing where there was none. */
function measureRun({ event, outcome, earlier, now }: TransitionInput): Effect[] {
  if (!outcome || earlier) return [];
  const { arn } = event.state;
  return [...measureAttempt(arn, outcome, now), ...measureAge(arn, event.acceptedAt, outcome)];
}

/** With both targets set both receive; the fate names the queue, where an operator redrives from. */
function fateOf(condition: Condition | 'Success', reached: ReadonlySet<Delivery['role']>): Fate {
  if (condition === 'Success') return { kind: 'Succeeded' };
  if (reached.has('DeadLetterQueue')) return { kind: 'DeadLettered', reason: condition };
  if (reached.has('OnFailure')) return { kind: 'SentToDestination', reason: condition };
  return { kind: 'Discarded', reason: condition };
}

function deliveriesOf(input: TransitionInput, condition: Condition | 'Success'): Delivery[] {
  const { event, targets, outcome, decision, now } = input;
  const destination = condition === 'Success' ? targets.onSuccess : targets.onFailure;
  const deliveries: Delivery[] = [];
  const functionName = functionOfQueue(event.receipt.queue);
  // What leaves an event carries its run: loops through destinations are loops too.
  const traceHeader = extendLineage(
    event.state.trace ?? traceHeaderOf(event.requestId),
    event.state.arn.slice(0, event.state.arn.lastIndexOf(':')),
  );
  const failure =
    condition === 'Success' || !(destination || targets.deadLetter)
      ? undefined
      : summarizeFailure({
          condition,
          outcome,
          functionName,
          functionArn: event.state.arn,
          attempts: decision.state.attempts,
        });
  if (destination) {
    deliveries.push({
      role: condition === 'Success' ? 'OnSuccess' : 'OnFailure',
      arn: destination,
      functionName,
      traceHeader,
      failure,
      body: formatInvocationRecord({
        requestId: event.requestId,
        functionArn: event.state.arn,
        condition,
        // Success always says 1, whatever came before it (observed).
        approximateInvokeCount: condition === 'Success' ? 1 : decision.state.attempts,
        requestPayload: event.payload,
        outcome,
        timestamp: now,
      }),
    });
  }
  if (condition !== 'Success' && targets.deadLetter) {
    deliveries.push({
      role: 'DeadLetterQueue',
      arn: targets.deadLetter,
      body: event.payload,
      attributes: deadLetterAttributes(event.requestId, condition, outcome),
      functionName,
      traceHeader,
      failure,
    });
  }
  return deliveries;
}

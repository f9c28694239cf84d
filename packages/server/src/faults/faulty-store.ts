/**
 * Messages that arrive broken, late or twice on command: a store that changes units on their way in. A unit stays
 * one commit, so the books balance whatever a rule does.
 */
import type { FaultRule } from '../domain/fault-rule.ts';
import { md5OfBody } from '../domain/sqs-message.ts';
import { QUEUE_MESSAGES_PREFIX, queueNameOfMessages } from '../domain/sqs-queue.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ack, Effect, Send, Store, Unit } from '../store/store.ts';
import type { FaultRules } from './fault-rules.ts';
import { parseLazily } from './lazy-json.ts';

export function createFaultyStore(store: Store, rules: FaultRules, clock: Clock): Store {
  return {
    commit: (unit) => store.commit(rules.has('queue') ? changeUnit(unit, rules, clock) : unit),
    receive: (request) => store.receive(request),
    resources: store.resources,
    readDepth: (queue, now) => store.readDepth(queue, now),
    browse: (queue, options) => store.browse(queue, options),
    readNextDue: (prefix) => store.readNextDue(prefix),
    releaseHolders: (alive, now) => store.releaseHolders(alive, now),
    readSubject: (subject) => store.readSubject(subject),
    listSubjects: (filter) => store.listSubjects(filter),
    searchSubjects: (search) => store.searchSubjects(search),
    readCounters: (prefix) => store.readCounters(prefix),
    readBooks: (queuePrefix) => store.readBooks(queuePrefix),
    audit: () => store.audit(),
    prune: (before, limit) => store.prune(before, limit),
    readLines: (query) => store.readLines(query),
    listStreams: (group, prefix) => store.listStreams(group, prefix),
    readPoints: (query) => store.readPoints(query),
    listSeries: (prefix) => store.listSeries(prefix),
    rollUp: (rollUps, now) => store.rollUp(rollUps, now),
    onQueueChange: (listener) => store.onQueueChange(listener),
    close: () => store.close(),
  };
}

/** Of SQS only: an event's own message is the event, and nobody may break that. */
function isForConsumers(queue: string): boolean {
  return queue.startsWith(QUEUE_MESSAGES_PREFIX);
}

function changeUnit(unit: Unit, rules: FaultRules, clock: Clock): Unit {
  const acted: FaultRule[] = [];
  // A message that is moved (acknowledged here, sent there) is not deleted by its consumer.
  const deletes = !unit.some(({ kind }) => kind === 'send');
  const changed = unit.map((effect): Effect => {
    if (effect.kind === 'send' && isForConsumers(effect.queue)) return changeSend(effect, rules, acted);
    if (effect.kind === 'ack' && deletes && isForConsumers(effect.receipt.queue)) {
      return keepMessage(effect, rules, clock.now());
    }
    return effect;
  });
  return acted.length === 0 ? changed : changed.map((effect) => tell(effect, acted, clock.now()));
}

function changeSend(send: Send, rules: FaultRules, acted: FaultRule[]): Send {
  const { message } = send;
  const rule = rules.pick(
    'queue',
    { name: queueNameOfMessages(send.queue), payload: parseLazily(message.body ?? '') },
    ['corrupt', 'delay'],
  );
  if (!rule || message.body === undefined) return send;
  acted.push(rule);
  if (rule.effect === 'delay') {
    return { ...send, message: { ...message, dueAt: message.dueAt + (rule.delayMs ?? 0) } };
  }
  const body = corrupt(message.body);
  return {
    ...send,
    message: { ...message, body, attributes: { ...message.attributes, bodyMd5: md5OfBody(body) } },
  };
}

/** Half of it is missing: JSON no longer parses, and the digest is right, so that no client refuses it first. */
function corrupt(body: string): string {
  const half = [...body.slice(0, Math.ceil(body.length / 2))].join('');
  return `${half}\ufffd`;
}

/** The deletion is lost on one of the copies, so the message is handed out again under its old id. */
function keepMessage(ack: Ack, rules: FaultRules, now: number): Effect {
  const rule = rules.pick(
    'queue',
    { name: queueNameOfMessages(ack.receipt.queue), payload: () => undefined },
    ['duplicate'],
  );
  if (!rule) return ack;
  return { kind: 'reschedule', receipt: ack.receipt, dueAt: now, release: true, heldAt: ack.heldAt };
}

/** A commit that also writes an event's timeline says there what was done to its messages. */
function tell(effect: Effect, acted: readonly FaultRule[], at: number): Effect {
  if (effect.kind !== 'append') return effect;
  const lines = acted.map((rule) => ({
    at,
    kind: 'fault',
    data: { fault: rule.id, target: rule.target, effect: rule.effect },
  }));
  // The last line settles the subject and stays the last.
  return { ...effect, entries: [...lines, ...effect.entries] };
}

/**
 * Whether a unit can be stored at all, and its JSON as text. A unit that cannot is refused before it reaches the
 * database, where it would take a whole batch with it.
 */
import { type Effect, InvalidUnit, type Unit } from '../store.ts';

/** The effects of a unit, each with its JSON: data, entries, attributes and state, or value. */
export interface CheckedUnit {
  readonly unit: Unit;
  readonly json: readonly (Json | undefined)[];
}
export interface Json {
  readonly first: string | null;
  readonly second: string | null;
}

/** @throws InvalidUnit */
export function checkUnit(unit: Unit): CheckedUnit {
  return { unit, json: unit.map(check) };
}

function check(effect: Effect): Json | undefined {
  switch (effect.kind) {
    case 'send': {
      const { message, lease, dedup } = effect;
      name('queue', effect.queue);
      name('id', message.id);
      whole('dueAt', message.dueAt);
      whole('sentAt', message.sentAt);
      if (message.firstReceivedAt !== undefined) whole('firstReceivedAt', message.firstReceivedAt);
      if (message.receiveCount !== undefined) whole('receiveCount', message.receiveCount);
      if (message.group !== undefined) name('group', message.group);
      if (lease) whole('leaseMs', lease.leaseMs);
      if (dedup) {
        name('dedup key', dedup.key);
        whole('until', dedup.until);
      }
      return { first: jsonOrNull(message.attributes), second: jsonOrNull(message.state) };
    }
    case 'ack':
      return undefined;
    case 'reschedule':
      whole('dueAt', effect.dueAt);
      return { first: null, second: effect.state ? json(effect.state) : null };
    case 'open':
      name('subject', effect.subject);
      name('topic', effect.topic);
      whole('at', effect.at);
      return { first: json(effect.data), second: null };
    case 'append':
      if (effect.settle) {
        const last = effect.entries.at(-1);
        if (!last) throw new InvalidUnit('An append that settles its subject needs an entry.');
        whole('at', last.at);
      }
      return { first: effect.entries.length > 0 ? json(effect.entries) : null, second: null };
    case 'count':
      name('counter', effect.counter);
      whole('by', effect.by);
      return undefined;
    case 'put':
      name('collection', effect.collection);
      name('key', effect.key);
      return { first: json(effect.value), second: null };
    case 'write':
      name('group', effect.group);
      name('stream', effect.stream);
      whole('at', effect.at);
      for (const line of effect.lines) whole('at', line.at);
      return undefined;
    case 'measure':
      name('series', effect.series);
      whole('at', effect.at);
      whole('periodMs', effect.periodMs);
      for (const value of [effect.count, effect.sum, effect.min, effect.max]) number(value);
      for (const pair of effect.spread ?? []) for (const value of pair) number(value);
      return undefined;
    case 'erase':
      if (effect.before !== undefined) whole('before', effect.before);
      return undefined;
    case 'clear':
      if (effect.sentBefore !== undefined) whole('sentBefore', effect.sentBefore);
      return undefined;
    case 'remove':
      return undefined;
    default:
      return effect satisfies never;
  }
}

function whole(what: string, value: number): void {
  if (!Number.isSafeInteger(value)) throw new InvalidUnit(`${what}: expected a whole number, found ${value}`);
}

function number(value: number): void {
  if (typeof value !== 'number') throw new InvalidUnit(`measure: expected numbers, found ${value}`);
}

function name(what: string, value: string): void {
  if (typeof value !== 'string' || value.includes('\u0000')) {
    throw new InvalidUnit(`${what}: expected text without U+0000, found ${JSON.stringify(value)}`);
  }
}

function json(value: object): string {
  try {
    const text = JSON.stringify(value);
    if (typeof text !== 'string') throw new TypeError('it has no JSON');
    return text;
  } catch (cause) {
    throw new InvalidUnit(`a value cannot be stored: ${(cause as Error).message}`, { cause });
  }
}

function jsonOrNull(value: object | undefined): string | null {
  if (value === undefined) return null;
  for (const _ in value) return json(value);
  return null;
}

/**
 * Filter policies of SNS subscriptions: checked once when they are set, compiled once, asked for every message.
 * Sources: "Subscription filter policies", "Filter policy constraints"; wording and corner cases observed.
 */
import { compileEventPattern, isPatternFault, type Matcher } from './event-pattern.ts';
import { findSyntaxFault } from './filter-policy-syntax.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { MessageAttribute, MessageAttributes } from './sqs-message.ts';

export type FilterPolicyScope = 'MessageAttributes' | 'MessageBody';

/** AWS: five keys, 150 combinations, 256 KB. */
const MAX_KEYS = 5;
const MAX_COMBINATIONS = 150;
const MAX_BYTES = 262_144;

type Policy = Readonly<Record<string, unknown>>;

const invalid = (message: string) => refuse('InvalidParameterException', `Invalid parameter: ${message}`);

export function checkFilterPolicy(text: string, scope: FilterPolicyScope): Refusal | undefined {
  if (Buffer.byteLength(text) > MAX_BYTES) return invalid('FilterPolicy: Filter policy is too long');
  const fault = findSyntaxFault(text);
  if (fault) return invalid(`FilterPolicy: ${fault}`);
  const policy = JSON.parse(text) as Policy;
  if (scope === 'MessageAttributes' && isNested(policy)) {
    return invalid('Filter policy scope MessageAttributes does not support nested filter policy');
  }
  if (countKeys(policy) > MAX_KEYS) {
    return invalid(`FilterPolicy: Filter policy can not have more than ${MAX_KEYS} keys`);
  }
  if (combinations(policy, 1) > MAX_COMBINATIONS)
    return invalid('FilterPolicy: Filter policy is too complex');
  const compiled = compileEventPattern(unfold(policy));
  return isPatternFault(compiled) ? invalid(`FilterPolicy: ${compiled.message}`) : undefined;
}

function isObject(value: unknown): value is Policy {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function alternativesOf(key: string, value: unknown): readonly Policy[] | undefined {
  if (key !== '$or' || !Array.isArray(value) || !value.every(isObject)) return undefined;
  const policies = value.every((each) =>
    Object.values(each).every((inner) => typeof inner === 'object' && inner !== null),
  );
  return policies ? (value as Policy[]) : undefined;
}

function isNested(policy: Policy): boolean {
  return Object.entries(policy).some(([key, value]) =>
    isObject(value) ? true : (alternativesOf(key, value)?.some(isNested) ?? false),
  );
}

/** Keys of the root; those of alternatives count too. */
function countKeys(policy: Policy): number {
  let count = 0;
  for (const [key, value] of Object.entries(policy)) {
    const alternatives = alternativesOf(key, value);
    if (!alternatives) count++;
    else count += Math.max(...alternatives.map(countKeys));
  }
  return count;
}

/** AWS: the number of values of each key times its depth, multiplied; alternatives add up. */
function combinations(policy: Policy, depth: number): number {
  let product = 1;
  for (const [key, value] of Object.entries(policy)) {
    const alternatives = alternativesOf(key, value);
    if (alternatives) product *= alternatives.reduce((sum, each) => sum + combinations(each, depth), 0);
    else if (isObject(value)) product *= combinations(value, depth + 1);
    else product *= (value as unknown[]).length * depth;
  }
  return product;
}

/** A policy that passed the check, ready to be asked. */
export type Filter = (message: FilteredMessage) => boolean;

export interface FilteredMessage {
  readonly body: string;
  readonly attributes: Readonly<MessageAttributes>;
}

export function compileFilterPolicy(text: string, scope: FilterPolicyScope): Filter {
  const policy = JSON.parse(text) as Policy;
  // An empty policy lets everything pass.
  if (Object.keys(policy).length === 0) return () => true;
  const matcher = compileEventPattern(unfold(policy));
  if (isPatternFault(matcher)) throw new Error(`a stored filter policy does not compile: ${matcher.message}`);
  if (scope === 'MessageAttributes')
    return ({ attributes }) => matcher(unfold(attributesToValues(attributes)));
  return ({ body }) => matchBody(matcher, body);
}

/** A body that is no JSON object matches nothing. */
function matchBody(matcher: Matcher, body: string): boolean {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return false;
  }
  return isObject(value) && matcher(unfold(value));
}

/** Attributes as values: numbers as numbers, `String.Array` as its members. Binary attributes take no part. */
function attributesToValues(attributes: Readonly<MessageAttributes>): Policy {
  const values: Record<string, unknown> = {};
  for (const [name, { DataType, StringValue }] of Object.entries(attributes) as [
    string,
    MessageAttribute,
  ][]) {
    if (StringValue === undefined) continue;
    if (DataType.startsWith('Number')) values[name] = Number(StringValue);
    else if (DataType === 'String.Array') values[name] = parseArray(StringValue);
    else values[name] = StringValue;
  }
  return values;
}

function parseArray(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : text;
  } catch {
    return text;
  }
}

/**
 * AWS compares paths joined by dots: `{"a.b": 1}` and `{"a": {"b": 1}}` are the same to it, in policies and in
 * messages, and lists inside lists count as one (observed). So dotted names become nested ones here.
 */
function unfold(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.some((each) => typeof each === 'object' && each !== null)
      ? value.flat(Number.POSITIVE_INFINITY).map(unfold)
      : value;
  }
  if (!isObject(value)) return value;
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    // Operators and their operands are no paths.
    const parts = key.split('.').filter((part) => part !== '');
    let target = result;
    for (const part of parts.slice(0, -1)) {
      const known = Object.hasOwn(target, part) ? target[part] : undefined;
      const next = isObject(known) ? (known as Record<string, unknown>) : {};
      define(target, part, next);
      target = next;
    }
    const name = parts.at(-1) ?? key;
    const unfolded = unfold(inner);
    const known = Object.hasOwn(target, name) ? target[name] : undefined;
    define(target, name, isObject(known) && isObject(unfolded) ? { ...known, ...unfolded } : unfolded);
  }
  return result;
}

/** A key named `__proto__` is a key like others. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

/**
 * Faults on demand: a rule says where (target), what (effect) and when (conditions). Whether a rule acts on one
 * occasion is decided here, without a clock and without chance of its own.
 */
import type { JsonObject } from '../store/store.ts';
import { compileEventPattern, isPatternFault, type Matcher } from './event-pattern.ts';

export const FAULTS = 'redrive-faults';

export type FaultKind = 'api' | 'function' | 'queue' | 'topic' | 'store' | 'process';

/** What each kind of target can be made to suffer. */
export const FAULT_EFFECTS = {
  /** A dropped request never reaches its operation; of a lost answer the operation has run. */
  api: [
    'throttle',
    'unavailable',
    'internalError',
    'accessDenied',
    'latency',
    'dropConnection',
    'loseAnswer',
  ],
  function: [
    'exception',
    'timeout',
    'outOfMemory',
    'exit',
    'initFailure',
    'latency',
    'throttle',
    'systemError',
  ],
  /** The first three refuse what functions deliver there; the others change messages on their way in. */
  queue: ['accessDenied', 'unavailable', 'throttle', 'corrupt', 'duplicate', 'delay'],
  topic: ['accessDenied', 'unavailable', 'throttle'],
  store: ['diskFull', 'failingFsync', 'slowDisk', 'lostConnection'],
  process: ['kill', 'freeze'],
} as const satisfies Readonly<Record<FaultKind, readonly string[]>>;

export type FaultEffect = (typeof FAULT_EFFECTS)[FaultKind][number];

/** Conditions that need occasions to count; what breaks disks and processes acts by time alone. */
const COUNTED: readonly FaultKind[] = ['api', 'function', 'queue', 'topic'];

/** A rule as people write it. */
export interface FaultInput {
  /** Made when absent. */
  readonly id?: string;
  /** `api:sqs:SendMessage`, `api:lambda:*`, `function:NAME`, `queue:NAME`, `topic:NAME`, `store`, `process`. */
  readonly target: string;
  readonly effect: string;
  /** Of `exception` and `initFailure`. */
  readonly errorType?: string;
  readonly errorMessage?: string;
  /** Of `exit`; 1 when absent. */
  readonly exitCode?: number;
  /** Of `latency`, `delay`, `slowDisk` and `freeze`. */
  readonly delayMs?: number;
  /** 0 to 1. */
  readonly probability?: number;
  /** Only the first n occasions. */
  readonly first?: number;
  /** Only every n-th occasion. */
  readonly every?: number;
  /** Begins so long after the rule was made. */
  readonly afterMs?: number;
  /** Ends so long after it began. */
  readonly forMs?: number;
  /** Event pattern over the payload, the message's body or the operation's input. */
  readonly payload?: JsonObject;
  /** Only this event or request. */
  readonly requestId?: string;
}

export interface FaultFields {
  id: string;
  target: string;
  effect: FaultEffect;
  errorType?: string;
  errorMessage?: string;
  exitCode?: number;
  delayMs?: number;
  probability?: number;
  first?: number;
  every?: number;
  /** Epoch ms. */
  from?: number;
  until?: number;
  payload?: JsonObject;
  requestId?: string;
  createdAt: number;
  /** Occasions: times the target and payload matched within the window. */
  seen: number;
  /** Times the rule acted. */
  acted: number;
}

/** As stored: a resource whose counts survive a restart. */
export type FaultRule = FaultFields & JsonObject;

export interface FaultTarget {
  readonly kind: FaultKind;
  /** `sqs:SendMessage`, a function's name …; `*` at the end matches any rest. */
  readonly name: string;
}

const TARGET = /^(api|function|queue|topic):(.+)$/;

export function parseFaultTarget(text: string): FaultTarget | undefined {
  if (text === 'store' || text === 'process') return { kind: text, name: '' };
  const [, kind, name] = TARGET.exec(text) ?? [];
  return kind === undefined ? undefined : { kind: kind as FaultKind, name: name as string };
}

/** What is wrong with a rule, each with what was expected; empty when nothing is. */
export function checkFault(input: FaultInput): string[] {
  const target = parseFaultTarget(input.target);
  if (!target) {
    return [
      `target: expected api:SERVICE:OPERATION, function:NAME, queue:NAME, topic:NAME, store or process, found '${input.target}'`,
    ];
  }
  const problems: string[] = [];
  const effects: readonly string[] = FAULT_EFFECTS[target.kind];
  if (!effects.includes(input.effect)) {
    problems.push(
      `effect: expected one of ${effects.join(', ')} for ${target.kind} targets, found '${input.effect}'`,
    );
  }
  const { probability, first, every, payload, requestId, delayMs } = input;
  if (!COUNTED.includes(target.kind)) {
    for (const [name, value] of Object.entries({ probability, first, every, payload, requestId })) {
      if (value !== undefined)
        problems.push(`${name}: a ${target.kind} fault acts by time (after, for) only`);
    }
  }
  if (probability !== undefined && !(probability > 0 && probability <= 1)) {
    problems.push(`probability: expected more than 0 and at most 1, found ${probability}`);
  }
  for (const [name, value] of Object.entries({ first, every })) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
      problems.push(`${name}: expected a whole number from 1, found ${value}`);
    }
  }
  if (input.effect === 'duplicate' && payload !== undefined) {
    problems.push('payload: a deletion, which duplicate acts on, has none');
  }
  if (['latency', 'delay', 'slowDisk', 'freeze'].includes(input.effect) && delayMs === undefined) {
    problems.push(`delay: the effect ${input.effect} needs one, such as 5s`);
  }
  if (payload !== undefined) {
    const matcher = compileEventPattern(payload);
    if (isPatternFault(matcher)) {
      problems.push(`payload${matcher.path ? `.${matcher.path}` : ''}: ${matcher.message}`);
    }
  }
  return problems;
}

/** @param id when the input names none */
export function createFault(input: FaultInput, id: string, now: number): FaultRule {
  const { afterMs, forMs, effect, ...rest } = input;
  const from = afterMs === undefined ? undefined : now + afterMs;
  return {
    ...rest,
    id: input.id ?? id,
    effect: effect as FaultEffect,
    from,
    until: forMs === undefined ? undefined : (from ?? now) + forMs,
    createdAt: now,
    seen: 0,
    acted: 0,
  };
}

/** One time that a target is used. */
export interface Occasion {
  readonly name: string;
  readonly requestId?: string;
  /** Parsed only when a rule asks for it. */
  readonly payload: () => unknown;
}

export interface CompiledFault {
  readonly rule: FaultRule;
  readonly target: FaultTarget;
  readonly matcher?: Matcher;
}

export function compileFault(rule: FaultRule): CompiledFault {
  const target = parseFaultTarget(rule.target);
  if (!target) throw new Error(`a stored fault has the target '${rule.target}'`);
  const matcher = rule.payload === undefined ? undefined : compileEventPattern(rule.payload);
  if (matcher !== undefined && isPatternFault(matcher)) {
    throw new Error(`a stored fault has a bad pattern: ${matcher.message}`);
  }
  return { rule, target, matcher };
}

/** Whether the occasion is one of the rule's: then it is counted, whether the rule acts or not. */
export function isOccasion(
  { rule, target, matcher }: CompiledFault,
  occasion: Occasion,
  now: number,
): boolean {
  if (!matchesName(target.name, occasion.name)) return false;
  if (rule.requestId !== undefined && rule.requestId !== occasion.requestId) return false;
  if (now < (rule.from ?? now) || now >= (rule.until ?? Number.POSITIVE_INFINITY)) return false;
  return matcher === undefined || matcher(occasion.payload());
}

/**
 * Whether the rule acts on the occasion it sees now.
 * @param seen occasions before this one
 * @param random uniform in [0, 1)
 */
export function decideFault(
  rule: Pick<FaultRule, 'first' | 'every' | 'probability'>,
  seen: number,
  random: number,
): boolean {
  if (rule.first !== undefined && seen >= rule.first) return false;
  if (rule.every !== undefined && (seen + 1) % rule.every !== 0) return false;
  return rule.probability === undefined || random < rule.probability;
}

function matchesName(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

/**
 * The JSON form of a filter pattern: `{ $.a.b = "x" && ($.n > 5 || $.list[*] IS NULL) }`.
 * A selector that meets an array or object, or nothing, does not match (except `NOT EXISTS`).
 */
import { type Compare, compareValue, type Operand, type Scanner } from './log-filter-values.ts';

/** Stands for `*` among the steps; no JSON key is a symbol. */
const ANY = Symbol('any');
type Selector = readonly (string | number | typeof ANY)[];

export type JsonExpression =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly JsonExpression[] }
  | {
      readonly kind: 'compare';
      readonly selector: Selector;
      readonly compare: Compare;
      readonly operand: Operand;
    }
  | { readonly kind: 'is'; readonly selector: Selector; readonly value: null | boolean }
  | { readonly kind: 'notExists'; readonly selector: Selector };

const BARE = /[^\s(){}&|"%]+/y;

export function parseJsonExpression(scanner: Scanner): JsonExpression {
  return parseChain(scanner, 'or');
}

/** `&&` binds tighter than `||`. */
function parseChain(scanner: Scanner, kind: 'or' | 'and'): JsonExpression {
  const parts: JsonExpression[] = [];
  do {
    parts.push(kind === 'or' ? parseChain(scanner, 'and') : parsePrimary(scanner));
    scanner.space();
  } while (scanner.take(kind === 'or' ? '||' : '&&'));
  return parts.length === 1 ? (parts[0] as JsonExpression) : { kind, parts };
}

function parsePrimary(scanner: Scanner): JsonExpression {
  scanner.space();
  if (scanner.take('(')) {
    const inner = parseJsonExpression(scanner);
    scanner.space();
    if (!scanner.take(')')) scanner.fail("')'");
    return inner;
  }
  const selector = parseSelector(scanner);
  scanner.space();
  if (scanner.match(/NOT\s+EXISTS\b/iy)) return { kind: 'notExists', selector };
  const is = scanner.match(/IS\s+(NULL|TRUE|FALSE)\b/iy);
  if (is) {
    const word = is.slice(2).trim().toUpperCase();
    return { kind: 'is', selector, value: word === 'NULL' ? null : word === 'TRUE' };
  }
  const compare = scanner.compare();
  if (!compare) return scanner.fail('=, !=, <, >, <=, >=, IS or NOT EXISTS');
  scanner.space();
  return { kind: 'compare', selector, compare, operand: scanner.operand(BARE) };
}

/** `$.a.b`, `$.a[0]`, `$['a.b']`; one wildcard at most. */
export function parseSelector(scanner: Scanner): Selector {
  if (!scanner.take('$')) scanner.fail("a selector that starts with '$'");
  const steps: Selector[number][] = [];
  for (;;) {
    if (scanner.take('.')) {
      if (scanner.take('*')) steps.push(ANY);
      else steps.push(scanner.match(/[\p{L}\p{N}_@:-]+/uy) ?? scanner.fail('a property name'));
    } else if (scanner.take('[')) {
      const index = scanner.match(/\d+/y);
      if (index !== undefined) steps.push(Number(index));
      else if (scanner.take('*')) steps.push(ANY);
      else {
        const name = scanner.match(/'[^']*'|"[^"]*"/y) ?? scanner.fail('an index, * or a quoted name');
        steps.push(name.slice(1, -1));
      }
      if (!scanner.take(']')) scanner.fail("']'");
    } else break;
  }
  if (steps.length === 0) scanner.fail('a property after $');
  if (steps.filter((step) => step === ANY).length > 1) scanner.fail('at most one wildcard in a selector');
  return steps;
}

/** Everything the selector reaches; `undefined` members are absent. */
export function select(document: unknown, selector: Selector): unknown[] {
  let values: unknown[] = [document];
  for (const step of selector) {
    const next: unknown[] = [];
    for (const value of values) {
      if (value === null || typeof value !== 'object') continue;
      if (step === ANY) {
        // A loop: spreading a large array into push() would overflow the stack.
        for (const member of Object.values(value)) next.push(member);
      } else if (typeof step === 'number') {
        if (Array.isArray(value) && step < value.length) next.push(value[step]);
      } else if (!Array.isArray(value) && Object.hasOwn(value, step)) {
        next.push((value as Record<string, unknown>)[step]);
      }
    }
    values = next;
  }
  return values;
}

export function matchJson(expression: JsonExpression, document: unknown): boolean {
  switch (expression.kind) {
    case 'and':
      return expression.parts.every((part) => matchJson(part, document));
    case 'or':
      return expression.parts.some((part) => matchJson(part, document));
    case 'notExists':
      return select(document, expression.selector).length === 0;
    case 'is':
      return select(document, expression.selector).includes(expression.value);
    case 'compare':
      return select(document, expression.selector).some(
        (value) =>
          (typeof value === 'string' || typeof value === 'number') &&
          compareValue(value, expression.compare, expression.operand),
      );
  }
}

/** The message as a JSON object or array; undefined when it is not one. */
export function parseDocument(message: string): unknown {
  const first = message.trimStart()[0];
  if (first !== '{' && first !== '[') return undefined;
  try {
    return JSON.parse(message);
  } catch {
    // Not JSON: an ordinary log line, which this form of pattern does not match.
    return undefined;
  }
}

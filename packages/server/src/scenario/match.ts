/** Whether what happened is what was expected: part by part, so that a scenario says only what matters to it. */
import type { Amount } from './scenario-schema.ts';

/**
 * Maps match when every expected member does, lists item by item, texts exactly or, written as `/…/`, as a regular
 * expression; a text that holds JSON also matches as the value it holds.
 */
export function matches(expected: unknown, actual: unknown): boolean {
  if (typeof expected === 'string') {
    const pattern = /^\/(.*)\/$/s.exec(expected)?.[1];
    if (pattern !== undefined) return new RegExp(pattern).test(asText(actual));
    return asText(actual) === expected;
  }
  if (Array.isArray(expected)) {
    const list = parsed(actual);
    return (
      Array.isArray(list) &&
      list.length === expected.length &&
      expected.every((item, i) => matches(item, list[i]))
    );
  }
  if (typeof expected === 'object' && expected !== null) {
    const map = parsed(actual);
    if (typeof map !== 'object' || map === null) return false;
    return Object.entries(expected).every(([key, value]) =>
      matches(value, (map as Record<string, unknown>)[key]),
    );
  }
  return Object.is(expected, typeof actual === 'string' ? parsed(actual) : actual);
}

export function amountMatches(expected: Amount, actual: number | undefined): boolean {
  if (actual === undefined) return false;
  if (typeof expected === 'number') return actual === expected;
  return actual >= (expected.atLeast ?? -Infinity) && actual <= (expected.atMost ?? Infinity);
}

export function formatAmount(amount: Amount): string {
  if (typeof amount === 'number') return String(amount);
  return [
    amount.atLeast === undefined ? [] : `at least ${amount.atLeast}`,
    amount.atMost === undefined ? [] : `at most ${amount.atMost}`,
  ]
    .flat()
    .join(', ');
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/**
 * Values of a Logs Insights query: how they compare, count as true, turn into numbers and into the text that
 * results hold. Everything a query can see is one of these.
 */

/** An instant, so that results show it as a date and arithmetic sees epoch ms. */
export class Instant {
  readonly ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }
}

export type Value =
  | undefined
  | null
  | string
  | number
  | boolean
  | Instant
  | Value[]
  | { [key: string]: Value };

/** NaN when it is not a number. */
export function toNumber(value: Value): number {
  if (typeof value === 'number') return value;
  if (value instanceof Instant) return value.ms;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string' || value.trim() === '') return Number.NaN;
  return Number(value);
}

export function isTrue(value: Value): boolean {
  return value === true || (typeof value === 'number' && value !== 0) || value === 'true';
}

/** As results show it: `2026-01-31 12:00:00.000`, numbers without noise, structures as JSON. */
export function toText(value: Value): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (value instanceof Instant) return formatInstant(value.ms);
  if (typeof value === 'number') return formatNumber(value);
  return typeof value === 'boolean' ? String(value) : JSON.stringify(value);
}

function formatInstant(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('T', ' ').replace('Z', '');
}

/** Four decimals, as AWS shows averages. */
function formatNumber(value: number): string {
  if (Number.isInteger(value) || !Number.isFinite(value)) return String(value);
  return String(Number(value.toFixed(4)));
}

/** Numbers where both sides are, else text. Undefined where one side is missing. */
export function compareValues(left: Value, right: Value): number | undefined {
  if (left === undefined || left === null || right === undefined || right === null) return undefined;
  const a = toNumber(left);
  const b = toNumber(right);
  if (!Number.isNaN(a) && !Number.isNaN(b)) return a - b;
  const x = toText(left);
  const y = toText(right);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** For sorting: what is missing comes before everything else. */
export function orderValues(left: Value, right: Value): number {
  const missingLeft = left === undefined || left === null;
  const missingRight = right === undefined || right === null;
  if (missingLeft || missingRight) return Number(missingRight) - Number(missingLeft);
  return compareValues(left, right) ?? 0;
}

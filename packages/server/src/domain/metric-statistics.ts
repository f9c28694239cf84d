/**
 * Statistics over the points of a metric: the five simple ones, percentiles, trimmed and winsorised means and
 * their kin. Source: Amazon CloudWatch, "CloudWatch statistics definitions".
 */
import type { Point } from '../store/store.ts';

/** A statistic as it is named on the wire, understood. */
export interface Statistic {
  readonly name: string;
  readonly needsSpread: boolean;
  /** Undefined when the point has no answer: percentiles of values that were not kept one by one. */
  readonly of: (point: Point) => number | undefined;
}

const SIMPLE: Readonly<Record<string, (point: Point) => number>> = {
  SampleCount: ({ count }) => count,
  Sum: ({ sum }) => sum,
  Average: ({ sum, count }) => sum / count,
  Minimum: ({ min }) => min,
  Maximum: ({ max }) => max,
};

const PERCENTILE = /^p(\d{1,2}(?:\.\d{1,10})?|100(?:\.0{1,10})?)$/;
/** `tm90`, `wm98`, `tc90`, `ts90`: up to a percentile. */
const SHORT = /^(tm|wm|tc|ts)(\d{1,2}(?:\.\d{1,10})?|100)$/;
/** `TM(10%:90%)`, `TC(0.005:0.03)`, `PR(:300)`: percentiles with %, values without. */
const RANGE = /^(TM|WM|TC|TS|PR)\((\d+(?:\.\d{1,10})?%?)?:(\d+(?:\.\d{1,10})?%?)?\)$/;

/** Undefined when there is no such statistic. */
export function parseStatistic(name: string): Statistic | undefined {
  const simple = Object.hasOwn(SIMPLE, name) ? SIMPLE[name] : undefined;
  if (simple) return { name, needsSpread: false, of: simple };
  const spread = (of: (point: Point) => number | undefined): Statistic => ({
    name,
    needsSpread: true,
    of: (point) => (point.spread.length === 0 ? fromSingleValue(point, of) : of(point)),
  });
  const percentile = PERCENTILE.exec(name)?.[1];
  if (percentile !== undefined) return spread((point) => percentileOf(point, Number(percentile)));
  if (name === 'IQM') return spread((point) => trimmed('tm', valuesBetween(point, { from: 25, to: 75 })));
  const short = SHORT.exec(name);
  if (short) {
    const to = Number(short[2]);
    return spread((point) => trimmed(short[1] as string, valuesBetween(point, { from: 0, to })));
  }
  const range = RANGE.exec(name);
  if (!range) return undefined;
  const [, kind = '', low, high] = range;
  const percent = [low, high].some((bound) => bound?.endsWith('%'));
  const bounds = {
    from: low === undefined ? undefined : Number.parseFloat(low),
    to: high === undefined ? undefined : Number.parseFloat(high),
  };
  if (kind === 'PR') {
    if (percent) return undefined;
    return spread((point) => {
      const inside = valuesWithin(point, bounds).reduce((sum, [, count]) => sum + count, 0);
      return (100 * inside) / point.count;
    });
  }
  return spread((point) =>
    trimmed(
      kind.toLowerCase(),
      percent
        ? valuesBetween(point, { from: bounds.from ?? 0, to: bounds.to ?? 100 })
        : keepEnds(valuesWithin(point, bounds)),
    ),
  );
}

/** A statistic set answers only where all its samples have one value. */
function fromSingleValue(point: Point, of: (point: Point) => number | undefined): number | undefined {
  if (point.min !== point.max) return undefined;
  return of({ ...point, spread: [[point.min, point.count]] });
}

function percentileOf({ spread, count }: Point, percent: number): number {
  const target = (percent / 100) * count;
  let seen = 0;
  for (const [value, times] of spread) {
    seen += times;
    if (seen >= target && seen > 0) return value;
  }
  return spread.at(-1)?.[0] ?? Number.NaN;
}

interface Cut {
  /** What is inside, and how much of it. */
  readonly inside: readonly (readonly [value: number, count: number])[];
  /** Samples below and above, for winsorised means. */
  readonly below: number;
  readonly above: number;
}

/** The samples between two percentiles; one that lies across a bound is cut. */
function valuesBetween({ spread, count }: Point, { from, to }: { from: number; to: number }): Cut {
  const start = (from / 100) * count;
  const end = (to / 100) * count;
  let seen = 0;
  const inside: [number, number][] = [];
  for (const [value, times] of spread) {
    const part = Math.min(seen + times, end) - Math.max(seen, start);
    if (part > 1e-9) inside.push([value, part]);
    seen += times;
  }
  return { inside, below: start, above: count - end };
}

function valuesWithin(
  { spread }: Point,
  { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY }: { from?: number; to?: number },
): (readonly [number, number])[] {
  return spread.filter(([value]) => value > from && value <= to);
}

function keepEnds(inside: readonly (readonly [number, number])[]): Cut {
  return { inside, below: 0, above: 0 };
}

function trimmed(kind: string, { inside, below, above }: Cut): number | undefined {
  const count = inside.reduce((sum, [, times]) => sum + times, 0);
  const sum = inside.reduce((total, [value, times]) => total + value * times, 0);
  if (kind === 'tc') return count;
  if (kind === 'ts') return sum;
  if (count === 0) return undefined;
  if (kind === 'tm') return sum / count;
  const low = (inside[0] as readonly [number, number])[0];
  const high = (inside.at(-1) as readonly [number, number])[0];
  return (sum + low * below + high * above) / (count + below + above);
}

/** The functions of `stats`: many rows in, one value out. Each keeps as little as its result needs. */
import { checkAggregate } from './insights-arguments.ts';
import { compileExpression, type Evaluate, type QueryTimes, type Row } from './insights-compile.ts';
import type { Expression } from './insights-query.ts';
import { orderValues, toNumber, toText, type Value } from './insights-value.ts';

export interface Accumulator {
  add(row: Row): void;
  result(): Value;
}

/** Distinct values that `values()` lists at most. */
const MAX_VALUES = 1_000;

/** @throws QueryError */
export function compileAggregate(call: Expression & { kind: 'call' }, times: QueryTimes): () => Accumulator {
  checkAggregate(call);
  const [first] = call.arguments;
  const value: Evaluate = first ? compileExpression(first, times) : () => 1;
  switch (call.name) {
    case 'count':
      return () => counter(value);
    case 'countdistinct':
      return () => distinct(value, (seen) => seen.size);
    case 'values':
      return () => distinct(value, (seen) => [...seen].slice(0, MAX_VALUES).join(', '));
    case 'sum':
      return () => moments(value, ({ count, sum }) => (count === 0 ? undefined : sum));
    case 'avg':
      return () => moments(value, ({ count, mean }) => (count === 0 ? undefined : mean));
    case 'variance':
      return () => moments(value, ({ count, squares }) => (count < 2 ? 0 : squares / (count - 1)));
    case 'stddev':
      return () => moments(value, ({ count, squares }) => (count < 2 ? 0 : Math.sqrt(squares / (count - 1))));
    case 'min':
    case 'sortsfirst':
      return () => extreme(value, (order) => order < 0);
    case 'max':
    case 'sortslast':
      return () => extreme(value, (order) => order > 0);
    case 'earliest':
      return () => byTime(value, (at, best) => at < best);
    case 'latest':
      return () => byTime(value, (at, best) => at > best);
    default: {
      const rank = compileExpression(call.arguments[1] as Expression, times);
      return () => percentile(value, toNumber(rank({ get: () => undefined })));
    }
  }
}

const missing = (value: Value) => value === undefined || value === null;

function counter(value: Evaluate): Accumulator {
  let count = 0;
  return {
    add: (row) => {
      if (!missing(value(row))) count++;
    },
    result: () => count,
  };
}

function distinct(value: Evaluate, result: (seen: ReadonlySet<string>) => Value): Accumulator {
  const seen = new Set<string>();
  return {
    add: (row) => {
      const found = value(row);
      if (!missing(found)) seen.add(toText(found));
    },
    result: () => result(seen),
  };
}

interface Moments {
  readonly count: number;
  readonly sum: number;
  readonly mean: number;
  /** Sum of the squared distances from the mean (Welford), which stays exact for large values. */
  readonly squares: number;
}

function moments(value: Evaluate, result: (moments: Moments) => Value): Accumulator {
  let count = 0;
  let sum = 0;
  let mean = 0;
  let squares = 0;
  return {
    add: (row) => {
      const found = toNumber(value(row));
      if (Number.isNaN(found)) return;
      count++;
      sum += found;
      const distance = found - mean;
      mean += distance / count;
      squares += distance * (found - mean);
    },
    result: () => result({ count, sum, mean, squares }),
  };
}

function extreme(value: Evaluate, better: (order: number) => boolean): Accumulator {
  let best: Value;
  return {
    add: (row) => {
      const found = value(row);
      if (!missing(found) && (best === undefined || better(orderValues(found, best)))) best = found;
    },
    result: () => best,
  };
}

function byTime(value: Evaluate, better: (at: number, best: number) => boolean): Accumulator {
  let bestAt = Number.NaN;
  let best: Value;
  return {
    add: (row) => {
      const found = value(row);
      const at = toNumber(row.get('@timestamp'));
      if (missing(found) || Number.isNaN(at)) return;
      if (!Number.isNaN(bestAt) && !better(at, bestAt)) return;
      bestAt = at;
      best = found;
    },
    result: () => best,
  };
}

function percentile(value: Evaluate, rank: number): Accumulator {
  const found: number[] = [];
  return {
    add: (row) => {
      const number = toNumber(value(row));
      if (!Number.isNaN(number)) found.push(number);
    },
    result: () => {
      if (found.length === 0) return undefined;
      const sorted = Float64Array.from(found).sort();
      // Between the two neighbours of the rank.
      const place = (Math.min(100, Math.max(0, rank)) / 100) * (sorted.length - 1);
      const low = sorted[Math.floor(place)] as number;
      const high = sorted[Math.ceil(place)] as number;
      return low + (high - low) * (place - Math.floor(place));
    },
  };
}

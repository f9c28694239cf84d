/**
 * Metric math: a tree and the series it names → a scalar, a series or several. Missing points count as 0 in
 * arithmetic, division by zero drops the point. Source: "Using math expressions".
 */
import { MathError, type MathNode } from './metric-math-parser.ts';

/** Values by the start of their period, epoch ms. */
export interface Series {
  readonly id: string;
  readonly label: string;
  readonly periodMs: number;
  readonly points: ReadonlyMap<number, number>;
}
export type MathValue = number | string | Series | readonly Series[];

export interface MathScope {
  /** Series (or several) of an id; undefined when there is no such id. */
  get(id: string): MathValue | undefined;
  /** Metrics of the request, not expressions. */
  readonly metrics: readonly Series[];
  /** Every instant of the range at the request's finest period, epoch ms. */
  readonly instants: readonly number[];
  readonly periodMs: number;
}

/** @throws MathError */
export function evaluateMath(node: MathNode, scope: MathScope): MathValue {
  switch (node.kind) {
    case 'number':
      return node.value;
    case 'text':
      return node.value;
    case 'name': {
      const value = scope.get(node.name);
      if (value === undefined) throw new MathError(`'${node.name}' is not the id of a query`);
      return value;
    }
    case 'list':
      return node.items.flatMap((item) => {
        const value = evaluateMath(item, scope);
        if (typeof value === 'number' || typeof value === 'string')
          throw new MathError('a list holds series only');
        return value;
      });
    case 'negate':
      return each(evaluateMath(node.operand, scope), (value) => -value);
    case 'binary':
      return combine(
        OPERATORS[node.operator] as Operator,
        evaluateMath(node.left, scope),
        evaluateMath(node.right, scope),
      );
    case 'call': {
      const call = Object.hasOwn(FUNCTIONS, node.name) ? FUNCTIONS[node.name] : undefined;
      if (!call) throw new MathError(`unknown function ${node.name}`);
      return call(node.arguments, scope);
    }
  }
}

type Operator = (left: number, right: number) => number | undefined;
const flag = (value: boolean) => (value ? 1 : 0);
const OPERATORS: Readonly<Record<string, Operator>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => (b === 0 ? undefined : a / b),
  '^': (a, b) => a ** b,
  '==': (a, b) => flag(a === b),
  '!=': (a, b) => flag(a !== b),
  '<': (a, b) => flag(a < b),
  '>': (a, b) => flag(a > b),
  '<=': (a, b) => flag(a <= b),
  '>=': (a, b) => flag(a >= b),
  '&&': (a, b) => flag(a !== 0 && b !== 0),
  '||': (a, b) => flag(a !== 0 || b !== 0),
};

function isSeries(value: MathValue): value is Series {
  return typeof value === 'object' && !Array.isArray(value);
}

function mapPoints(series: Series, change: (value: number, at: number) => number | undefined): Series {
  const points = new Map<number, number>();
  for (const [at, value] of series.points) {
    const result = change(value, at);
    if (result !== undefined && Number.isFinite(result)) points.set(at, result);
  }
  return { ...series, points };
}

function each(value: MathValue, change: (value: number, at: number) => number | undefined): MathValue {
  if (typeof value === 'string') throw new MathError('a text is not a number');
  if (typeof value === 'number') return change(value, 0) ?? Number.NaN;
  return isSeries(value) ? mapPoints(value, change) : value.map((series) => mapPoints(series, change));
}

function combine(operator: Operator, left: MathValue, right: MathValue): MathValue {
  if (typeof right === 'number') return each(left, (value) => operator(value, right));
  if (typeof left === 'number') return each(right, (value) => operator(left, value));
  if (typeof left === 'string' || typeof right === 'string') throw new MathError('a text is not a number');
  if (isSeries(left) && isSeries(right)) return combineSeries(operator, left, right);
  if (isSeries(right))
    return (left as readonly Series[]).map((series) => combineSeries(operator, series, right));
  if (isSeries(left)) return right.map((series) => combineSeries(operator, left, series));
  throw new MathError('two lists of series cannot be combined point by point');
}

function combineSeries(operator: Operator, left: Series, right: Series): Series {
  const instants = new Set([...left.points.keys(), ...right.points.keys()]);
  const points = new Map<number, number>();
  for (const at of [...instants].sort((a, b) => a - b)) {
    const result = operator(left.points.get(at) ?? 0, right.points.get(at) ?? 0);
    if (result !== undefined && Number.isFinite(result)) points.set(at, result);
  }
  return { ...left, points };
}

type MathFunction = (args: readonly MathNode[], scope: MathScope) => MathValue;

function argument(args: readonly MathNode[], index: number, scope: MathScope): MathValue {
  const node = args[index];
  if (!node) throw new MathError(`expected ${index + 1} arguments at least, found ${args.length}`);
  return evaluateMath(node, scope);
}

function seriesList(value: MathValue): readonly Series[] {
  if (typeof value === 'number' || typeof value === 'string') throw new MathError('expected a series');
  return isSeries(value) ? [value] : value;
}

const pointwise =
  (change: (value: number) => number): MathFunction =>
  (args, scope) =>
    each(argument(args, 0, scope), change);

/** Over a series: one number. Over several: a series, instant by instant. */
const fold =
  (reduce: (values: readonly number[]) => number): MathFunction =>
  (args, scope) => {
    const value = argument(args, 0, scope);
    if (typeof value === 'number') return reduce([value]);
    if (typeof value === 'string') throw new MathError('expected a series');
    if (isSeries(value)) return value.points.size === 0 ? Number.NaN : reduce([...value.points.values()]);
    const byInstant = new Map<number, number[]>();
    for (const { points } of value) {
      for (const [at, number] of points) byInstant.set(at, [...(byInstant.get(at) ?? []), number]);
    }
    const points = new Map(
      [...byInstant].sort(([a], [b]) => a - b).map(([at, values]) => [at, reduce(values)]),
    );
    return { id: '', label: '', periodMs: scope.periodMs, points };
  };

/** From each point and the one before it. */
const stepwise =
  (change: (value: number, before: number, elapsedMs: number) => number): MathFunction =>
  (args, scope) => {
    const walk = (series: Series): Series => {
      let previous: [number, number] | undefined;
      return mapPoints(series, (value, at) => {
        const before = previous;
        previous = [at, value];
        return before && change(value, before[1], at - before[0]);
      });
    };
    const value = argument(args, 0, scope);
    const list = seriesList(value).map(walk);
    return isSeries(value) ? (list[0] as Series) : list;
  };

const fromTime =
  (read: (date: Date) => number): MathFunction =>
  (args, scope) =>
    each(argument(args, 0, scope), (_, at) => read(new Date(at)));

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;

const FUNCTIONS: Readonly<Record<string, MathFunction>> = {
  ABS: pointwise(Math.abs),
  CEIL: pointwise(Math.ceil),
  FLOOR: pointwise(Math.floor),
  LOG: pointwise(Math.log),
  LOG10: pointwise(Math.log10),
  AVG: fold(mean),
  SUM: fold(sum),
  MIN: fold((values) => Math.min(...values)),
  MAX: fold((values) => Math.max(...values)),
  STDDEV: fold((values) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)))),
  DATAPOINT_COUNT: fold((values) => values.length),
  DIFF: stepwise((value, before) => value - before),
  DIFF_TIME: stepwise((_value, _before, elapsedMs) => elapsedMs / 1000),
  RATE: stepwise((value, before, elapsedMs) => (value - before) / (elapsedMs / 1000)),
  RUNNING_SUM: (args, scope) => {
    let total = 0;
    return each(argument(args, 0, scope), (value) => {
      total += value;
      return total;
    });
  },
  MINUTE: fromTime((date) => date.getUTCMinutes()),
  HOUR: fromTime((date) => date.getUTCHours()),
  DAY: fromTime((date) => date.getUTCDay() || 7),
  DATE: fromTime((date) => date.getUTCDate()),
  MONTH: fromTime((date) => date.getUTCMonth() + 1),
  YEAR: fromTime((date) => date.getUTCFullYear()),
  EPOCH: fromTime((date) => date.getTime() / 1000),
  METRIC_COUNT: (args, scope) => seriesList(argument(args, 0, scope)).length,
  METRICS: (args, scope) => {
    const part = args.length === 0 ? '' : argument(args, 0, scope);
    return scope.metrics.filter(({ id }) => id.includes(String(part)));
  },
  PERIOD: (args, scope) => {
    const [series] = seriesList(argument(args, 0, scope));
    return (series?.periodMs ?? scope.periodMs) / 1000;
  },
  TIME_SERIES: (args, scope) => {
    const value = argument(args, 0, scope);
    if (typeof value !== 'number') throw new MathError('TIME_SERIES: expected a number');
    return constant(value, scope);
  },
  FILL: fill,
  IF: choose,
  FIRST: (args, scope) => take(args, scope, (list) => list[0]),
  LAST: (args, scope) => take(args, scope, (list) => list.at(-1)),
  SLICE: (args, scope) => {
    const [from, to] = [1, 2].map((index) =>
      args[index] ? Number(argument(args, index, scope)) : undefined,
    );
    return seriesList(argument(args, 0, scope)).slice(from, to);
  },
  REMOVE_EMPTY: (args, scope) => seriesList(argument(args, 0, scope)).filter(({ points }) => points.size > 0),
  SORT: sort,
};

function constant(value: number, scope: MathScope): Series {
  return {
    id: '',
    label: '',
    periodMs: scope.periodMs,
    points: new Map(scope.instants.map((at) => [at, value])),
  };
}

function take(
  args: readonly MathNode[],
  scope: MathScope,
  pick: (list: readonly Series[]) => Series | undefined,
): MathValue {
  return pick(seriesList(argument(args, 0, scope))) ?? [];
}

/** Gaps between the first and last instant of the range: a number, the value before, or a line between neighbours. */
function fill(args: readonly MathNode[], scope: MathScope): MathValue {
  const value = argument(args, 0, scope);
  const how = args[1];
  const word = how?.kind === 'name' ? how.name : undefined;
  const filler = word === 'REPEAT' || word === 'LINEAR' ? word : argument(args, 1, scope);
  const fillOne = (series: Series): Series => {
    const known = [...series.points].sort(([a], [b]) => a - b);
    const instants = scope.instants.filter((at) => at % series.periodMs === 0);
    const points = new Map<number, number>();
    for (const at of instants) {
      const own = series.points.get(at);
      const result =
        own ??
        (filler === 'REPEAT'
          ? known.findLast(([other]) => other < at)?.[1]
          : filler === 'LINEAR'
            ? interpolate(known, at)
            : isSeries(filler as MathValue)
              ? (filler as Series).points.get(at)
              : Number(filler));
      if (result !== undefined) points.set(at, result);
    }
    return { ...series, points };
  };
  const list = seriesList(value).map(fillOne);
  return isSeries(value) ? (list[0] as Series) : list;
}

function interpolate(known: readonly (readonly [number, number])[], at: number): number | undefined {
  const before = known.findLast(([other]) => other < at);
  const after = known.find(([other]) => other > at);
  if (!before || !after) return undefined;
  return before[1] + ((after[1] - before[1]) * (at - before[0])) / (after[0] - before[0]);
}

/** Point by point; source: "IF function". */
function choose(args: readonly MathNode[], scope: MathScope): MathValue {
  const condition = argument(args, 0, scope);
  const yes = argument(args, 1, scope);
  const no = args[2] ? argument(args, 2, scope) : undefined;
  if (typeof condition === 'number') {
    const chosen = condition !== 0 ? yes : no;
    return chosen ?? { id: '', label: '', periodMs: scope.periodMs, points: new Map() };
  }
  const [test] = seriesList(condition);
  if (!test) throw new MathError('IF: expected a condition');
  const read = (value: MathValue | undefined, at: number): number | undefined =>
    typeof value === 'number'
      ? value
      : value === undefined
        ? undefined
        : seriesList(value)[0]?.points.get(at);
  return mapPoints(test, (truth, at) => (truth !== 0 ? (read(yes, at) ?? 0) : read(no, at)));
}

function sort(args: readonly MathNode[], scope: MathScope): MathValue {
  const word = (index: number) => {
    const node = args[index];
    return node?.kind === 'name' ? node.name : undefined;
  };
  const by = word(1);
  const order = word(2);
  const reduce = (
    {
      AVG: mean,
      SUM: sum,
      MIN: (v: readonly number[]) => Math.min(...v),
      MAX: (v: readonly number[]) => Math.max(...v),
    } as Record<string, ((values: readonly number[]) => number) | undefined>
  )[by ?? ''];
  if (!reduce || (order !== 'ASC' && order !== 'DESC')) {
    throw new MathError('SORT: expected a list, AVG, MIN, MAX or SUM, then ASC or DESC');
  }
  const keyed = seriesList(argument(args, 0, scope)).map((series) => ({
    series,
    key: reduce([...series.points.values()]),
  }));
  keyed.sort((a, b) => (order === 'ASC' ? a.key - b.key : b.key - a.key));
  const limit = args[3] ? Number(argument(args, 3, scope)) : undefined;
  return keyed.slice(0, limit).map(({ series }) => series);
}

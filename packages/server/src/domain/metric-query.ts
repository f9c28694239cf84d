/**
 * The queries of one GetMetricData call or of one alarm: metrics are read, expressions are worked out in the order
 * in which they need each other. What is wrong with them is said before anything is read.
 */
import { evaluateMath, type MathScope, type MathValue, type Series } from './metric-math.ts';
import { MathError, type MathNode, namesIn, parseMath } from './metric-math-parser.ts';
import type { MetricId } from './metric-series.ts';

export interface MetricQuery {
  readonly id: string;
  readonly label?: string;
  readonly returnData: boolean;
  /** Seconds; of an expression, absent means that of its metrics. */
  readonly period?: number;
  readonly source:
    | { readonly kind: 'metric'; readonly metric: MetricId; readonly stat: string; readonly unit?: string }
    | { readonly kind: 'math'; readonly text: string };
}

/** One query's answer; an expression over several series has several. */
export interface QueryAnswer {
  readonly query: MetricQuery;
  readonly series: readonly Series[];
}

export const QUERY_ID = /^[a-z][A-Za-z0-9_]*$/;
/** Words that stand in expressions without being ids. */
const WORDS = new Set(['REPEAT', 'LINEAR', 'AVG', 'MIN', 'MAX', 'SUM', 'ASC', 'DESC']);

/** The complaint about a list of queries, or undefined when they make sense. */
export function checkQueries(queries: readonly MetricQuery[]): string | undefined {
  const ids = new Set<string>();
  for (const { id } of queries) {
    if (!QUERY_ID.test(id))
      return `Invalid id '${id}': an id begins with a lower-case letter and holds letters, digits and underscores only.`;
    if (ids.has(id)) return `The id '${id}' is used by more than one query.`;
    ids.add(id);
  }
  try {
    const trees = parseAll(queries);
    for (const [id, tree] of trees) {
      const unknown = namesIn(tree).find((name) => !ids.has(name) && !WORDS.has(name));
      if (unknown !== undefined) return `Error in expression '${id}': '${unknown}' is not the id of a query.`;
    }
    orderOf(queries, trees);
    return undefined;
  } catch (error) {
    if (error instanceof MathError) return error.message;
    throw error;
  }
}

function parseAll(queries: readonly MetricQuery[]): Map<string, MathNode> {
  const trees = new Map<string, MathNode>();
  for (const { id, source } of queries) {
    if (source.kind !== 'math') continue;
    try {
      trees.set(id, parseMath(source.text));
    } catch (error) {
      if (!(error instanceof MathError)) throw error;
      throw new MathError(`Error in expression '${id}': ${error.message}`, { cause: error });
    }
  }
  return trees;
}

/** Expressions after those they name. */
function orderOf(queries: readonly MetricQuery[], trees: ReadonlyMap<string, MathNode>): MetricQuery[] {
  const order: MetricQuery[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (query: MetricQuery) => {
    if (state.get(query.id) === 'done') return;
    if (state.get(query.id) === 'open')
      throw new MathError(`The expression '${query.id}' depends on itself.`);
    state.set(query.id, 'open');
    const tree = trees.get(query.id);
    for (const name of tree ? namesIn(tree) : []) {
      const other = queries.find(({ id }) => id === name);
      if (other) visit(other);
    }
    state.set(query.id, 'done');
    order.push(query);
  };
  for (const query of queries) visit(query);
  return order;
}

/**
 * Works out every query. @param metrics the series of each metric query, by id
 * @throws MathError where values do not fit (a text as number, a scalar as result)
 */
export function answerQueries(
  queries: readonly MetricQuery[],
  metrics: ReadonlyMap<string, Series>,
  range: { readonly from: number; readonly to: number },
): QueryAnswer[] {
  const trees = parseAll(queries);
  const values = new Map<string, MathValue>(metrics);
  const periods = [...metrics.values()].map(({ periodMs }) => periodMs);
  const defaultMs = periods.length > 0 ? Math.max(...periods) : 60_000;
  const answers = new Map<string, QueryAnswer>();
  for (const query of orderOf(queries, trees)) {
    const tree = trees.get(query.id);
    if (!tree) {
      answers.set(query.id, { query, series: [metrics.get(query.id) as Series] });
      continue;
    }
    const periodMs = query.period === undefined ? defaultMs : query.period * 1000;
    const scope: MathScope = {
      get: (id) => values.get(id),
      metrics: [...metrics.values()],
      instants: instantsOf(range, periodMs),
      periodMs,
    };
    const value = evaluateMath(tree, scope);
    values.set(query.id, value);
    if (typeof value === 'string') throw new MathError(`The expression '${query.id}' is a text.`);
    if (typeof value === 'number') {
      if (query.returnData)
        throw new MathError(
          `The expression '${query.id}' is a single number; a result must be a time series.`,
        );
      answers.set(query.id, { query, series: [] });
      continue;
    }
    const list = Array.isArray(value) ? (value as readonly Series[]) : [value as Series];
    answers.set(query.id, { query, series: list.map((series) => ({ ...series, id: query.id })) });
  }
  return queries.map(({ id }) => answers.get(id) as QueryAnswer);
}

function instantsOf({ from, to }: { from: number; to: number }, periodMs: number): number[] {
  const instants: number[] = [];
  for (let at = from - (from % periodMs); at < to; at += periodMs) instants.push(at);
  return instants;
}

/**
 * Metrics that are not stored as they are read. AWS publishes Lambda's under several sets of dimensions at once:
 * only the finest is stored, the coarser ones are added up. And some follow from others: every run has a duration,
 * so the number of runs, and the samples of value 0 that AWS shows for runs without error, need no rows.
 */
import type { Point } from '../store/store.ts';
import { formatSeries, type MetricId, parseSeries, type SeriesId } from './metric-series.ts';

/** Sets of dimensions that are sums of a finer one. Source: "Types of metrics for Lambda functions". */
const COARSER: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'AWS/Lambda': [[], ['FunctionName'], ['FunctionName', 'Resource']],
};

interface Derivation {
  readonly unit: string;
  /** Metrics each of whose samples is one sample here too: of value 1, or of value 0. */
  readonly ones?: string;
  readonly zeros?: readonly string[];
}

const DERIVED: Readonly<Record<string, Readonly<Record<string, Derivation>>>> = {
  'AWS/Lambda': {
    Invocations: { unit: 'Count', ones: 'Duration' },
    // A run or a throttle is a sample of both: 1 where it is one, else 0.
    Errors: { unit: 'Count', zeros: ['Duration', 'Throttles'] },
    Throttles: { unit: 'Count', zeros: ['Duration'] },
  },
};

export function derivationOf(metric: MetricId): Derivation | undefined {
  const byName = DERIVED[metric.namespace];
  return byName && Object.hasOwn(byName, metric.name) ? byName[metric.name] : undefined;
}

export interface ListedMetric extends MetricId {
  /** Start of its newest point, epoch ms. */
  readonly lastAt: number;
}

/** Stored series whose samples belong to the metric, by unit. */
export function seriesOf(metric: MetricId, stored: readonly SeriesId[]): Map<string, string[]> {
  const coarser = COARSER[metric.namespace];
  const names = Object.keys(metric.dimensions);
  const exact = !coarser?.some(
    (set) => set.length === names.length && set.every((name) => names.includes(name)),
  );
  const found = new Map<string, string[]>();
  for (const series of stored) {
    if (series.namespace !== metric.namespace || series.name !== metric.name) continue;
    if (exact && Object.keys(series.dimensions).length !== names.length) continue;
    if (!names.every((name) => series.dimensions[name] === metric.dimensions[name])) continue;
    const list = found.get(series.unit);
    if (list) list.push(formatSeries(series));
    else found.set(series.unit, [formatSeries(series)]);
  }
  return found;
}

/** The points of a derived metric. @param own its stored samples; @param sources points of what it follows from */
export function derivePoints(
  metric: MetricId,
  own: readonly Point[],
  sources: ReadonlyMap<string, readonly Point[]>,
): Point[] {
  const derivation = derivationOf(metric);
  if (!derivation) return [...own];
  const points = new Map<number, Point>();
  const add = (at: number, value: number, count: number) => {
    if (count <= 0) return;
    const known = points.get(at) ?? { at, count: 0, sum: 0, min: value, max: value, spread: [] };
    points.set(at, {
      at,
      count: known.count + count,
      sum: known.sum + value * count,
      min: Math.min(known.min, value),
      max: Math.max(known.max, value),
      spread: [...known.spread, [value, count] as const].sort(([a], [b]) => a - b),
    });
  };
  for (const { at, count } of own) add(at, 1, count);
  for (const { at, count } of sources.get(derivation.ones ?? '') ?? []) add(at, 1, count);
  // A run that failed has a sample of its own already.
  const ownAt = new Map(own.map(({ at, count }) => [at, count]));
  for (const name of derivation.zeros ?? []) {
    for (const { at, count } of sources.get(name) ?? []) {
      const taken = name === 'Duration' && metric.name === 'Errors' ? (ownAt.get(at) ?? 0) : 0;
      add(at, 0, count - taken);
    }
  }
  return [...points.values()].sort((a, b) => a.at - b.at);
}

/** Every metric there is, coarser and derived ones included, each once. */
export function listMetrics(stored: readonly { series: string; lastAt: number }[]): ListedMetric[] {
  const metrics = new Map<string, ListedMetric>();
  const add = (metric: MetricId, lastAt: number) => {
    const key = formatSeries({ ...metric, unit: '' });
    const known = metrics.get(key);
    if (!known || known.lastAt < lastAt) metrics.set(key, { ...metric, lastAt });
  };
  for (const { series, lastAt } of stored) {
    const parsed = parseSeries(series);
    if (!parsed) continue;
    const { namespace, name, dimensions } = parsed;
    const derived = Object.entries(DERIVED[namespace] ?? {}).filter(
      ([, { ones, zeros }]) => ones === name || zeros?.includes(name),
    );
    for (const each of [name, ...derived.map(([other]) => other)]) {
      add({ namespace, name: each, dimensions }, lastAt);
      for (const set of COARSER[namespace] ?? []) {
        if (!set.every((key) => Object.hasOwn(dimensions, key))) continue;
        const kept = Object.fromEntries(set.map((key) => [key, dimensions[key] as string]));
        add({ namespace, name: each, dimensions: kept }, lastAt);
      }
    }
  }
  return [...metrics.values()];
}

/**
 * Metrics that AWS publishes under several sets of dimensions at once. Only the finest set is stored; the coarser
 * ones are added up when they are read, so one event costs one sample.
 */
import { formatSeries, type MetricId, parseSeries, type SeriesId } from './metric-series.ts';

/** Sets of dimensions that are sums of a finer one. Source: "Types of metrics for Lambda functions". */
const COARSER: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'AWS/Lambda': [[], ['FunctionName'], ['FunctionName', 'Resource']],
};

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

/** Every metric there is, the coarser ones included, each once. */
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
    add({ namespace, name, dimensions }, lastAt);
    for (const set of COARSER[namespace] ?? []) {
      if (!set.every((key) => Object.hasOwn(dimensions, key))) continue;
      const kept = Object.fromEntries(set.map((key) => [key, dimensions[key] as string]));
      add({ namespace, name, dimensions: kept }, lastAt);
    }
  }
  return [...metrics.values()];
}

/** Metrics as queries name them, read from the store: one series each, with what had to be chosen on the way. */
import { seriesOf } from '../domain/metric-catalogue.ts';
import type { Series } from '../domain/metric-math.ts';
import type { MetricQuery } from '../domain/metric-query.ts';
import { parseSeries, type SeriesId, seriesPrefix } from '../domain/metric-series.ts';
import { parseStatistic } from '../domain/metric-statistics.ts';
import type { Store } from '../store/store.ts';

export interface ReadMetric {
  readonly series: Series;
  /** Samples behind each point, by its start. */
  readonly samples: ReadonlyMap<number, number>;
  /** Units there are, when the query names none and there are several; the first one was read. */
  readonly units?: readonly string[];
}

export async function readMetric(
  store: Store,
  query: MetricQuery,
  range: { readonly from: number; readonly to: number },
): Promise<ReadMetric> {
  const { source } = query;
  if (source.kind !== 'metric') throw new Error(`${query.id} is an expression`);
  const listed = await store.listSeries(seriesPrefix(source.metric.namespace, source.metric.name));
  const stored = listed
    .map(({ series }) => parseSeries(series))
    .filter((id): id is SeriesId => id !== undefined);
  const byUnit = [...seriesOf(source.metric, stored)]
    .filter(([unit]) => source.unit === undefined || unit === source.unit)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const statistic = parseStatistic(source.stat);
  const periodMs = (query.period ?? 60) * 1000;
  const points = new Map<number, number>();
  const samples = new Map<number, number>();
  const [chosen] = byUnit;
  if (chosen && statistic) {
    const found = await store.readPoints({
      series: chosen[1],
      periodMs,
      ...range,
      spread: statistic.needsSpread,
    });
    for (const point of found) {
      const value = statistic.of(point);
      if (value === undefined) continue;
      points.set(point.at, value);
      samples.set(point.at, point.count);
    }
  }
  const label = query.label ?? source.metric.name;
  return {
    series: { id: query.id, label, periodMs, points },
    samples,
    units: byUnit.length > 1 ? byUnit.map(([unit]) => unit) : undefined,
  };
}

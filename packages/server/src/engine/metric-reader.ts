/** Metrics read from the store, derived ones worked out; and as queries name them: one series each. */
import { derivationOf, derivePoints, seriesOf } from '../domain/metric-catalogue.ts';
import type { Series } from '../domain/metric-math.ts';
import type { MetricQuery } from '../domain/metric-query.ts';
import { type MetricId, parseSeries, type SeriesId, seriesPrefix } from '../domain/metric-series.ts';
import { parseStatistic } from '../domain/metric-statistics.ts';
import type { Point, PointQuery, Store } from '../store/store.ts';

type Range = Omit<PointQuery, 'series'>;

/** Points of a metric for each unit it has, sorted by unit. @param unit only this one */
export async function readByUnit(
  store: Store,
  metric: MetricId,
  range: Range,
  unit?: string,
): Promise<[unit: string, points: Point[]][]> {
  const derivation = derivationOf(metric);
  const byUnit = await findSeries(store, metric);
  if (derivation) {
    if (unit !== undefined && unit !== derivation.unit) return [];
    const sources = new Map<string, readonly Point[]>();
    for (const name of [derivation.ones, ...(derivation.zeros ?? [])]) {
      if (name === undefined) continue;
      const series = [...(await findSeries(store, { ...metric, name })).values()].flat();
      sources.set(name, await store.readPoints({ ...range, spread: false, series }));
    }
    const own = await store.readPoints({
      ...range,
      spread: false,
      series: byUnit.get(derivation.unit) ?? [],
    });
    const points = derivePoints(metric, own, sources);
    return points.length > 0 ? [[derivation.unit, points]] : [];
  }
  const wanted = [...byUnit].filter(([found]) => unit === undefined || found === unit);
  wanted.sort(([a], [b]) => (a < b ? -1 : 1));
  return Promise.all(
    wanted.map(
      async ([found, series]): Promise<[string, Point[]]> => [
        found,
        await store.readPoints({ ...range, series }),
      ],
    ),
  );
}

/** Series of a metric by unit. */
async function findSeries(store: Store, metric: MetricId): Promise<Map<string, string[]>> {
  const listed = await store.listSeries(seriesPrefix(metric.namespace, metric.name));
  const stored = listed.map(({ series }) => parseSeries(series));
  return seriesOf(
    metric,
    stored.filter((id): id is SeriesId => id !== undefined),
  );
}

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
  const statistic = parseStatistic(source.stat);
  if (!statistic) throw new Error(`${source.stat} is not a statistic`);
  const periodMs = (query.period ?? 60) * 1000;
  const byUnit = await readByUnit(
    store,
    source.metric,
    { periodMs, ...range, spread: statistic.needsSpread },
    source.unit,
  );
  const points = new Map<number, number>();
  const samples = new Map<number, number>();
  for (const point of byUnit[0]?.[1] ?? []) {
    const value = statistic.of(point);
    if (value === undefined) continue;
    points.set(point.at, value);
    samples.set(point.at, point.count);
  }
  return {
    series: { id: query.id, label: query.label ?? source.metric.name, periodMs, points },
    samples,
    units: byUnit.length > 1 ? byUnit.map(([unit]) => unit) : undefined,
  };
}

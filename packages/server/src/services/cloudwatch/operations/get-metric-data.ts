/** GetMetricData: metrics and metric math over them, newest first unless told otherwise, page by page. */
import type {
  GetMetricDataInput,
  GetMetricDataOutput,
  MessageData,
  MetricDataResult,
} from '@aws-sdk/client-cloudwatch';
import type { Series } from '../../../domain/metric-math.ts';
import { MathError } from '../../../domain/metric-math-parser.ts';
import { answerQueries, type MetricQuery, type QueryAnswer } from '../../../domain/metric-query.ts';
import { roundStart } from '../../../domain/metric-time.ts';
import { readMetric } from '../../../engine/metric-reader.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { type CloudWatchDeps, fromMs, invalidValue, pageFrom, pageToken, toMs } from '../deps.ts';
import { readQueries } from '../metric-queries.ts';

const MAX_QUERIES = 500;
const MAX_POINTS = 100_800;

export function getMetricData(deps: CloudWatchDeps): Handler<GetMetricDataInput, GetMetricDataOutput> {
  return async (input) => {
    const wire = input.MetricDataQueries ?? [];
    if (wire.length > MAX_QUERIES) {
      throw invalidValue(
        `The collection MetricDataQueries must not have a size greater than ${MAX_QUERIES}.`,
      );
    }
    const queries = readQueries(wire, 'MetricDataQueries');
    const start = toMs(input.StartTime);
    const to = toMs(input.EndTime);
    if (start >= to) throw invalidValue('The parameter StartTime must be less than the parameter EndTime.');
    const limit = Math.min(input.MaxDatapoints ?? MAX_POINTS, MAX_POINTS);
    const skip = pageFrom(input.NextToken);
    await deps.metrics.flush();

    const metrics = new Map<string, Series>();
    const units = new Map<string, readonly string[]>();
    for (const query of queries) {
      if (query.source.kind !== 'metric') continue;
      const from = roundStart(start, query.period ?? 60, deps.clock.now());
      const read = await readMetric(deps.store, query, { from, to });
      metrics.set(query.id, read.series);
      if (read.units) units.set(query.id, read.units);
    }
    const answers = work(queries, metrics, { from: start, to });
    const ascending = input.ScanBy === 'TimestampAscending';
    let place = 0;
    let left = limit;
    const results: MetricDataResult[] = [];
    for (const { query, series } of answers) {
      if (!query.returnData) continue;
      for (const one of series) {
        const points = [...one.points].sort(([a], [b]) => (ascending ? a - b : b - a));
        const from = Math.min(points.length, Math.max(0, skip - place));
        const page = points.slice(from, from + left);
        place += points.length;
        left -= page.length;
        results.push({
          Id: query.id,
          Label: labelOf(query, one, queries),
          Timestamps: page.map(([at]) => fromMs(at)),
          Values: page.map(([, value]) => value),
          StatusCode: from + page.length < points.length ? 'PartialData' : 'Complete',
          Messages: messagesOf(units.get(query.id)),
        });
      }
    }
    return { MetricDataResults: results, Messages: [], NextToken: pageToken(skip + (limit - left), place) };
  };
}

function work(
  queries: readonly MetricQuery[],
  metrics: ReadonlyMap<string, Series>,
  range: { from: number; to: number },
): QueryAnswer[] {
  try {
    return answerQueries(queries, metrics, range);
  } catch (error) {
    if (error instanceof MathError) throw invalidValue(error.message);
    throw error;
  }
}

/** The metric's name, and statistic or period only where queries differ in them (observed). */
function labelOf(query: MetricQuery, series: Series, queries: readonly MetricQuery[]): string {
  if (query.label !== undefined) return query.label;
  if (query.source.kind === 'math') return series.label === '' ? query.id : series.label;
  const metrics = queries.filter(({ source }) => source.kind === 'metric');
  const stats = new Set(metrics.map(({ source }) => (source.kind === 'metric' ? source.stat : '')));
  const periods = new Set(metrics.map(({ period }) => period));
  return [
    query.source.metric.name,
    ...(stats.size > 1 ? [query.source.stat] : []),
    ...(periods.size > 1 ? [String(query.period)] : []),
  ].join(' ');
}

function messagesOf(units: readonly string[] | undefined): MessageData[] | undefined {
  if (!units) return undefined;
  return [{ Code: 'MultipleUnits', Value: `Multiple units returned: '[${units.join(', ')}]'` }];
}

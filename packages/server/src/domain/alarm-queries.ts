/** The queries behind a metric alarm: its own metric as one, or those it was given. */
import type { AlarmQuery, MetricAlarmSettings } from './alarm.ts';
import type { MetricQuery } from './metric-query.ts';

export function queriesOf(settings: MetricAlarmSettings): MetricQuery[] {
  if (settings.queries) return settings.queries.map(queryOf);
  return [
    {
      id: 'm1',
      returnData: true,
      period: settings.period,
      source: {
        kind: 'metric',
        stat: settings.extendedStatistic ?? settings.statistic ?? 'Average',
        unit: settings.unit,
        metric: {
          namespace: settings.namespace as string,
          name: settings.metricName as string,
          dimensions: dimensionsOf(settings.dimensions),
        },
      },
    },
  ];
}

function queryOf(query: AlarmQuery): MetricQuery {
  const base = { id: query.Id, label: query.Label, returnData: query.ReturnData ?? true };
  const stat = query.MetricStat;
  if (!stat)
    return { ...base, period: query.Period, source: { kind: 'math', text: query.Expression as string } };
  return {
    ...base,
    period: stat.Period,
    source: {
      kind: 'metric',
      stat: stat.Stat,
      unit: stat.Unit,
      metric: {
        namespace: stat.Metric.Namespace,
        name: stat.Metric.MetricName,
        dimensions: dimensionsOf(stat.Metric.Dimensions),
      },
    },
  };
}

function dimensionsOf(list: readonly { Name: string; Value: string }[] | undefined): Record<string, string> {
  return Object.fromEntries((list ?? []).map(({ Name, Value }) => [Name, Value]));
}

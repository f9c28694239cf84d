/** MetricDataQuery as it comes over the wire → the queries that are worked out, with everything checked. */
import type { MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import { checkQueries, type MetricQuery } from '../../domain/metric-query.ts';
import { parseStatistic } from '../../domain/metric-statistics.ts';
import { checkPeriod } from '../../domain/metric-time.ts';
import { dimensionsOf, invalidCombination, invalidValue, missingParameter } from './deps.ts';

/** @throws ApiError that names the member */
export function readQueries(list: readonly MetricDataQuery[], member: string): MetricQuery[] {
  const queries = list.map((wire, index) => readQuery(wire, `${member}.member.${index + 1}`));
  const complaint = checkQueries(queries);
  if (complaint) throw invalidValue(complaint);
  return queries;
}

function readQuery(wire: MetricDataQuery, member: string): MetricQuery {
  const base = { id: wire.Id as string, label: wire.Label, returnData: wire.ReturnData ?? true };
  if ((wire.Expression === undefined) === (wire.MetricStat === undefined)) {
    throw invalidCombination(
      `Exactly one of ${member}.Expression and ${member}.MetricStat must be specified.`,
    );
  }
  if (wire.AccountId !== undefined)
    throw invalidValue(`${member}.AccountId is not supported: there is one account.`);
  if (!wire.MetricStat) {
    return { ...base, period: wire.Period, source: { kind: 'math', text: wire.Expression as string } };
  }
  const { Metric: metric, Period: period, Stat: stat, Unit: unit } = wire.MetricStat;
  if (metric?.Namespace === undefined || metric.MetricName === undefined) {
    throw missingParameter(`${member}.MetricStat.Metric must have a Namespace and a MetricName.`);
  }
  if (period === undefined || stat === undefined) {
    throw missingParameter(`${member}.MetricStat must have a Period and a Stat.`);
  }
  const problem = checkPeriod(period);
  if (problem) throw invalidValue(problem);
  if (!parseStatistic(stat))
    throw invalidValue(`The value ${stat} for parameter ${member}.MetricStat.Stat is not supported.`);
  return {
    ...base,
    period,
    source: {
      kind: 'metric',
      stat,
      unit,
      metric: {
        namespace: metric.Namespace,
        name: metric.MetricName,
        dimensions: dimensionsOf(metric.Dimensions),
      },
    },
  };
}

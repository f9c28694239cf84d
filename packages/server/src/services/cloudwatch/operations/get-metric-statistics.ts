/** GetMetricStatistics: one metric, several statistics; one datapoint for each period and unit. */
import type {
  Datapoint,
  GetMetricStatisticsInput,
  GetMetricStatisticsOutput,
  StandardUnit,
} from '@aws-sdk/client-cloudwatch';
import { parseStatistic, type Statistic } from '../../../domain/metric-statistics.ts';
import { checkPeriod, roundStart } from '../../../domain/metric-time.ts';
import { readByUnit } from '../../../engine/metric-reader.ts';
import type { Handler } from '../../../protocol/operation.ts';
import {
  type CloudWatchDeps,
  dimensionsOf,
  fromMs,
  invalidCombination,
  invalidValue,
  missingParameter,
  toMs,
} from '../deps.ts';

const MAX_POINTS = 1_440;

export function getMetricStatistics(
  deps: CloudWatchDeps,
): Handler<GetMetricStatisticsInput, GetMetricStatisticsOutput> {
  return async (input) => {
    const start = toMs(input.StartTime);
    const end = toMs(input.EndTime);
    const period = input.Period as number;
    const simple = input.Statistics ?? [];
    const extended = input.ExtendedStatistics ?? [];
    if (simple.length + extended.length === 0) {
      throw missingParameter(
        'At least one of the parameters Statistics and ExtendedStatistics must be specified.',
      );
    }
    const problem = checkPeriod(period);
    if (problem) throw invalidValue(problem);
    if (start >= end) throw invalidValue('The parameter StartTime must be less than the parameter EndTime.');
    const points = Math.floor((end - start) / (period * 1000));
    if (points > MAX_POINTS) {
      throw invalidCombination(
        `You have requested up to ${points} datapoints, which exceeds the limit of ${MAX_POINTS}. You may reduce the datapoints requested by increasing Period, or decreasing the time range.`,
      );
    }
    const statistics = [...simple, ...extended].map((name) => {
      const statistic = parseStatistic(name);
      if (!statistic)
        throw invalidValue(`The value ${name} for parameter ExtendedStatistics is not supported.`);
      return statistic;
    });
    await deps.metrics.flush();
    const metric = {
      namespace: input.Namespace as string,
      name: input.MetricName as string,
      dimensions: dimensionsOf(input.Dimensions),
    };
    const range = {
      periodMs: period * 1000,
      from: roundStart(start, period, deps.clock.now()),
      to: end,
      spread: statistics.some(({ needsSpread }) => needsSpread),
    };
    const datapoints: Datapoint[] = [];
    for (const [unit, found] of await readByUnit(deps.store, metric, range, input.Unit)) {
      for (const point of found) {
        datapoints.push({
          Timestamp: fromMs(point.at),
          Unit: unit as StandardUnit,
          ...values(statistics, simple.length, point),
        });
      }
    }
    return { Label: metric.name, Datapoints: datapoints };
  };
}

function values(
  statistics: readonly Statistic[],
  simple: number,
  point: Parameters<Statistic['of']>[0],
): Partial<Datapoint> {
  const out: Record<string, unknown> = {};
  const extended: Record<string, number> = {};
  for (const [index, statistic] of statistics.entries()) {
    const value = statistic.of(point);
    if (value === undefined) continue;
    if (index < simple) out[statistic.name] = value;
    else extended[statistic.name] = value;
  }
  if (statistics.length > simple) out.ExtendedStatistics = extended;
  return out;
}

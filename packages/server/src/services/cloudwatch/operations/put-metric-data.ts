/** PutMetricData: values, values with counts, or statistic sets; durable when answered. */
import type { MetricDatum, PutMetricDataInput } from '@aws-sdk/client-cloudwatch';
import { formatSeries, measureValue } from '../../../domain/metric-series.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { Measure } from '../../../store/store.ts';
import {
  type CloudWatchDeps,
  dimensionsOf,
  invalidCombination,
  invalidValue,
  missingParameter,
  toMs,
} from '../deps.ts';

const MAX_DATUMS = 1_000;
const MAX_VALUES = 150;
/** Source: MetricDatum, Value. */
const LARGEST = 2 ** 360;
const MAX_AGE_MS = 14 * 86_400_000;
const MAX_AHEAD_MS = 2 * 3_600_000;

export function putMetricData(deps: CloudWatchDeps): Handler<PutMetricDataInput> {
  return async (input) => {
    const data = input.MetricData ?? [];
    if (input.EntityMetricData?.length)
      throw invalidValue('EntityMetricData is not supported; send the metrics as MetricData.');
    if (data.length > MAX_DATUMS)
      throw invalidValue(`The collection MetricData must not have a size greater than ${MAX_DATUMS}.`);
    const now = deps.clock.now();
    const namespace = input.Namespace as string;
    const unit = data.flatMap((datum, index) =>
      toMeasures(namespace, datum, `MetricData.member.${index + 1}`, now),
    );
    if (unit.length > 0) await deps.store.commit(unit);
    return {};
  };
}

function toMeasures(namespace: string, datum: MetricDatum, member: string, now: number): Measure[] {
  const { Value: value, Values: values, Counts: counts, StatisticValues: set } = datum;
  const exclusive = (other: string) =>
    invalidCombination(
      `The parameters ${member}.Value and ${member}.${other} are mutually exclusive and you have specified both.`,
    );
  if (value !== undefined && values?.length) throw exclusive('Values');
  if (value !== undefined && set) throw exclusive('StatisticValues');
  if (value === undefined && !values?.length && !set) {
    throw missingParameter(
      `The parameter ${member}.Value, ${member}.Values or ${member}.StatisticValues is required.`,
    );
  }
  if (counts && counts.length !== (values?.length ?? 0)) {
    throw invalidValue(`The parameters ${member}.Values and ${member}.Counts must be of the same size.`);
  }
  if ((values?.length ?? 0) > MAX_VALUES) {
    throw invalidValue(`The collection ${member}.Values must not have a size greater than ${MAX_VALUES}.`);
  }
  for (const number of [value, ...(values ?? []), set?.Sum, set?.Minimum, set?.Maximum]) {
    if (number !== undefined && !(Math.abs(number) <= LARGEST)) {
      throw invalidValue(`The value ${number} for parameter ${member}.Value is invalid.`);
    }
  }
  const at = datum.Timestamp === undefined ? now : toMs(datum.Timestamp);
  if (at < now - MAX_AGE_MS || at > now + MAX_AHEAD_MS) {
    throw invalidValue(
      `The parameter ${member}.Timestamp must specify a time no later than 2 hours from now and no earlier than 2 weeks ago.`,
    );
  }
  const resolution = datum.StorageResolution ?? 60;
  if (resolution !== 1 && resolution !== 60) {
    throw invalidValue(
      `The value ${resolution} for parameter ${member}.StorageResolution is invalid: expected 1 or 60.`,
    );
  }
  const series = formatSeries({
    namespace,
    name: datum.MetricName as string,
    unit: datum.Unit ?? 'None',
    dimensions: dimensionsOf(datum.Dimensions),
  });
  const periodMs = resolution * 1_000;
  if (set) {
    const { SampleCount: count = 0, Sum: sum = 0, Minimum: min = 0, Maximum: max = 0 } = set;
    if (count <= 0) return [];
    // One value is known to be each sample only where the smallest is the largest.
    const spread = min === max ? ([[min, count]] as const) : undefined;
    return [{ kind: 'measure', series, at, periodMs, count, sum, min, max, spread }];
  }
  const samples = values ?? [value as number];
  return samples.map((sample, index) =>
    measureValue(series, at, sample, { count: counts?.[index] ?? 1, periodMs, spread: 'digits' }),
  );
}

/** PutMetricAlarm and PutCompositeAlarm: an update keeps the state and replaces everything else. */
import type {
  MetricDataQuery,
  PutCompositeAlarmInput,
  PutMetricAlarmInput,
} from '@aws-sdk/client-cloudwatch';
import {
  ALARMS,
  type AlarmQuery,
  type AlarmRecord,
  alarmArn,
  type CompositeAlarmSettings,
  INITIAL_REASON,
  type MetricAlarmSettings,
} from '../../../domain/alarm.ts';
import { SUPPORTED_COMPARISONS } from '../../../domain/alarm-evaluation.ts';
import { parseRule, RuleError } from '../../../domain/alarm-rule.ts';
import { parseStatistic } from '../../../domain/metric-statistics.ts';
import { checkPeriod } from '../../../domain/metric-time.ts';
import { planHistory } from '../../../engine/alarm-evaluator.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import { type CloudWatchDeps, invalidCombination, invalidValue, missingParameter } from '../deps.ts';
import { readQueries } from '../metric-queries.ts';

const MAX_QUERIES = 20;
/** Longest window that is looked at; source: PutMetricAlarm, EvaluationPeriods. */
const MAX_WINDOW_SECONDS = 604_800;
const MAX_SHORT_WINDOW_SECONDS = 86_400;
const TREATMENTS = ['breaching', 'notBreaching', 'ignore', 'missing'];

type Common = Pick<
  PutMetricAlarmInput,
  | 'AlarmName'
  | 'AlarmDescription'
  | 'ActionsEnabled'
  | 'OKActions'
  | 'AlarmActions'
  | 'InsufficientDataActions'
  | 'Tags'
>;

export function putMetricAlarm(deps: CloudWatchDeps): Handler<PutMetricAlarmInput> {
  return async (input, context) => {
    await save(deps, context, input, readMetricSettings(input));
    return {};
  };
}

export function putCompositeAlarm(deps: CloudWatchDeps): Handler<PutCompositeAlarmInput> {
  return async (input, context) => {
    if (input.ActionsSuppressor !== undefined) {
      throw new ApiError('UnsupportedOperation', 'ActionsSuppressor is not supported; leave it out.');
    }
    const rule = input.AlarmRule as string;
    try {
      parseRule(rule);
    } catch (error) {
      if (error instanceof RuleError) throw invalidValue(error.message);
      throw error;
    }
    const settings: CompositeAlarmSettings = { kind: 'composite', rule };
    await save(deps, context, input, settings);
    await deps.alarms.evaluateComposite(input.AlarmName as string);
    return {};
  };
}

async function save(
  deps: CloudWatchDeps,
  context: RequestContext,
  input: Common,
  settings: AlarmRecord['settings'],
): Promise<void> {
  const { store, clock } = deps;
  const name = input.AlarmName as string;
  const now = clock.now();
  const known = store.resources.get<AlarmRecord>(ALARMS, name)?.value;
  if (known && known.settings.kind !== settings.kind) {
    throw invalidValue(`An alarm of another type has the name ${name}.`);
  }
  const value: AlarmRecord = {
    arn: alarmArn(context.region, context.accountId, name),
    description: input.AlarmDescription,
    actionsEnabled: input.ActionsEnabled ?? true,
    okActions: input.OKActions ?? [],
    alarmActions: input.AlarmActions ?? [],
    insufficientDataActions: input.InsufficientDataActions ?? [],
    configuredAt: now,
    state: known?.state ?? {
      value: 'INSUFFICIENT_DATA',
      reason: INITIAL_REASON,
      updatedAt: now,
      transitionedAt: now,
    },
    settings,
    tags:
      known?.tags ??
      Object.fromEntries((input.Tags ?? []).map(({ Key, Value }) => [Key as string, Value as string])),
  };
  const verb = known ? 'updated' : 'created';
  const item = {
    at: now,
    type: 'ConfigurationUpdate',
    summary: `Alarm "${name}" ${verb}`,
    data: JSON.stringify({ version: '1.0', type: known ? 'Update' : 'Create' }),
  } as const;
  await store.commit([
    { kind: 'put', collection: ALARMS, key: name, value },
    planHistory(name, value, [item], now),
  ]);
}

function readMetricSettings(input: PutMetricAlarmInput): MetricAlarmSettings {
  if (input.EvaluationCriteria || input.EvaluationInterval !== undefined) {
    throw new ApiError(
      'UnsupportedOperation',
      'Alarms on PromQL are not supported; use a metric or metric math.',
    );
  }
  const comparison = input.ComparisonOperator ?? '';
  if (input.ThresholdMetricId !== undefined || !SUPPORTED_COMPARISONS.includes(comparison)) {
    throw new ApiError(
      'UnsupportedOperation',
      `Anomaly detection bands are not supported; expected a ComparisonOperator of ${SUPPORTED_COMPARISONS.join(', ')}.`,
    );
  }
  if (input.Threshold === undefined) throw missingParameter('The parameter Threshold is required.');
  if (input.EvaluationPeriods === undefined)
    throw missingParameter('The parameter EvaluationPeriods is required.');
  const treat = input.TreatMissingData;
  if (treat !== undefined && !TREATMENTS.includes(treat)) {
    throw invalidValue(
      `The value ${treat} for parameter TreatMissingData is invalid: expected ${TREATMENTS.join(', ')}.`,
    );
  }
  const evaluationPeriods = input.EvaluationPeriods;
  const datapointsToAlarm = input.DatapointsToAlarm;
  if (datapointsToAlarm !== undefined && datapointsToAlarm > evaluationPeriods) {
    throw invalidCombination('DatapointsToAlarm must not be greater than EvaluationPeriods.');
  }
  const source = input.Metrics?.length ? readMetrics(input, input.Metrics) : readMetric(input);
  const window = source.period * evaluationPeriods;
  if (window > (source.period < 3600 ? MAX_SHORT_WINDOW_SECONDS : MAX_WINDOW_SECONDS)) {
    throw invalidCombination(
      `Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= ${MAX_SHORT_WINDOW_SECONDS}), or a week where the period is an hour or more.`,
    );
  }
  return {
    kind: 'metric',
    ...source,
    evaluationPeriods,
    datapointsToAlarm,
    threshold: input.Threshold,
    comparison,
    treatMissingData: treat,
    lowSamples: input.EvaluateLowSampleCountPercentile,
  };
}

function readMetric(
  input: PutMetricAlarmInput,
): Pick<MetricAlarmSettings, 'period'> & Partial<MetricAlarmSettings> {
  for (const member of ['MetricName', 'Namespace', 'Period'] as const) {
    if (input[member] === undefined)
      throw missingParameter(`The parameter ${member} is required where Metrics is absent.`);
  }
  if ((input.Statistic === undefined) === (input.ExtendedStatistic === undefined)) {
    throw invalidCombination(
      'Exactly one of the parameters Statistic and ExtendedStatistic must be specified.',
    );
  }
  const period = input.Period as number;
  const problem = checkPeriod(period);
  if (problem) throw invalidValue(problem);
  if (input.ExtendedStatistic !== undefined && !parseStatistic(input.ExtendedStatistic)) {
    throw invalidValue(
      `The value ${input.ExtendedStatistic} for parameter ExtendedStatistic is not supported.`,
    );
  }
  return {
    namespace: input.Namespace,
    metricName: input.MetricName,
    dimensions: (input.Dimensions ?? []).map(({ Name, Value }) => ({
      Name: Name as string,
      Value: Value as string,
    })),
    statistic: input.Statistic,
    extendedStatistic: input.ExtendedStatistic,
    unit: input.Unit,
    period,
  };
}

function readMetrics(
  input: PutMetricAlarmInput,
  metrics: readonly MetricDataQuery[],
): Pick<MetricAlarmSettings, 'period' | 'queries'> {
  if (input.MetricName !== undefined || input.Namespace !== undefined || input.Statistic !== undefined) {
    throw invalidCombination(
      'The parameters Metrics and MetricName, Namespace, Statistic are mutually exclusive.',
    );
  }
  if (metrics.length > MAX_QUERIES)
    throw invalidValue(`Metrics must not have a size greater than ${MAX_QUERIES}.`);
  const queries = readQueries(metrics, 'Metrics');
  if (queries.filter(({ returnData }) => returnData).length !== 1) {
    throw invalidValue('Exactly one element of the metrics list should return data.');
  }
  const periods = queries.flatMap(({ source, period }) =>
    source.kind === 'metric' && period ? [period] : [],
  );
  if (periods.length === 0) throw invalidValue('Metrics must contain one metric at least.');
  return { period: Math.max(...periods), queries: metrics as unknown as AlarmQuery[] };
}

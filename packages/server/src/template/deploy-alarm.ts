/** `AWS::CloudWatch::Alarm`: put when it is not there or says something else; its state is left alone. */
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../store/store.ts';
import type { ResourceContext, ResourceResult } from './deploy.ts';

type Properties = Record<string, Json | undefined>;

const NUMBERS = ['Period', 'EvaluationPeriods', 'DatapointsToAlarm', 'Threshold'];

export async function deployAlarm(
  properties: Properties,
  { call, defaultName, region, accountId }: ResourceContext,
): Promise<ResourceResult> {
  const name = String(properties.AlarmName ?? defaultName);
  const wanted = convert({ ...properties, AlarmName: name });
  const { MetricAlarms: found } = (await call('cloudwatch', 'DescribeAlarms', { AlarmNames: [name] })) as {
    MetricAlarms: Properties[];
  };
  const current = found[0];
  // What the template does not say has AWS's default, so only what it says is compared.
  const same =
    current && Object.keys(wanted).every((key) => isDeepStrictEqual(plain(current[key]), wanted[key]));
  if (!same) await call('cloudwatch', 'PutMetricAlarm', wanted);
  return {
    ref: name,
    attributes: { Arn: `arn:aws:cloudwatch:${region}:${accountId}:alarm:${name}` },
    change: !current ? 'created' : same ? 'unchanged' : 'updated',
  };
}

/** Templates may write numbers and flags as text. */
function convert(properties: Properties): Properties {
  const out: Properties = {};
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (NUMBERS.includes(key)) out[key] = Number(value);
    else if (key === 'ActionsEnabled') out[key] = String(value) === 'true';
    else if (key === 'Metrics')
      out[key] = (value as Json[]).map((metric) => convertQuery(metric as Properties));
    else out[key] = value;
  }
  return out;
}

function convertQuery(query: Properties): { [key: string]: Json | undefined } {
  const stat = query.MetricStat as Properties | undefined;
  return {
    ...query,
    ...(query.Period === undefined ? {} : { Period: Number(query.Period) }),
    ...(query.ReturnData === undefined ? {} : { ReturnData: String(query.ReturnData) === 'true' }),
    ...(stat ? { MetricStat: { ...stat, Period: Number(stat.Period) } } : {}),
  };
}

/** Without members that are there but undefined. */
function plain(value: Json | undefined): Json | undefined {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as Json);
}

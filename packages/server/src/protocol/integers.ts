/**
 * Which numbers of the model may have a fraction. The clients' schemas do not tell integers from doubles;
 * nearly every number is an integer, so the few doubles of requests are listed
 * (as `Structure.Member`; compared with botocore's models in a test). Lists and maps of bare numbers hold
 * doubles everywhere (metric values, weights of an alias).
 */
import type { ServiceName } from './operation.ts';

const DOUBLES: Record<ServiceName, ReadonlySet<string>> = {
  lambda: new Set([
    'LambdaManagedInstancesCapacityProviderConfig.ExecutionEnvironmentMemoryGiBPerVCpu',
    'TargetTrackingScalingPolicy.TargetValue',
  ]),
  sqs: new Set(),
  sns: new Set(),
  logs: new Set(['MetricTransformation.defaultValue']),
  cloudwatch: new Set([
    'MetricDatum.Value',
    'PutMetricAlarmInput.Threshold',
    'StatisticSet.Maximum',
    'StatisticSet.Minimum',
    'StatisticSet.SampleCount',
    'StatisticSet.Sum',
  ]),
};

/** True when the member `name` of the shape `owner` takes whole numbers only. */
export function isInteger(service: ServiceName, owner: string, name: string): boolean {
  if (owner.startsWith('list:') || owner.startsWith('map:')) return false;
  return !DOUBLES[service].has(`${owner}.${name}`);
}

/** Units of metrics, in CloudWatch and in metric filters. Source: CloudWatch API reference, `MetricDatum`. */
const AMOUNTS = [
  ...['Bytes', 'Kilobytes', 'Megabytes', 'Gigabytes', 'Terabytes'],
  ...['Bits', 'Kilobits', 'Megabits', 'Gigabits', 'Terabits'],
];

export const METRIC_UNITS: readonly string[] = [
  'Seconds',
  'Microseconds',
  'Milliseconds',
  ...AMOUNTS,
  'Percent',
  'Count',
  ...AMOUNTS.map((amount) => `${amount}/Second`),
  'Count/Second',
  'None',
];

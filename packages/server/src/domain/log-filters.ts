/**
 * Metric filters and subscription filters of log groups: what is kept about them, and what a line that matches
 * turns into. Source: CloudWatch Logs API reference, PutMetricFilter and PutSubscriptionFilter; recordings.
 */
import type { JsonObject } from '../store/store.ts';
import type { FilterPattern } from './log-filter-pattern.ts';

/** Both keyed `<group>:<filter name>`: they go when their group goes. */
export const METRIC_FILTERS = 'metric-filters';
export const SUBSCRIPTION_FILTERS = 'subscription-filters';

export const MAX_METRIC_FILTERS = 100;
export const MAX_SUBSCRIPTION_FILTERS = 2;
/** Patterns with a regular expression in one group. */
export const MAX_REGEX_FILTERS = 5;

export interface MetricTransformation extends JsonObject {
  metricName: string;
  metricNamespace: string;
  /** A number, or the field that holds it: `$.latency`, `$size`. */
  metricValue: string;
  /** Reported for lines that do not match. */
  defaultValue?: number;
  unit?: string;
  /** Name → field. */
  dimensions?: { [name: string]: string };
}

export interface MetricFilterRecord extends JsonObject {
  pattern: string;
  /** Epoch ms. */
  createdAt: number;
  transformation: MetricTransformation;
}

export interface SubscriptionFilterRecord extends JsonObject {
  pattern: string;
  createdAt: number;
  destinationArn: string;
  roleArn?: string;
  distribution: string;
}

/** One value for a metric, as a metric filter draws it from a line. */
export interface DrawnSample {
  readonly namespace: string;
  readonly name: string;
  readonly unit: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * What a line adds to the metric. A line that does not match adds the default value, if there is one; a field
 * that is not a number adds nothing, and a dimension whose field is missing leaves the sample out.
 */
export function drawSample(
  transformation: MetricTransformation,
  pattern: FilterPattern,
  message: string,
): DrawnSample | undefined {
  const sample = (value: number, dimensions: Record<string, string>): DrawnSample => ({
    namespace: transformation.metricNamespace,
    name: transformation.metricName,
    unit: transformation.unit ?? 'None',
    dimensions,
    value,
  });
  if (!pattern.matches(message)) {
    return transformation.defaultValue === undefined ? undefined : sample(transformation.defaultValue, {});
  }
  const { metricValue } = transformation;
  const raw = metricValue.startsWith('$') ? pattern.read(message, metricValue) : metricValue;
  const value = raw === undefined || raw === '' ? Number.NaN : Number(raw);
  if (!Number.isFinite(value)) return undefined;
  const dimensions: Record<string, string> = {};
  for (const [name, selector] of Object.entries(transformation.dimensions ?? {})) {
    const found = pattern.read(message, selector);
    if (found === undefined || found === '') return undefined;
    dimensions[name] = String(found);
  }
  return sample(value, dimensions);
}

export interface SubscriptionBatch {
  readonly owner: string;
  readonly group: string;
  readonly stream: string;
  readonly filters: readonly string[];
  readonly events: readonly { readonly id: string; readonly timestamp: number; readonly message: string }[];
}

/** The document that a subscription's consumer finds, before compression. */
export function formatSubscriptionData(batch: SubscriptionBatch): string {
  return JSON.stringify({
    messageType: 'DATA_MESSAGE',
    owner: batch.owner,
    logGroup: batch.group,
    logStream: batch.stream,
    subscriptionFilters: batch.filters,
    logEvents: batch.events,
  });
}

/**
 * What invocations measure, under AWS's names. Samples are effects of the commit they belong to: they reconcile
 * with the journal at every instant. `Invocations`, and the samples of value 0 of `Errors` and `Throttles`, follow
 * from the durations and are worked out when they are read (metric-catalogue.ts): a run costs few samples.
 * Source: "Types of metrics for Lambda functions"; third-party captures for `AsyncEventsDropped`.
 */
import type { Measure } from '../store/store.ts';
import type { Outcome } from './invocation.ts';
import { formatSeries, measureValue } from './metric-series.ts';

const NAMESPACE = 'AWS/Lambda';

const UNITS = {
  Errors: 'Count',
  Throttles: 'Count',
  Duration: 'Milliseconds',
  AsyncEventsReceived: 'Count',
  AsyncEventAge: 'Milliseconds',
  AsyncEventsDropped: 'Count',
  DeadLetterErrors: 'Count',
  DestinationDeliveryFailures: 'Count',
} as const;
type LambdaMetric = keyof typeof UNITS;

/** Series of a function, by qualified ARN: names are long, and every event needs several. */
const known = new Map<string, Map<LambdaMetric, string>>();
const MAX_KNOWN = 10_000;

function seriesOf(metric: LambdaMetric, functionArn: string): string {
  let byMetric = known.get(functionArn);
  if (!byMetric) {
    if (known.size >= MAX_KNOWN) known.clear();
    byMetric = new Map();
    known.set(functionArn, byMetric);
  }
  let series = byMetric.get(metric);
  if (series === undefined) {
    const [name = '', qualifier] = (functionArn.split(':function:')[1] ?? functionArn).split(':');
    const resource = qualifier === undefined || qualifier === '$LATEST' ? name : `${name}:${qualifier}`;
    const dimensions = { FunctionName: name, Resource: resource };
    series = formatSeries({ namespace: NAMESPACE, name: metric, unit: UNITS[metric], dimensions });
    byMetric.set(metric, series);
  }
  return series;
}

function sample(metric: LambdaMetric, functionArn: string, at: number, value: number): Measure {
  const spread = metric === 'Duration' || metric === 'AsyncEventAge';
  return measureValue(seriesOf(metric, functionArn), at, value, spread ? { spread: 'grid' } : undefined);
}

export function measureAccepted(functionArn: string, now: number): Measure {
  return sample('AsyncEventsReceived', functionArn, now, 1);
}

/** One attempt, asynchronous or not, at the time it began. */
export function measureAttempt(functionArn: string, outcome: Outcome, now: number): Measure[] {
  switch (outcome.kind) {
    case 'succeeded':
    case 'functionError': {
      const { startedAt, durationMs } = outcome.report;
      const duration = sample('Duration', functionArn, startedAt, durationMs);
      return outcome.kind === 'succeeded'
        ? [duration]
        : [duration, sample('Errors', functionArn, startedAt, 1)];
    }
    case 'throttled':
      return [sample('Throttles', functionArn, now, 1)];
    case 'systemError':
    case 'gone':
      return [];
  }
}

/** How old an event was when an attempt of it began. */
export function measureAge(functionArn: string, acceptedAt: number, outcome: Outcome): Measure[] {
  if (outcome.kind !== 'succeeded' && outcome.kind !== 'functionError') return [];
  const { startedAt } = outcome.report;
  return [sample('AsyncEventAge', functionArn, startedAt, Math.max(0, startedAt - acceptedAt))];
}

export function measureEnd(
  functionArn: string,
  now: number,
  end: { readonly succeeded: boolean; readonly refusedRoles: readonly string[] },
): Measure[] {
  return [
    sample('AsyncEventsDropped', functionArn, now, end.succeeded ? 0 : 1),
    ...end.refusedRoles.map((role) =>
      sample(
        role === 'DeadLetterQueue' ? 'DeadLetterErrors' : 'DestinationDeliveryFailures',
        functionArn,
        now,
        1,
      ),
    ),
  ];
}

/**
 * Everything that watches: metrics of functions and queues, alarms, the filters and live tails of log groups.
 * Put together in one place, started and stopped as one.
 */
import type { Outcome } from '../domain/invocation.ts';
import { measureAttempt } from '../domain/lambda-metrics.ts';
import { formatSeries, measureValue } from '../domain/metric-series.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import type { Store } from '../store/store.ts';
import { AlarmEvaluator } from './alarm-evaluator.ts';
import { LogTaps } from './log-taps.ts';
import { MetricBuffer } from './metric-buffer.ts';
import { meterQueues } from './queue-metrics.ts';

export interface Observation {
  /** For samples that belong to no commit of their own. */
  readonly metrics: MetricBuffer;
  readonly alarms: AlarmEvaluator;
  readonly taps: LogTaps;
  /** Measures a synchronous run, or one that found no slot. */
  readonly onRun: (functionArn: string, outcome: Outcome) => void;
  start(): void;
  /** Stops the loops; resolves when what was measured is stored. */
  stop(): Promise<void>;
}

export interface ObservationDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly activity: Activity;
  readonly log: Log;
  readonly region: string;
  readonly accountId: string;
}

export function createObservation(deps: ObservationDeps): Observation {
  const { store, clock, activity, log } = deps;
  const onError = (what: string) => (error: unknown) => log.error({ err: error }, what);
  const metrics = new MetricBuffer({ store, activity, onError: onError('measurements could not be stored') });
  const queues = meterQueues({ store, buffer: metrics, clock, activity, onError: onError('queue depths') });
  const alarms = new AlarmEvaluator({
    ...deps,
    metrics,
    beforeTick: () => queues.tick(),
    onError: (error, alarm) => log.error({ err: error, alarm }, 'an alarm could not be evaluated'),
  });
  const taps = new LogTaps({
    ...deps,
    planSample: ({ value, namespace, name, unit, dimensions }, at, periodMs) => [
      measureValue(formatSeries({ namespace, name, unit, dimensions }), at, value, {
        spread: 'digits',
        periodMs,
      }),
    ],
  });
  const loops = [queues, alarms];
  return {
    metrics,
    alarms,
    taps,
    onRun: (functionArn, outcome) => {
      for (const measure of measureAttempt(functionArn, outcome, clock.now())) metrics.add(measure);
    },
    start: () => {
      for (const loop of loops) loop.start();
    },
    stop: async () => {
      for (const loop of loops) loop.stop();
      await metrics.flush();
    },
  };
}

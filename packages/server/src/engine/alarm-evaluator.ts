/**
 * The loop of the alarms: every minute (every ten seconds where an alarm's period is that short) each metric alarm
 * looks at its points; composite alarms follow when one of their children changes. A change of state, its history
 * and its actions are one commit.
 */
import {
  ALARM_HISTORY_GROUP,
  ALARM_HISTORY_MS,
  ALARMS,
  type AlarmRecord,
  type AlarmState,
  type AlarmStateValue,
  actionsFor,
  formatStateHistory,
  type HistoryItem,
  type MetricAlarmSettings,
} from '../domain/alarm.ts';
import {
  type AlarmPolicy,
  evaluateAlarm,
  evaluationRange,
  type RangePoint,
} from '../domain/alarm-evaluation.ts';
import { queriesOf } from '../domain/alarm-queries.ts';
import { formatReason, formatReasonData } from '../domain/alarm-reason.ts';
import { childrenOf, evaluateRule, parseRule } from '../domain/alarm-rule.ts';
import type { Series } from '../domain/metric-math.ts';
import { answerQueries } from '../domain/metric-query.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Random } from '../platform/random.ts';
import type { Effect, Resource, Store } from '../store/store.ts';
import { planAction } from './alarm-actions.ts';
import type { MetricBuffer } from './metric-buffer.ts';
import { readMetric } from './metric-reader.ts';

const MINUTE_MS = 60_000;
const SHORT_MS = 10_000;

export interface AlarmDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly activity: Activity;
  readonly metrics: MetricBuffer;
  readonly region: string;
  readonly accountId: string;
  readonly onError: (error: unknown, alarm: string) => void;
  /** Called before an evaluation: gauges measure themselves. */
  readonly beforeTick?: () => Promise<void>;
}

type NextState = Pick<AlarmState, 'value' | 'reason' | 'reasonData'>;

export class AlarmEvaluator {
  readonly #deps: AlarmDeps;
  #timer: Timer | undefined;
  #stopped = true;
  #unsubscribe: () => void = () => undefined;
  #historyErasedAt = 0;

  constructor(deps: AlarmDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#stopped = false;
    this.#unsubscribe = this.#deps.store.resources.onChange((collection) => {
      if (collection === ALARMS) this.#arm();
    });
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#unsubscribe();
  }

  /** Evaluates every alarm that is due; composite alarms follow from the changes. */
  async tick(): Promise<void> {
    const { store, clock, metrics } = this.#deps;
    const now = clock.now();
    await this.#deps.beforeTick?.();
    await metrics.flush();
    for (const alarm of store.resources.list<AlarmRecord>(ALARMS)) {
      const { settings } = alarm.value;
      if (settings.kind !== 'metric') continue;
      if (settings.period * 1000 >= MINUTE_MS && now % MINUTE_MS >= SHORT_MS) continue;
      try {
        await this.#evaluateMetric(alarm, settings, now);
      } catch (error) {
        this.#deps.onError(error, alarm.key);
      }
    }
    if (now - this.#historyErasedAt > ALARM_HISTORY_MS / 14) {
      this.#historyErasedAt = now;
      await store.commit([{ kind: 'erase', group: ALARM_HISTORY_GROUP, before: now - ALARM_HISTORY_MS }]);
    }
  }

  /**
   * Puts an alarm into a state, with history and actions when it is another one, and lets composite alarms
   * follow. false: the alarm is gone or was changed meanwhile.
   */
  async setState(name: string, state: NextState): Promise<boolean> {
    const alarm = this.#deps.store.resources.get<AlarmRecord>(ALARMS, name);
    if (!alarm) return false;
    const changed = state.value !== alarm.value.state.value;
    const now = this.#deps.clock.now();
    const next: AlarmState = {
      ...state,
      updatedAt: now,
      transitionedAt: changed ? now : alarm.value.state.transitionedAt,
    };
    const value: AlarmRecord = { ...alarm.value, state: next };
    const unit: Effect[] = [{ kind: 'put', collection: ALARMS, key: name, value, ifVersion: alarm.version }];
    if (changed) unit.push(...this.#planChange(name, alarm.value, next, now));
    const result = await this.#deps.store.commit(unit);
    if (result.kind === 'conflict') return false;
    if (changed) await this.#followParents(name);
    return true;
  }

  /** A composite alarm by its rule, e.g. right after it was put. */
  async evaluateComposite(name: string): Promise<void> {
    const { resources } = this.#deps.store;
    const alarm = resources.get<AlarmRecord>(ALARMS, name)?.value;
    if (alarm?.settings.kind !== 'composite') return;
    const rule = parseRule(alarm.settings.rule);
    const stateOf = (child: string) => resources.get<AlarmRecord>(ALARMS, child)?.value.state.value;
    const value: AlarmStateValue = evaluateRule(rule, stateOf) ? 'ALARM' : 'OK';
    if (value === alarm.state.value) return;
    const children = childrenOf(rule).flatMap((child) => {
      const found = resources.get<AlarmRecord>(ALARMS, child)?.value;
      return found ? [found] : [];
    });
    const triggering = children.filter(({ state }) => state.value === 'ALARM');
    const last = children.toSorted((a, b) => b.state.transitionedAt - a.state.transitionedAt)[0];
    await this.setState(name, {
      value,
      reason: last
        ? `${last.arn} transitioned to ${last.state.value} at ${new Date(last.state.transitionedAt).toUTCString()}`
        : `The rule is ${value === 'ALARM'}`,
      reasonData: JSON.stringify({
        triggeringAlarms: (triggering.length > 0 ? triggering : children).map(({ arn, state }) => ({
          arn,
          state: { value: state.value, timestamp: new Date(state.transitionedAt).toISOString() },
        })),
      }),
    });
  }

  #planChange(name: string, alarm: AlarmRecord, next: AlarmState, now: number): Effect[] {
    const { store, ids, random, region, accountId } = this.#deps;
    const old = alarm.state;
    const change = { name, alarm, old, next, region, accountId };
    const actions = actionsFor(alarm, next.value).map((arn) =>
      planAction(arn, change, { resources: store.resources, ids, random, now }),
    );
    const history = [formatStateHistory(old, next), ...actions.map((action) => action.history)];
    return [planHistory(name, alarm, history, now), ...actions.flatMap(({ effects }) => effects)];
  }

  /** A circle of composite alarms ends by itself: a state that does not change goes no further. */
  async #followParents(child: string): Promise<void> {
    for (const { key, value } of this.#deps.store.resources.list<AlarmRecord>(ALARMS)) {
      if (value.settings.kind !== 'composite' || key === child) continue;
      if (childrenOf(parseRule(value.settings.rule)).includes(child)) await this.evaluateComposite(key);
    }
  }

  async #evaluateMetric(
    alarm: Resource<AlarmRecord>,
    settings: MetricAlarmSettings,
    now: number,
  ): Promise<void> {
    const policy: AlarmPolicy = {
      evaluationPeriods: settings.evaluationPeriods,
      datapointsToAlarm: settings.datapointsToAlarm ?? settings.evaluationPeriods,
      threshold: settings.threshold,
      comparison: settings.comparison,
      treatMissingData: settings.treatMissingData ?? 'missing',
    };
    const periodMs = settings.period * 1000;
    const to = now - (now % periodMs);
    const from = to - evaluationRange(policy) * periodMs;
    const { series, samples } = await this.#read(settings, { from, to });
    if (settings.lowSamples === 'ignore' && tooFewSamples(settings.extendedStatistic, samples)) return;
    const range: RangePoint[] = [];
    for (let at = from; at < to; at += periodMs) range.push({ at, value: series?.points.get(at) });
    const evaluation = evaluateAlarm(policy, range);
    if (evaluation.kind === 'keep') return;
    const { state } = alarm.value;
    // The reason is that of the last change: it says why the alarm went where it is.
    if (evaluation.value === state.value) return;
    await this.setState(alarm.key, {
      value: evaluation.value,
      reason: formatReason(policy, evaluation, state.value),
      reasonData: formatReasonData(policy, evaluation, {
        now,
        statistic: settings.extendedStatistic ?? settings.statistic,
        unit: settings.unit,
        period: settings.period,
        samples,
      }),
    });
  }

  async #read(
    settings: MetricAlarmSettings,
    range: { readonly from: number; readonly to: number },
  ): Promise<{ series: Series | undefined; samples: ReadonlyMap<number, number> }> {
    const queries = queriesOf(settings);
    const metrics = new Map<string, Series>();
    let samples: ReadonlyMap<number, number> = new Map();
    for (const query of queries) {
      if (query.source.kind !== 'metric') continue;
      const read = await readMetric(this.#deps.store, query, range);
      metrics.set(query.id, read.series);
      samples = read.samples;
    }
    const answer = answerQueries(queries, metrics, range).find(({ query }) => query.returnData);
    return { series: answer?.series[0], samples };
  }

  #arm(): void {
    const { store, clock, activity, onError } = this.#deps;
    this.#timer?.cancel();
    this.#timer = undefined;
    const alarms = store.resources.list<AlarmRecord>(ALARMS);
    if (this.#stopped || alarms.length === 0) return;
    const short = alarms.some(({ value }) => value.settings.kind === 'metric' && value.settings.period < 60);
    const every = short ? SHORT_MS : MINUTE_MS;
    const now = clock.now();
    this.#timer = clock.schedule(now - (now % every) + every, () => {
      this.#arm();
      activity.track(this.tick()).catch((error: unknown) => onError(error, ''));
    });
  }
}

/** Source: "Percentile-based CloudWatch alarms and low data samples". */
function tooFewSamples(statistic: string | undefined, samples: ReadonlyMap<number, number>): boolean {
  const percent = /^p(\d+(?:\.\d+)?)$/.exec(statistic ?? '')?.[1];
  if (percent === undefined) return false;
  const p = Number(percent) / 100;
  const needed = p >= 0.5 ? 10 / (1 - p) : 10 / p;
  return [...samples.values()].reduce((sum, count) => sum + count, 0) < needed;
}

/** Lines of an alarm's history. */
export function planHistory(
  name: string,
  alarm: AlarmRecord,
  items: readonly HistoryItem[],
  now: number,
): Effect {
  const alarmType = alarm.settings.kind === 'metric' ? 'MetricAlarm' : 'CompositeAlarm';
  return {
    kind: 'write',
    group: ALARM_HISTORY_GROUP,
    stream: name,
    at: now,
    lines: items.map(({ at, type, summary, data }) => ({
      at,
      text: JSON.stringify({ alarmType, type, summary, data }),
    })),
  };
}

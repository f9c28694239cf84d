/**
 * What else happens to lines on their way into a log group: embedded metrics and metric filters become samples, subscription
 * filters hand them to functions, live tails see them. Samples and events are part of the commit that stores the
 * lines, so neither exists without the other. A group without filters costs one look into a map.
 */
import { gzipSync } from 'node:zlib';
import { readEmbedded } from '../domain/embedded-metrics.ts';
import { parseFunctionRef } from '../domain/lambda-names.ts';
import { resolveTarget } from '../domain/lambda-resolve.ts';
import { planAccept } from '../domain/lifecycle.ts';
import { type FilterPattern, parseFilterPattern } from '../domain/log-filter-pattern.ts';
import {
  type DrawnSample,
  drawSample,
  formatSubscriptionData,
  METRIC_FILTERS,
  type MetricFilterRecord,
  SUBSCRIPTION_FILTERS,
  type SubscriptionFilterRecord,
} from '../domain/log-filters.ts';
import type { Clock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import type { Random } from '../platform/random.ts';
import type { Effect, JsonObject, Line, Store } from '../store/store.ts';

/** Lines of one stream that were written together. */
export interface WrittenLines {
  readonly group: string;
  readonly stream: string;
  /** When they arrived, epoch ms. */
  readonly at: number;
  readonly lines: readonly Line[];
}

/** Turns a sample at an instant into effects. */
export type PlanSample = (sample: DrawnSample, at: number, periodMs?: number) => readonly Effect[];

export interface LogTapsDeps {
  readonly store: Pick<Store, 'resources'>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly accountId: string;
  readonly planSample: PlanSample;
}

/** The filters of one group, compiled. */
interface Taps {
  readonly metrics: readonly { readonly record: MetricFilterRecord; readonly pattern: FilterPattern }[];
  readonly subscriptions: readonly {
    readonly name: string;
    readonly record: SubscriptionFilterRecord;
    readonly pattern: FilterPattern;
  }[];
}

/** An asynchronous invocation takes 1 MB; a batch is cut well before, for what compresses badly. */
const MAX_BATCH_CHARS = 512 * 1024;

export class LogTaps {
  readonly #deps: LogTapsDeps;
  readonly #byGroup = new Map<string, Taps>();
  readonly #listeners = new Set<(written: WrittenLines) => void>();

  constructor(deps: LogTapsDeps) {
    this.#deps = deps;
    for (const collection of [METRIC_FILTERS, SUBSCRIPTION_FILTERS]) {
      for (const { key } of deps.store.resources.list(collection)) this.#compile(groupOf(key));
    }
    deps.store.resources.onChange((collection, key) => {
      if (collection === METRIC_FILTERS || collection === SUBSCRIPTION_FILTERS) this.#compile(groupOf(key));
    });
  }

  /** What is to be committed with the lines. */
  plan(written: WrittenLines): Effect[] {
    const effects = this.#planEmbedded(written);
    const taps = this.#byGroup.get(written.group);
    if (!taps) return effects;
    for (const { record, pattern } of taps.metrics) {
      for (const line of written.lines) {
        const sample = drawSample(record.transformation, pattern, line.text);
        if (sample) effects.push(...this.#deps.planSample(sample, line.at));
      }
    }
    for (const { name, record, pattern } of taps.subscriptions) {
      effects.push(...this.#planSubscription(written, name, record, pattern));
    }
    return effects;
  }

  /** To be called when the lines are durable. */
  announce(written: WrittenLines): void {
    for (const listener of this.#listeners) listener(written);
  }

  /** Returns the way to stop. */
  listen(listener: (written: WrittenLines) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Embedded metrics need no filter: every group's lines may carry them. */
  #planEmbedded({ group, at, lines }: WrittenLines): Effect[] {
    const { planSample } = this.#deps;
    const effects: Effect[] = [];
    for (const line of lines) {
      const embedded = readEmbedded(line.text);
      if (embedded.kind === 'samples') {
        for (const sample of embedded.samples)
          effects.push(...planSample(sample, sample.at, sample.periodMs));
      } else if (embedded.kind === 'invalid') {
        effects.push(...planSample(validationError(group), at));
      }
    }
    return effects;
  }

  #planSubscription(
    written: WrittenLines,
    name: string,
    record: SubscriptionFilterRecord,
    pattern: FilterPattern,
  ): Effect[] {
    const { store, random, ids, clock, accountId } = this.#deps;
    const matching = written.lines.filter((line) => pattern.matches(line.text));
    if (matching.length === 0) return [];
    const ref = parseFunctionRef(record.destinationArn);
    const target = ref.kind === 'ref' && resolveTarget(store.resources, ref.name, ref.qualifier, random);
    // A destination that is gone is not tried again on AWS either; the lines themselves are kept.
    if (!target || target.kind === 'notFound') return [];
    return cut(matching).flatMap((lines) => {
      const document = formatSubscriptionData({
        owner: accountId,
        group: written.group,
        stream: written.stream,
        filters: [name],
        events: lines.map((line) => ({ id: ids.ordered(), timestamp: line.at, message: line.text })),
      });
      return planAccept(
        {
          requestId: ids.ordered(),
          functionName: target.spec.name,
          qualifier: ref.qualifier,
          functionArn: target.qualifiedArn,
          payload: JSON.stringify({ awslogs: { data: gzipSync(document).toString('base64') } }),
          source: 'logs.amazonaws.com',
        },
        clock.now(),
      );
    });
  }

  #compile(group: string): void {
    const { resources } = this.#deps.store;
    const read = <T extends JsonObject & { pattern: string }>(collection: string) =>
      resources.list<T>(collection, `${group}:`).flatMap(({ key, value }) => {
        const parsed = parseFilterPattern(value.pattern);
        // Patterns were checked when they were put.
        if (parsed.kind === 'invalid') return [];
        return [{ name: key.slice(group.length + 1), record: value, pattern: parsed.pattern }];
      });
    const taps: Taps = {
      metrics: read<MetricFilterRecord>(METRIC_FILTERS),
      subscriptions: read<SubscriptionFilterRecord>(SUBSCRIPTION_FILTERS),
    };
    if (taps.metrics.length + taps.subscriptions.length > 0) this.#byGroup.set(group, taps);
    else this.#byGroup.delete(group);
  }
}

/** Source: "Specification: Embedded metric format": what a document that breaks its rules counts as. */
function validationError(group: string): DrawnSample {
  return {
    namespace: 'AWS/Logs',
    name: 'EMFValidationErrors',
    unit: 'None',
    dimensions: { LogGroupName: group },
    value: 1,
  };
}

/** Group names hold no colon. */
function groupOf(key: string): string {
  return key.slice(0, key.indexOf(':'));
}

function cut(lines: readonly Line[]): Line[][] {
  const batches: Line[][] = [];
  let chars = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    chars += line.text.length;
    if (chars > MAX_BATCH_CHARS) {
      batches.push([]);
      chars = line.text.length;
    }
    (batches.at(-1) as Line[]).push(line);
  }
  return batches;
}

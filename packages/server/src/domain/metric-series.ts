/**
 * A metric's identity and what is stored of it: one series for each namespace, name, unit and exact set of
 * dimensions. Source: Amazon CloudWatch, "Metrics concepts".
 */
import type { Measure, RollUpRule } from '../store/store.ts';

export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}
export interface SeriesId extends MetricId {
  readonly unit: string;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Source: "Metrics retention". */
export const METRIC_ROLL_UP: readonly RollUpRule[] = [
  { periodMs: 1_000, keepMs: 3 * HOUR_MS, intoMs: MINUTE_MS },
  { periodMs: MINUTE_MS, keepMs: 15 * DAY_MS, intoMs: 5 * MINUTE_MS },
  { periodMs: 5 * MINUTE_MS, keepMs: 63 * DAY_MS, intoMs: HOUR_MS },
  { periodMs: HOUR_MS, keepMs: 455 * DAY_MS },
];

/** Names of series begin with their namespace, then the metric, so that listing is by prefix. */
export function formatSeries({ namespace, name, unit, dimensions }: SeriesId): string {
  const names = Object.keys(dimensions).sort();
  return JSON.stringify([namespace, name, ...names.flatMap((key) => [key, dimensions[key]]), unit]);
}

export function seriesPrefix(namespace?: string, name?: string): string {
  if (namespace === undefined) return '[';
  return name === undefined
    ? `[${JSON.stringify(namespace)},`
    : `[${JSON.stringify(namespace)},${JSON.stringify(name)},`;
}

/** Undefined for a series that is not a metric's. */
export function parseSeries(series: string): SeriesId | undefined {
  if (!series.startsWith('[')) return undefined;
  const [namespace, name, ...rest] = JSON.parse(series) as string[];
  const unit = rest.pop();
  if (namespace === undefined || name === undefined || unit === undefined) return undefined;
  const dimensions: Record<string, string> = {};
  for (let i = 0; i + 1 < rest.length; i += 2) dimensions[rest[i] as string] = rest[i + 1] as string;
  return { namespace, name, unit, dimensions };
}

/** Values are kept for percentiles to three digits: half a percent, and whole numbers below 1,000 exactly. */
const SPREAD_DIGITS = 3;
/** Times, of which there are many, are kept on a grid of two percent instead: fewer rows, at most one percent off. */
const GRID = Math.log(1.02);

function onGrid(value: number): number {
  if (value <= 0) return 0;
  return Number(Math.exp(Math.round(Math.log(value) / GRID) * GRID).toPrecision(4));
}

/** Samples of one value. */
export function measureValue(
  series: string,
  at: number,
  value: number,
  options: { count?: number; periodMs?: number; spread?: 'digits' | 'grid' } = {},
): Measure {
  const count = options.count ?? 1;
  return {
    kind: 'measure',
    series,
    at,
    periodMs: options.periodMs ?? MINUTE_MS,
    count,
    sum: value * count,
    min: value,
    max: value,
    spread: options.spread && [
      [options.spread === 'grid' ? onGrid(value) : Number(value.toPrecision(SPREAD_DIGITS)), count],
    ],
  };
}

/**
 * What one transaction measures, folded in memory first: a point costs one row however many samples came.
 */
import type { Measure } from './store.ts';

export interface FoldedPoint {
  readonly series: string;
  readonly periodMs: number;
  readonly at: number;
  count: number;
  sum: number;
  min: number;
  max: number;
  spread?: Map<number, number>;
}

/** The points of one transaction. */
export class PointBatch {
  readonly folded = new Map<string, FoldedPoint>();
  /** The point each series was last added to: mostly the next sample belongs there too. */
  readonly #last = new Map<string, FoldedPoint>();

  add(measure: Measure): void {
    const at = measure.at - (measure.at % measure.periodMs);
    const last = this.#last.get(measure.series);
    const same = last?.at === at && last.periodMs === measure.periodMs;
    const key = same ? '' : `${at}/${measure.periodMs}/${measure.series}`;
    let point = same ? last : this.folded.get(key);
    if (!point) {
      const { series, periodMs, count, sum, min, max } = measure;
      point = { series, periodMs, at, count, sum, min, max };
      this.folded.set(key, point);
      this.#last.set(series, point);
    } else {
      point.count += measure.count;
      point.sum += measure.sum;
      if (measure.min < point.min) point.min = measure.min;
      if (measure.max > point.max) point.max = measure.max;
    }
    if (!measure.spread || measure.spread.length === 0) return;
    point.spread ??= new Map();
    for (const [value, count] of measure.spread) {
      point.spread.set(value, (point.spread.get(value) ?? 0) + count);
    }
  }
}

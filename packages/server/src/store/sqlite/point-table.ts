/**
 * Measurements on their way in. What one transaction measures is folded in memory first, so a point costs one
 * row however many samples came; a unit that meets a conflict never gets here.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { PointBatch } from '../point-batch.ts';
import type { RollUpRule } from '../store.ts';
import { Names } from './names.ts';

export class PointTable {
  readonly #names: Names;
  readonly #add: StatementSync;
  readonly #spread: StatementSync;
  readonly #fold: readonly StatementSync[];
  readonly #drop: readonly StatementSync[];

  constructor(db: DatabaseSync) {
    this.#names = new Names(db, 'series');
    const upsertPoint = `ON CONFLICT (series, period, at) DO UPDATE SET
      count = count + excluded.count, sum = sum + excluded.sum,
      min = min(min, excluded.min), max = max(max, excluded.max)`;
    const upsertSpread =
      'ON CONFLICT (series, period, at, value) DO UPDATE SET count = count + excluded.count';
    this.#add = db.prepare(
      `INSERT INTO points (series, period, at, count, sum, min, max) VALUES (?, ?, ?, ?, ?, ?, ?) ${upsertPoint}`,
    );
    this.#spread = db.prepare(
      `INSERT INTO spreads (series, period, at, value, count) VALUES (?, ?, ?, ?, ?) ${upsertSpread}`,
    );
    this.#fold = [
      db.prepare(
        `INSERT INTO points (series, period, at, count, sum, min, max)
         SELECT series, ?1, at - at % ?1, sum(count), sum(sum), min(min), max(max)
         FROM points WHERE period = ?2 AND at < ?3 GROUP BY 1, 3 ${upsertPoint}`,
      ),
      db.prepare(
        `INSERT INTO spreads (series, period, at, value, count)
         SELECT s.series, ?1, s.at - s.at % ?1, s.value, sum(s.count)
         FROM points p JOIN spreads s USING (series, period, at)
         WHERE p.period = ?2 AND p.at < ?3 GROUP BY 1, 3, 4 ${upsertSpread}`,
      ),
    ];
    this.#drop = [
      db.prepare(
        `DELETE FROM spreads WHERE (series, period, at) IN
         (SELECT series, period, at FROM points WHERE period = ? AND at < ?)`,
      ),
      db.prepare('DELETE FROM points WHERE period = ? AND at < ?'),
    ];
  }

  reload(): void {
    this.#names.reload();
  }

  write(batch: PointBatch): void {
    for (const { series, periodMs, at, count, sum, min, max, spread } of batch.folded.values()) {
      const id = this.#names.intern(series);
      this.#add.run(id, periodMs, at, count, sum, min, max);
      if (spread) for (const [value, times] of spread) this.#spread.run(id, periodMs, at, value, times);
    }
  }

  /** Points that went. */
  rollUp(rules: readonly RollUpRule[], now: number): number {
    let gone = 0;
    for (const { periodMs, keepMs, intoMs } of rules) {
      // Whole periods only: half of one would be folded twice into the same point.
      const before = now - keepMs - ((now - keepMs) % (intoMs ?? periodMs));
      if (intoMs !== undefined) for (const statement of this.#fold) statement.run(intoMs, periodMs, before);
      const [spreads, points] = this.#drop as [StatementSync, StatementSync];
      spreads.run(periodMs, before);
      gone += Number(points.run(periodMs, before).changes);
    }
    return gone;
  }
}

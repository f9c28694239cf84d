/** Reading measurements: points folded to the period asked for, over one series or several together. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Point, PointQuery, SeriesSummary } from '../store.ts';
import { after, prepareRows } from './connection.ts';

type PointCells = [at: number, count: number, sum: number, min: number, max: number];

export class PointReads {
  readonly #db: DatabaseSync;
  readonly #list: StatementSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#list = prepareRows(
      db,
      `SELECT s.name, (SELECT max(p.at) FROM points p WHERE p.series = s.id) AS last_at
       FROM series s WHERE s.name >= ? AND s.name < ? ORDER BY s.name`,
    );
  }

  readPoints(query: PointQuery): Point[] {
    if (query.series.length === 0) return [];
    const names = query.series.map(() => '?').join(', ');
    const where = `series IN (SELECT id FROM series WHERE name IN (${names})) AND period <= ? AND at >= ? AND at < ?`;
    const parameters = [...query.series, query.periodMs, query.from, query.to];
    const rows = prepareRows(
      this.#db,
      `SELECT at - at % ${Math.trunc(query.periodMs)} AS start, sum(count), sum(sum), min(min), max(max)
       FROM points WHERE ${where} GROUP BY start ORDER BY start`,
    ).all(...parameters) as unknown as PointCells[];
    const spreads = query.spread ? this.#readSpreads(query, where, parameters) : undefined;
    return rows.map(([at, count, sum, min, max]) => ({
      at,
      count,
      sum,
      min,
      max,
      spread: spreads?.get(at) ?? [],
    }));
  }

  #readSpreads(
    query: PointQuery,
    where: string,
    parameters: readonly (string | number)[],
  ): Map<number, [number, number][]> {
    const rows = prepareRows(
      this.#db,
      `SELECT at - at % ${Math.trunc(query.periodMs)} AS start, value, sum(count)
       FROM spreads WHERE ${where} GROUP BY start, value ORDER BY start, value`,
    ).all(...parameters) as unknown as [number, number, number][];
    const spreads = new Map<number, [number, number][]>();
    for (const [at, value, count] of rows) {
      const spread = spreads.get(at);
      if (spread) spread.push([value, count]);
      else spreads.set(at, [[value, count]]);
    }
    return spreads;
  }

  listSeries(prefix: string): SeriesSummary[] {
    const rows = this.#list.all(prefix, after(prefix)) as unknown as [string, number | null][];
    return rows.flatMap(([series, lastAt]) => (lastAt === null ? [] : [{ series, lastAt }]));
  }
}

/** Reading measurements: points of all shards folded to the period asked for; and rolling old ones up. */
import type pg from 'pg';
import type { Point, PointQuery, RollUpRule, SeriesSummary } from '../store.ts';
import { after } from './connection.ts';
import { rowsOf } from './message-reads.ts';

const WHERE = `series IN (SELECT id FROM series WHERE name = ANY($1::text[])) AND period <= $2 AND at >= $3 AND at < $4`;
const POINTS = `
  SELECT at - at % $2 AS start, sum(count), sum(sum), min(min), max(max)
  FROM points WHERE ${WHERE} GROUP BY 1 ORDER BY 1`;
const SPREADS = `
  SELECT at - at % $2 AS start, value, sum(count) FROM spreads WHERE ${WHERE} GROUP BY 1, 2 ORDER BY 1, 2`;

export async function readPoints(pool: pg.Pool, query: PointQuery): Promise<Point[]> {
  if (query.series.length === 0) return [];
  const parameters = [query.series, Math.trunc(query.periodMs), query.from, query.to];
  const rows = await rowsOf(pool, POINTS, parameters);
  const spreads = new Map<number, [number, number][]>();
  if (query.spread) {
    for (const [at, value, count] of (await rowsOf(pool, SPREADS, parameters)) as [
      number,
      number,
      number,
    ][]) {
      const spread = spreads.get(at);
      if (spread) spread.push([value, count]);
      else spreads.set(at, [[value, count]]);
    }
  }
  return (rows as [number, number, number, number, number][]).map(([at, count, sum, min, max]) => ({
    at,
    count,
    sum,
    min,
    max,
    spread: spreads.get(at) ?? [],
  }));
}

const SERIES = `
  SELECT name, last_at FROM (
    SELECT s.name, (SELECT max(p.at) FROM points p WHERE p.series = s.id) AS last_at
    FROM series s WHERE s.name >= $1 AND s.name < $2) named
  WHERE last_at IS NOT NULL ORDER BY name`;

export async function listSeries(pool: pg.Pool, prefix: string): Promise<SeriesSummary[]> {
  const rows = await rowsOf(pool, SERIES, [prefix, after(prefix)]);
  return rows.map(([series, lastAt]) => ({ series: series as string, lastAt: lastAt as number }));
}

/** What is folded is what is taken away, in one statement each: two nodes at once fold nothing twice. */
const FOLD_SPREADS = `
  WITH gone AS (
    DELETE FROM spreads s USING points p
    WHERE p.series = s.series AND p.period = s.period AND p.at = s.at AND p.period = $1 AND p.at < $2
    RETURNING s.series, s.at, s.value, s.shard, s.count)
  INSERT INTO spreads AS t (series, period, at, value, shard, count)
  SELECT series, $3::bigint, at - at % $3::bigint, value, min(shard), sum(count) FROM gone
  WHERE $3::bigint IS NOT NULL GROUP BY series, at - at % $3::bigint, value
  ON CONFLICT (series, period, at, value, shard) DO UPDATE SET count = t.count + excluded.count`;
const FOLD_POINTS = `
  WITH gone AS (DELETE FROM points WHERE period = $1 AND at < $2 RETURNING *),
  folded AS (
    INSERT INTO points AS t (series, period, at, shard, count, sum, min, max)
    SELECT series, $3::bigint, at - at % $3::bigint, min(shard), sum(count), sum(sum), min(min), max(max) FROM gone
    WHERE $3::bigint IS NOT NULL GROUP BY series, at - at % $3::bigint
    ON CONFLICT (series, period, at, shard) DO UPDATE SET count = t.count + excluded.count,
      sum = t.sum + excluded.sum, min = least(t.min, excluded.min), max = greatest(t.max, excluded.max))
  SELECT count(*) FROM (SELECT DISTINCT series, at FROM gone) points`;

/** Points that went. */
export async function rollUp(pool: pg.Pool, rules: readonly RollUpRule[], now: number): Promise<number> {
  let gone = 0;
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    for (const { periodMs, keepMs, intoMs } of rules) {
      // Whole periods only: half of one would be folded twice into the same point.
      const before = now - keepMs - ((now - keepMs) % (intoMs ?? periodMs));
      await client.query(FOLD_SPREADS, [periodMs, before, intoMs ?? null]);
      const [row] = await rowsOf(client, FOLD_POINTS, [periodMs, before, intoMs ?? null]);
      gone += row?.[0] as number;
    }
    await client.query('COMMIT');
    client.release();
    return gone;
  } catch (error) {
    client.release(error as Error);
    throw error;
  }
}

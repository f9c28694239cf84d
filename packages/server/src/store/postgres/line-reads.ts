/** Reading lines: which chunks may hold what is asked for, in order of their first line, some at a time. */
import type pg from 'pg';
import { CHUNK_SPAN_MS, type ChunkCells, LineMerge } from '../line-chunks.ts';
import type { LineQuery, StoredLine, StreamSummary } from '../store.ts';
import { after } from './connection.ts';
import { rowsOf } from './message-reads.ts';

/** Chunks read at a time; more with every round. */
const FIRST_PAGE = 50;
const LAST_PAGE = 1000;

export async function readLines(pool: pg.Pool, query: LineQuery): Promise<StoredLine[]> {
  const merge = new LineMerge(query);
  const { streams, label } = query;
  if (streams && streams.length === 0) return [];
  const conditions = [
    'c.log_group = (SELECT id FROM log_groups WHERE name = $1)',
    'c.first_at > $2',
    'c.last_at >= $3',
  ];
  const parameters: unknown[] = [query.group, merge.from - CHUNK_SPAN_MS, merge.from];
  const add = (condition: string, value: unknown) => {
    parameters.push(value);
    conditions.push(condition.replace('?', `$${parameters.length}`));
  };
  if (label !== undefined) add('c.label = ?', label);
  if (streams)
    add(
      'c.stream IN (SELECT s.id FROM streams s WHERE s.log_group = c.log_group AND s.name = ANY(?))',
      streams,
    );
  if (merge.to !== Infinity) add('c.first_at < ?', merge.to);
  const ascending = query.order === 'ascending';
  const direction = ascending ? 'ASC' : 'DESC';
  let last: ChunkCells | undefined;
  for (let limit = FIRST_PAGE; ; limit = Math.min(LAST_PAGE, 2 * limit)) {
    const n = parameters.length;
    const place = last ? `AND (c.first_at, c.seq) ${ascending ? '>' : '<'} ($${n + 1}, $${n + 2})` : '';
    const rows = await rowsOf(
      pool,
      `SELECT c.seq, (SELECT s.name FROM streams s WHERE s.id = c.stream), c.first_at, c.ingested_at, c.lines
       FROM chunks c WHERE ${conditions.join(' AND ')} ${place}
       ORDER BY c.first_at ${direction}, c.seq ${direction} LIMIT ${limit}`,
      last ? [...parameters, last[2], last[0]] : parameters,
    );
    for (const row of rows) {
      last = row as unknown as ChunkCells;
      if (merge.take(last)) return merge.end();
    }
    if (rows.length < limit) return merge.end();
  }
}

const STREAMS = `
  SELECT s.name, s.created_at, s.first_at, s.last_at, s.last_ingested_at, s.bytes
  FROM streams s JOIN log_groups g ON g.id = s.log_group
  WHERE g.name = $1 AND s.name >= $2 AND s.name < $3 ORDER BY s.name`;

export async function listStreams(pool: pg.Pool, group: string, prefix = ''): Promise<StreamSummary[]> {
  const rows = await rowsOf(pool, STREAMS, [group, prefix, after(prefix)]);
  return rows.map(([stream, createdAt, firstAt, lastAt, lastIngestedAt, bytes]) => ({
    stream: stream as string,
    createdAt: createdAt as number,
    firstAt: (firstAt as number | null) ?? undefined,
    lastAt: (lastAt as number | null) ?? undefined,
    lastIngestedAt: (lastIngestedAt as number | null) ?? undefined,
    bytes: bytes as number,
  }));
}

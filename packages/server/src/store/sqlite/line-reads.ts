/** Reading lines: which chunks may hold what is asked for, in order of their first line. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { CHUNK_SPAN_MS, type ChunkCells, LineMerge } from '../line-chunks.ts';
import type { LineQuery, StoredLine, StreamSummary } from '../store.ts';
import { after, prepareRows } from './connection.ts';

export class LineReads {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  readLines(query: LineQuery): StoredLine[] {
    const merge = new LineMerge(query);
    for (const chunk of this.#chunks(query, merge.from, merge.to)) if (merge.take(chunk)) break;
    return merge.end();
  }

  listStreams(group: string, prefix = ''): StreamSummary[] {
    const rows = prepareRows(
      this.#db,
      `SELECT s.name, s.created_at, s.first_at, s.last_at, s.last_ingested_at, s.bytes
       FROM streams s JOIN log_groups g ON g.id = s.log_group
       WHERE g.name = ? AND s.name >= ? AND s.name < ? ORDER BY s.name`,
    ).all(group, prefix, after(prefix)) as unknown as [
      string,
      number,
      number | null,
      number | null,
      number | null,
      number,
    ][];
    return rows.map(([stream, createdAt, firstAt, lastAt, lastIngestedAt, bytes]) => ({
      stream,
      createdAt,
      firstAt: firstAt ?? undefined,
      lastAt: lastAt ?? undefined,
      lastIngestedAt: lastIngestedAt ?? undefined,
      bytes,
    }));
  }

  *#chunks(query: LineQuery, from: number, to: number): Generator<ChunkCells> {
    const conditions = ['c.log_group = (SELECT id FROM log_groups WHERE name = ?)'];
    const parameters: SQLInputValue[] = [query.group];
    const { streams, label } = query;
    let index = 'chunks_group';
    if (streams && streams.length === 0) return;
    if (label !== undefined) {
      index = 'chunks_label';
      conditions.push('c.label = ?');
      parameters.push(label);
    }
    if (streams) {
      const ids =
        'SELECT id FROM streams WHERE log_group = (SELECT id FROM log_groups WHERE name = ?) AND name';
      if (streams.length === 1) {
        if (label === undefined) index = 'chunks_stream';
        conditions.push(`c.stream = (${ids} = ?)`);
      } else {
        conditions.push(`+c.stream IN (${ids} IN (${streams.map(() => '?').join(', ')}))`);
      }
      parameters.push(query.group, ...streams);
    }
    conditions.push('c.first_at > ?', 'c.last_at >= ?');
    parameters.push(from - CHUNK_SPAN_MS, from);
    if (to !== Infinity) {
      conditions.push('c.first_at < ?');
      parameters.push(to);
    }
    const direction = query.order === 'ascending' ? 'ASC' : 'DESC';
    // The name of the stream is looked up per chunk, so that a join cannot change the order of reading.
    const statement = prepareRows(
      this.#db,
      `SELECT c.seq, (SELECT name FROM streams WHERE id = c.stream), c.first_at, c.ingested_at, c.lines
       FROM chunks c INDEXED BY ${index} WHERE ${conditions.join(' AND ')}
       ORDER BY c.first_at ${direction}, c.seq ${direction}`,
    );
    yield* statement.iterate(...parameters) as unknown as Iterable<ChunkCells>;
  }
}

/**
 * Reading lines: chunks come in order of their first line and are merged into one sequence by time, then arrival.
 * Memory holds the lines of CHUNK_SPAN_MS and the page, however long the stream is.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { LineQuery, StoredLine, StreamSummary } from '../store.ts';
import { after, prepareRows } from './connection.ts';
import { CHUNK_LINES, CHUNK_SPAN_MS, type ChunkLines } from './line-table.ts';

type ChunkCells = [seq: number, stream: string, firstAt: number, ingestedAt: number, lines: string];

/** Fewest lines worth sorting. */
const RELEASE_LINES = 200;
const PLACE_DIGITS = String(CHUNK_LINES - 1).length;
/** As many as a safe integer has. */
const SEQ_DIGITS = 16;

export class LineReads {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  readLines(query: LineQuery): StoredLine[] {
    const ascending = query.order === 'ascending';
    const precedes = ascending ? compareLines : (a: StoredLine, b: StoredLine) => compareLines(b, a);
    const from = Math.max(query.from ?? 0, ascending ? (query.after?.at ?? 0) : 0);
    const to = Math.min(query.to ?? Infinity, ascending ? Infinity : (query.after?.at ?? Infinity) + 1);
    const wanted = (line: StoredLine) =>
      line.at >= from && line.at < to && (!query.after || precedes(line, query.after as StoredLine) > 0);

    const page: StoredLine[] = [];
    let waiting: StoredLine[] = [];
    /** Moves to the page what no later chunk can come before. */
    const release = (isSafe: (line: StoredLine) => boolean) => {
      waiting.sort(precedes);
      let safe = 0;
      while (safe < waiting.length && page.length < query.limit && isSafe(waiting[safe] as StoredLine)) {
        page.push(waiting[safe++] as StoredLine);
      }
      waiting = waiting.slice(safe);
    };

    let releaseAt = RELEASE_LINES;
    for (const chunk of this.#chunks(query, from, to)) {
      if (waiting.length >= releaseAt) {
        const firstAt = chunk[2];
        release(ascending ? (line) => line.at < firstAt : (line) => line.at >= firstAt + CHUNK_SPAN_MS);
        if (page.length >= query.limit) return page;
        // What is left may stay for long: sorting it again for each chunk would be quadratic.
        releaseAt = Math.max(RELEASE_LINES, 2 * waiting.length);
      }
      for (const line of linesOf(chunk)) if (wanted(line)) waiting.push(line);
    }
    release(() => true);
    return page;
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

function* linesOf([seq, stream, , ingestedAt, packed]: ChunkCells): Generator<StoredLine> {
  const [ats, texts] = JSON.parse(packed) as ChunkLines;
  const prefix = String(seq).padStart(SEQ_DIGITS, '0');
  for (let place = 0; place < ats.length; place++) {
    yield {
      id: prefix + String(place).padStart(PLACE_DIGITS, '0'),
      stream,
      at: ats[place] as number,
      text: texts[place] as string,
      ingestedAt,
    };
  }
}

function compareLines(a: { at: number; id: string }, b: { at: number; id: string }): number {
  return a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

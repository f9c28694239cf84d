/**
 * Lines as they are stored: chunks, one for what was written together. Invariant: the lines of a chunk lie within
 * CHUNK_SPAN_MS of each other, so a reader that looks that far beyond its range misses none.
 */
import type { Line, LineQuery, StoredLine } from './store.ts';

export const CHUNK_SPAN_MS = 10_000;
/** Also the room an id has for the place of a line in its chunk. */
export const CHUNK_LINES = 1000;

/** Stored as `[[at, …], [text, …]]`. */
export type ChunkLines = [at: number[], text: string[]];

/** The longest run of lines from `start` that fits one chunk. */
export function nextChunk(
  lines: readonly Line[],
  start: number,
): { lines: ChunkLines; firstAt: number; lastAt: number; bytes: number; end: number } {
  let firstAt = (lines[start] as Line).at;
  let lastAt = firstAt;
  let bytes = 0;
  const ats: number[] = [];
  const texts: string[] = [];
  let end = start;
  for (; end < lines.length && end - start < CHUNK_LINES; end++) {
    const { at, text } = lines[end] as Line;
    const [low, high] = [Math.min(firstAt, at), Math.max(lastAt, at)];
    if (high - low >= CHUNK_SPAN_MS) break;
    firstAt = low;
    lastAt = high;
    bytes += Buffer.byteLength(text);
    ats.push(at);
    texts.push(text);
  }
  return { lines: [ats, texts], firstAt, lastAt, bytes, end };
}

export type ChunkCells = [seq: number, stream: string, firstAt: number, ingestedAt: number, lines: string];

/** Fewest lines worth sorting. */
const RELEASE_LINES = 200;
const PLACE_DIGITS = String(CHUNK_LINES - 1).length;
/** As many as a safe integer has. */
const SEQ_DIGITS = 16;

/**
 * One page of lines out of chunks that come in order of their first line, merged by time, then arrival. Memory holds
 * the lines of CHUNK_SPAN_MS and the page, however long the stream is.
 */
export class LineMerge {
  /** Which lines are wanted, epoch ms, inclusive / exclusive. */
  readonly from: number;
  readonly to: number;
  readonly #query: LineQuery;
  readonly #ascending: boolean;
  readonly #page: StoredLine[] = [];
  #waiting: StoredLine[] = [];
  #releaseAt = RELEASE_LINES;

  constructor(query: LineQuery) {
    this.#query = query;
    this.#ascending = query.order === 'ascending';
    this.from = Math.max(query.from ?? 0, this.#ascending ? (query.after?.at ?? 0) : 0);
    this.to = Math.min(query.to ?? Infinity, this.#ascending ? Infinity : (query.after?.at ?? Infinity) + 1);
  }

  /** True when the page is full. */
  take(chunk: ChunkCells): boolean {
    if (this.#waiting.length >= this.#releaseAt) {
      const firstAt = chunk[2];
      this.#release((line) => (this.#ascending ? line.at < firstAt : line.at >= firstAt + CHUNK_SPAN_MS));
      if (this.#page.length >= this.#query.limit) return true;
      // What is left may stay for long: sorting it again for each chunk would be quadratic.
      this.#releaseAt = Math.max(RELEASE_LINES, 2 * this.#waiting.length);
    }
    for (const line of linesOf(chunk)) if (this.#wants(line)) this.#waiting.push(line);
    return false;
  }

  end(): StoredLine[] {
    this.#release(() => true);
    return this.#page;
  }

  #wants(line: StoredLine): boolean {
    const { after } = this.#query;
    return line.at >= this.from && line.at < this.to && (!after || this.#compare(line, after) > 0);
  }

  #compare(a: { at: number; id: string }, b: { at: number; id: string }): number {
    const order = a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
    return this.#ascending ? order : -order;
  }

  /** Moves to the page what no later chunk can come before. */
  #release(isSafe: (line: StoredLine) => boolean): void {
    const waiting = this.#waiting.sort((a, b) => this.#compare(a, b));
    let safe = 0;
    while (
      safe < waiting.length &&
      this.#page.length < this.#query.limit &&
      isSafe(waiting[safe] as StoredLine)
    ) {
      this.#page.push(waiting[safe++] as StoredLine);
    }
    this.#waiting = waiting.slice(safe);
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

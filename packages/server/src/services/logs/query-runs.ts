/**
 * Logs Insights queries under way and their results. They live in memory for a while, as a query is asked again
 * sooner than it is missed; the lines they read stay where they are. One query reads a bounded number of lines
 * at a time, so other work goes on between.
 */
import { QueryError } from '../../domain/insights-lexer.ts';
import { parseQuery } from '../../domain/insights-parser.ts';
import { LogRecord, type RecordPlace } from '../../domain/insights-record.ts';
import { DEFAULT_LIMIT, type InsightsRun, type ResultField, startRun } from '../../domain/insights-run.ts';
import { formatPosition, parsePosition } from '../../domain/log-position.ts';
import { ApiError } from '../../protocol/error.ts';
import type { LineQuery, StoredLine } from '../../store/store.ts';
import type { LogsDeps } from './deps.ts';
import { maskOf } from './masking.ts';

export type QueryStatus = 'Scheduled' | 'Running' | 'Complete' | 'Failed' | 'Cancelled' | 'Timeout';

export interface QueryRun {
  readonly id: string;
  readonly groups: readonly string[];
  /** As DescribeQueries shows it. */
  readonly description: string;
  readonly createdAt: number;
  status: QueryStatus;
  rows: ResultField[][];
  scanned: number;
  bytes: number;
  matched: number;
}

export interface QueryRequest {
  readonly groups: readonly string[];
  readonly text: string;
  /** Epoch seconds, both inclusive. */
  readonly startTime: number;
  readonly endTime: number;
  readonly limit?: number;
}

/** Results kept; the oldest go first. */
const MAX_RUNS = 1_000;
/** The first read is small, for queries that need a few lines only; later ones cost less per line. */
const FIRST_READ_LINES = 1_000;
const MAX_READ_LINES = 20_000;
/** Source: CloudWatch Logs quotas: queries time out after 60 minutes. Real time: it is about this machine's work. */
const TIMEOUT_MS = 3_600_000;

export class QueryRuns {
  readonly #deps: LogsDeps;
  readonly #runs = new Map<string, QueryRun>();

  constructor(deps: LogsDeps) {
    this.#deps = deps;
  }

  /** @throws ApiError MalformedQueryException with the place of the mistake */
  start(request: QueryRequest): QueryRun {
    const { clock, ids } = this.#deps;
    const work = this.#compile(request);
    const source = request.groups.map((group) => `"${group}"`).join(', ');
    const run: QueryRun = {
      id: ids.uuid(),
      groups: request.groups,
      description: `SOURCE ${source} START=${request.startTime}000 END=${request.endTime}999 | ${request.text}`,
      createdAt: clock.now(),
      status: 'Running',
      rows: [],
      scanned: 0,
      bytes: 0,
      matched: 0,
    };
    this.#runs.set(run.id, run);
    const [oldest] = this.#runs.keys();
    if (this.#runs.size > MAX_RUNS && oldest !== undefined) this.#runs.delete(oldest);
    this.#execute(run, work, request).catch((error: unknown) => {
      run.status = 'Failed';
      if (!(error instanceof QueryError))
        this.#deps.log?.error({ err: error, queryId: run.id }, 'a log query failed');
    });
    return run;
  }

  find(id: string): QueryRun | undefined {
    return this.#runs.get(id);
  }

  /** Newest first. */
  list(): QueryRun[] {
    return [...this.#runs.values()].reverse();
  }

  #compile(request: QueryRequest): InsightsRun {
    try {
      const times = {
        startAt: request.startTime * 1000,
        endAt: request.endTime * 1000 + 999,
        now: this.#deps.clock.now(),
      };
      return startRun(parseQuery(request.text), times, request.limit ?? DEFAULT_LIMIT);
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      throw new ApiError('MalformedQueryException', error.message, {
        members: {
          queryCompileError: {
            location: { startCharOffset: error.start, endCharOffset: error.end },
            message: error.message,
          },
        },
      });
    }
  }

  /** Events of all groups, newest first, until the query has enough. */
  async #execute(run: QueryRun, work: InsightsRun, request: QueryRequest): Promise<void> {
    const deadline = performance.now() + TIMEOUT_MS;
    const cursors = request.groups.map((group) => new GroupCursor(this.#deps, group, request));
    for (;;) {
      for (const cursor of cursors) await cursor.fill();
      if (run.status !== 'Running') return;
      if (performance.now() > deadline) {
        run.status = 'Timeout';
        return;
      }
      const wantsMore = drain(cursors, (line, place) => {
        run.scanned++;
        run.bytes += line.text.length;
        return work.push(new LogRecord(line, place));
      });
      run.matched = work.matched;
      if (!wantsMore || cursors.every((cursor) => cursor.ended)) break;
    }
    run.rows = work.finish();
    run.status = 'Complete';
  }
}

/** Takes the newest line each time, until a cursor needs more from the store; false when `take` wants no more. */
function drain(
  cursors: readonly GroupCursor[],
  take: (line: StoredLine, place: RecordPlace) => boolean,
): boolean {
  for (;;) {
    let newest: GroupCursor | undefined;
    for (const cursor of cursors) {
      if (cursor.empty && !cursor.ended) return true;
      if (!cursor.empty && (!newest || cursor.at > newest.at)) newest = cursor;
    }
    if (!newest) return true;
    if (!take(newest.next(), newest.place)) return false;
  }
}

/** The lines of one group from the newest on, some at a time. */
class GroupCursor {
  readonly place: RecordPlace;
  readonly #deps: LogsDeps;
  readonly #group: string;
  readonly #request: QueryRequest;
  #lines: StoredLine[] = [];
  #index = 0;
  #after: LineQuery['after'];
  #exhausted = false;
  #size = FIRST_READ_LINES;

  constructor(deps: LogsDeps, group: string, request: QueryRequest) {
    this.#deps = deps;
    this.#group = group;
    this.#request = request;
    this.place = placeOf(deps, group);
  }

  get empty(): boolean {
    return this.#index >= this.#lines.length;
  }
  get ended(): boolean {
    return this.empty && this.#exhausted;
  }
  /** Of the line that comes next. */
  get at(): number {
    return (this.#lines[this.#index] as StoredLine).at;
  }

  next(): StoredLine {
    return this.#lines[this.#index++] as StoredLine;
  }

  async fill(): Promise<void> {
    if (!this.empty || this.#exhausted) return;
    this.#lines = await this.#deps.store.readLines({
      group: this.#group,
      from: this.#request.startTime * 1000,
      to: this.#request.endTime * 1000 + 1000,
      order: 'descending',
      after: this.#after,
      limit: this.#size,
    });
    this.#index = 0;
    this.#after = this.#lines.at(-1) ?? this.#after;
    this.#exhausted = this.#lines.length < this.#size;
    this.#size = Math.min(this.#size * 4, MAX_READ_LINES);
  }
}

export function placeOf(deps: LogsDeps, group: string): RecordPlace {
  return {
    log: `${deps.accountId}:${group}`,
    lambda: group.startsWith('/aws/lambda/'),
    mask: maskOf(deps.store, group),
    pointerOf: (line) =>
      Buffer.from(`${group}:${formatPosition({ kind: 'line', ...line })}`).toString('base64url'),
  };
}

/** Group and position that a pointer names. */
export function parsePointer(pointer: string): { group: string; at: number; id: string } | undefined {
  const [group, position] = Buffer.from(pointer, 'base64url').toString().split(':');
  const parsed = position === undefined ? undefined : parsePosition(position);
  return group && parsed?.kind === 'line' ? { group, at: parsed.at, id: parsed.id } : undefined;
}

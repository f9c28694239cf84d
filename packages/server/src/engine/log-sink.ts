/**
 * Function output on its way to the store. Lines of one turn of the event loop become one chunk per stream
 * and request, submitted before whatever the turn commits next: when an event's outcome is durable, so are
 * the lines written before it. Lines that could not be stored are kept (within a bound) and tried again.
 */
import { LOG_GROUPS, type LogGroup } from '../domain/log-groups.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock } from '../platform/clock.ts';
import type { LogSink } from '../runtime/executor.ts';
import type { Effect, Line, Store } from '../store/store.ts';
import type { LogTaps } from './log-taps.ts';

/** Characters kept while the store refuses; beyond that the oldest lines go, and are counted. */
const MAX_KEPT_CHARS = 64 * 1024 * 1024;
const RETRY_MS = 1_000;

interface Chunk {
  readonly kind: 'write';
  readonly group: string;
  readonly stream: string;
  readonly at: number;
  readonly label?: string;
  readonly lines: Line[];
}

export interface LogSinkDeps {
  readonly store: Pick<Store, 'commit' | 'resources'>;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly taps?: LogTaps;
  /** Told when lines could not be stored; `dropped` of them are lost for good. */
  readonly onError?: (error: unknown, dropped: number) => void;
}

export class StoreLogSink implements LogSink {
  readonly #deps: LogSinkDeps;
  #chunks: Chunk[] = [];
  #scheduled = false;
  #retrying = false;
  /** Groups whose creation has been submitted and not answered yet. */
  readonly #creating = new Set<string>();
  readonly #flights = new Set<Promise<void>>();

  constructor(deps: LogSinkDeps) {
    this.#deps = deps;
  }

  write(group: string, stream: string, lines: readonly Line[], requestId?: string): void {
    if (lines.length === 0) return;
    const last = this.#chunks.at(-1);
    if (last && last.stream === stream && last.label === requestId && last.group === group) {
      for (const line of lines) last.lines.push(line);
    } else {
      const at = this.#deps.clock.now();
      this.#chunks.push({ kind: 'write', group, stream, at, label: requestId, lines: [...lines] });
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A microtask, not a timer: it runs before the continuation of whoever awaits this run's outcome.
    queueMicrotask(() => this.#submit());
  }

  /** Resolves when everything written so far is durable or was given up. */
  async flush(): Promise<void> {
    this.#submit();
    while (this.#flights.size > 0) await Promise.all(this.#flights);
  }

  #submit(): void {
    this.#scheduled = false;
    if (this.#chunks.length === 0 || this.#retrying) return;
    const chunks = this.#chunks;
    this.#chunks = [];
    const flight = this.#deps.activity
      .track(this.#commit(chunks))
      .finally(() => this.#flights.delete(flight));
    this.#flights.add(flight);
  }

  async #commit(chunks: readonly Chunk[]): Promise<void> {
    const { groups, unit } = this.#plan(chunks);
    try {
      const result = await this.#deps.store.commit(unit);
      // A group of ours was created by someone else in the same turn: it is there now.
      if (result.kind === 'conflict') await this.#deps.store.commit(unit.slice(groups.length));
      if (this.#deps.taps) for (const chunk of chunks) this.#deps.taps.announce(chunk);
    } catch (error) {
      this.#keep(chunks, error);
    } finally {
      for (const group of groups) this.#creating.delete(group);
    }
  }

  /** The chunks, and before them the groups that do not exist yet. */
  #plan(chunks: readonly Chunk[]): { groups: string[]; unit: Effect[] } {
    const groups: string[] = [];
    for (const { group } of chunks) {
      if (this.#creating.has(group) || this.#deps.store.resources.get(LOG_GROUPS, group)) continue;
      this.#creating.add(group);
      groups.push(group);
    }
    const value: LogGroup = { createdAt: this.#deps.clock.now(), class: 'STANDARD' };
    const puts = groups.map(
      (key): Effect => ({ kind: 'put', collection: LOG_GROUPS, key, value, ifVersion: 0 }),
    );
    const { taps } = this.#deps;
    const drawn = taps ? chunks.flatMap((chunk) => taps.plan(chunk)) : [];
    return { groups, unit: [...puts, ...chunks, ...drawn] };
  }

  /** Puts chunks back in front of what came since, and tries again in a while. */
  #keep(chunks: readonly Chunk[], error: unknown): void {
    this.#chunks = [...chunks, ...this.#chunks];
    let chars = 0;
    let from = this.#chunks.length;
    while (from > 0 && chars <= MAX_KEPT_CHARS) {
      from--;
      for (const line of (this.#chunks[from] as Chunk).lines) chars += line.text.length;
    }
    const gone = chars > MAX_KEPT_CHARS ? this.#chunks.splice(0, from + 1) : [];
    this.#deps.onError?.(
      error,
      gone.reduce((sum, chunk) => sum + chunk.lines.length, 0),
    );
    if (this.#retrying) return;
    this.#retrying = true;
    this.#deps.clock.schedule(this.#deps.clock.now() + RETRY_MS, () => {
      this.#retrying = false;
      this.#submit();
    });
  }
}

/**
 * What goes on, as server-sent events: `changed` tells views what to read again, `entry` is one line of a timeline
 * as it happens. Nothing is watched while nobody listens; what is watched is looked at in real time.
 */
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { streamSSE } from 'hono/streaming';
import { summarizeEvent } from '../domain/event-view.ts';
import { pause } from '../platform/pause.ts';
import { LEDGER_PREFIX } from '../store/store.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';

const LOOK_MS = 1_000;
const TAIL_LOOK_MS = 250;
/** Proxies and browsers give silent connections up. */
const HEARTBEAT_MS = 15_000;
/** Pending events whose timelines are followed. */
const MAX_FOLLOWED = 500;
const TAIL_PAGE = 500;

const TailQuery = z.object({ function: z.string().optional(), errors: z.enum(['true', 'false']).optional() });

export function addLiveRoutes(app: OpenAPIHono, deps: ControlDeps): void {
  const { store } = deps;

  app.get('/live', (c) =>
    streamSSE(c, async (stream) => {
      const changed = new Set<string>();
      const stops = [
        store.resources.onChange((collection) => changed.add(collection)),
        store.onQueueChange((changes) => {
          for (const { queue } of changes) changed.add(queue.startsWith('fn:') ? 'events' : 'queues');
        }),
      ];
      let closed = false;
      stream.onAbort(() => {
        closed = true;
      });
      let ledger = '';
      let silentMs = 0;
      try {
        await stream.writeSSE({ event: 'hello', data: '{}' });
        while (!closed) {
          const now = JSON.stringify(await store.readCounters(LEDGER_PREFIX));
          if (ledger !== '' && now !== ledger) {
            changed.add('events');
            // What ends may go into a queue and what is redriven leaves one.
            changed.add('queues');
          }
          ledger = now;
          if (changed.size > 0) {
            await stream.writeSSE({ event: 'changed', data: JSON.stringify([...changed]) });
            changed.clear();
            silentMs = 0;
          } else if (silentMs >= HEARTBEAT_MS) {
            await stream.writeSSE({ event: 'alive', data: '{}' });
            silentMs = 0;
          }
          await pause(LOOK_MS);
          silentMs += LOOK_MS;
        }
      } finally {
        for (const stop of stops) stop();
      }
    }),
  );

  app.get('/events/tail', (c) => {
    const query = TailQuery.safeParse(c.req.query());
    if (!query.success) throw controlError('InvalidRequest', 'expected ?function=NAME&errors=true');
    return streamSSE(c, async (stream) => {
      let closed = false;
      stream.onAbort(() => {
        closed = true;
      });
      await stream.writeSSE({ event: 'hello', data: '{}' });
      const follower = new Follower(deps, query.data.function);
      await follower.begin();
      let silentMs = 0;
      while (!closed) {
        for (const line of await follower.look()) {
          const wanted =
            query.data.errors !== 'true' ||
            line.kind !== 'attempt' ||
            (line.data as { outcome?: string } | undefined)?.outcome !== 'succeeded';
          if (wanted) await stream.writeSSE({ event: 'entry', data: JSON.stringify(line) });
          silentMs = 0;
        }
        if (silentMs >= HEARTBEAT_MS) {
          await stream.writeSSE({ event: 'alive', data: '{}' });
          silentMs = 0;
        }
        await pause(TAIL_LOOK_MS);
        silentMs += TAIL_LOOK_MS;
      }
    });
  });
}

interface TailLine {
  readonly requestId: string;
  readonly functionName: string;
  readonly at: number;
  readonly kind: string;
  readonly data?: unknown;
}

/** New events and the timelines of those that are pending. */
class Follower {
  readonly #deps: ControlDeps;
  readonly #function: string | undefined;
  #newest = '';
  #newestAt = 0;
  /** Lines shown so far, by request id. */
  readonly #shown = new Map<string, number>();

  constructor(deps: ControlDeps, functionName: string | undefined) {
    this.#deps = deps;
    this.#function = functionName;
  }

  /** What is there already is not shown, but what is pending is followed. */
  async begin(): Promise<void> {
    const { store } = this.#deps;
    const [last] = await store.listSubjects({ limit: 1 });
    this.#newest = last?.subject ?? '';
    this.#newestAt = last?.acceptedAt ?? 0;
    const pending = await store.listSubjects({
      topic: this.#function,
      status: 'Pending',
      limit: MAX_FOLLOWED,
    });
    for (const { subject } of pending) {
      this.#shown.set(subject, (await store.readSubject(subject))?.entries.length ?? 0);
    }
  }

  async look(): Promise<TailLine[]> {
    const { store } = this.#deps;
    const lines: TailLine[] = [];
    const recent = await store.listSubjects({
      topic: this.#function,
      from: this.#newestAt,
      limit: TAIL_PAGE,
    });
    for (const subject of recent.reverse()) {
      if (subject.subject <= this.#newest) continue;
      this.#newest = subject.subject;
      this.#newestAt = subject.acceptedAt;
      const { requestId, functionName, source, acceptedAt: at } = summarizeEvent(subject);
      lines.push({ requestId, functionName, at, kind: 'accepted', data: { source } });
      if (this.#shown.size >= MAX_FOLLOWED) this.#shown.delete(this.#shown.keys().next().value as string);
      this.#shown.set(subject.subject, 0);
    }
    for (const [requestId, shown] of this.#shown) {
      const found = await store.readSubject(requestId);
      if (found?.subject.status !== 'Pending') this.#shown.delete(requestId);
      else this.#shown.set(requestId, found.entries.length);
      for (const { at, kind, data } of found?.entries.slice(shown) ?? []) {
        lines.push({ requestId, functionName: found?.subject.topic ?? '', at, kind, data });
      }
    }
    return lines;
  }
}

/**
 * Which delivery goes out when: a lane for each endpoint, so that a slow one holds up no other, with a bound for each
 * and one for all. A lane sleeps until its next delivery is due.
 */
import { DELIVERY_PREFIX } from '../domain/sns-topic.ts';
import type { Activity } from '../platform/activity.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Message, Store } from '../store/store.ts';

export interface DeliveryLanesDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly log: Log;
  /** Names this process as the holder of deliveries: they go out again at once when it has died. */
  readonly holder: string;
  /** Most that an endpoint wants in a second; `undefined`: as fast as it answers. */
  readonly rateOf: (queue: string) => number | undefined;
  /** Sends one delivery and settles it. */
  readonly deliver: (queue: string, message: Message) => Promise<void>;
}

/** What is under way to one endpoint. */
interface Lane {
  readonly queue: string;
  /** Sendings under way, and room taken for those being fetched. */
  taken: number;
  fetching: boolean;
  /** Something may be waiting that was not fetched. */
  more: boolean;
  /** With a limit of receives per second: the earliest instant of the next sending. */
  notBefore: number;
  timer?: { readonly at: number; readonly handle: Timer };
}

/** Sendings at once: to one endpoint, and in all. */
const LANE_WIDTH = 10;
const MAX_RUNNING = 200;
/** Longer than any sending takes: HTTP endpoints have 15 seconds. */
const HOLD_MS = 60_000;
/** Pause after the store refused. */
const RETRY_MS = 1_000;

export class DeliveryLanes {
  readonly #deps: DeliveryLanesDeps;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes that found no room, first come first served. */
  readonly #waiting = new Set<Lane>();
  #taken = 0;
  #unsubscribe: (() => void) | undefined;
  #stopped = false;
  #whenEmpty: (() => void) | undefined;

  constructor(deps: DeliveryLanesDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    const { store } = this.#deps;
    this.#unsubscribe = store.onQueueChange((changes) => {
      for (const { queue, dueAt } of changes) {
        if (queue.startsWith(DELIVERY_PREFIX)) this.#expect(this.#laneOf(queue), dueAt);
      }
    });
    for (const { queue, dueAt } of await store.readNextDue(DELIVERY_PREFIX)) {
      this.#expect(this.#laneOf(queue), dueAt);
    }
  }

  /** Begins nothing new; resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe?.();
    for (const lane of this.#lanes.values()) lane.timer?.handle.cancel();
    if (this.#taken === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
  }

  #laneOf(queue: string): Lane {
    let lane = this.#lanes.get(queue);
    if (!lane) {
      lane = { queue, taken: 0, fetching: false, more: false, notBefore: 0 };
      this.#lanes.set(queue, lane);
    }
    return lane;
  }

  #expect(lane: Lane, at: number): void {
    if (this.#stopped) return;
    const now = this.#deps.clock.now();
    const from = Math.max(at, lane.notBefore);
    if (from <= now) {
      void this.#fetch(lane);
      return;
    }
    if (lane.timer && lane.timer.at <= from) return;
    lane.timer?.handle.cancel();
    const handle = this.#deps.clock.schedule(from, () => {
      lane.timer = undefined;
      void this.#fetch(lane);
    });
    lane.timer = { at: from, handle };
  }

  async #fetch(lane: Lane): Promise<void> {
    if (this.#stopped) return;
    lane.more = true;
    if (lane.fetching || lane.taken === LANE_WIDTH) return;
    if (this.#taken === MAX_RUNNING) {
      this.#waiting.add(lane);
      return;
    }
    const { store, clock, activity, log, holder } = this.#deps;
    const { queue } = lane;
    const rate = this.#deps.rateOf(queue);
    const room = Math.min(LANE_WIDTH - lane.taken, MAX_RUNNING - this.#taken, rate ? 1 : LANE_WIDTH);
    const end = activity.begin();
    lane.fetching = true;
    lane.more = false;
    this.#take(lane, room);
    let begun = 0;
    try {
      const now = clock.now();
      const messages = await store.receive({ queue, max: room, now, leaseMs: HOLD_MS, holder });
      if (rate && messages.length > 0) lane.notBefore = now + Math.ceil(1000 / rate);
      if (messages.length === room) lane.more = true;
      // What came while the server stops stays held for the next process.
      if (this.#stopped) return;
      for (const message of messages) this.#run(lane, message);
      begun = messages.length;
    } catch (error) {
      log.error({ err: error, queue }, 'fetching deliveries failed; it will be tried again');
      this.#expect(lane, clock.now() + RETRY_MS);
    } finally {
      lane.fetching = false;
      this.#take(lane, begun - room);
      this.#goOn(lane);
      end();
    }
  }

  #take(lane: Lane, count: number): void {
    lane.taken += count;
    this.#taken += count;
    if (this.#taken === 0) this.#whenEmpty?.();
  }

  /** Room became free, or a fetch ended: the lane that waited longest, then this one. */
  #goOn(lane: Lane): void {
    const now = this.#deps.clock.now();
    for (const first of this.#waiting) {
      if (this.#taken === MAX_RUNNING) break;
      this.#waiting.delete(first);
      this.#expect(first, now);
    }
    if (lane.more) this.#expect(lane, now);
    else if (lane.taken === 0 && !lane.fetching) this.#rest(lane);
  }

  /** Nothing is under way: the lane sleeps until its next delivery is due, or ends. */
  #rest(lane: Lane): void {
    if (this.#stopped) return;
    const { store, clock, activity, log } = this.#deps;
    const { timer } = lane;
    const end = activity.begin();
    store
      .readNextDue(lane.queue)
      .then((found) => {
        const next = found.find(({ queue }) => queue === lane.queue);
        // What was expected, not what was announced in the meantime.
        if (timer && lane.timer === timer) {
          timer.handle.cancel();
          lane.timer = undefined;
        }
        if (next) this.#expect(lane, next.dueAt);
        else if (lane.taken === 0 && !lane.fetching && !lane.timer) this.#lanes.delete(lane.queue);
      })
      .catch((error: unknown) => {
        log.error({ err: error, queue: lane.queue }, 'looking for deliveries failed; it will be tried again');
        this.#expect(lane, clock.now() + RETRY_MS);
      })
      .finally(end);
  }

  #run(lane: Lane, message: Message): void {
    const { activity, log } = this.#deps;
    const { queue } = lane;
    const end = activity.begin();
    this.#deps
      .deliver(queue, message)
      .catch((error: unknown) => {
        // The hold runs out and the delivery is repeated.
        log.error({ err: error, queue, messageId: message.id }, 'a delivery could not be settled');
      })
      .finally(() => {
        this.#take(lane, -1);
        this.#goOn(lane);
        end();
      });
  }
}

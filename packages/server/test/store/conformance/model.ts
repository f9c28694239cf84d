/** What a store does, said as simply as possible: arrays and maps, no durability, no care for speed. */
import type { Conflict, Effect, Receipt, Unit } from '../../../src/store/store.ts';

interface ModelMessage {
  readonly id: string;
  readonly queue: string;
  readonly order: number;
  dueAt: number;
  readonly sentAt: number;
  readonly group: string | undefined;
  readonly subject: string | undefined;
  lease: number;
  receiveCount: number;
  held: boolean;
  holder: string | undefined;
  state: unknown;
}

interface ModelSubject {
  status: string;
  entries: string[];
}

type ModelSent = [id: string, duplicate: boolean];
export type ModelResult = Conflict | { kind: 'committed'; sent: ModelSent[]; versions: number[] };

export class Model {
  messages: ModelMessage[] = [];
  subjects = new Map<string, ModelSubject>();
  counters = new Map<string, number>();
  resources = new Map<string, { version: number; value: unknown }>();
  dedup: { queue: string; key: string; until: number; id: string }[] = [];
  /** No resource begins at or below it. */
  floor = 0;
  #order = 0;

  /** Applies to a copy, so that a conflict leaves no trace. */
  commit(unit: Unit): ModelResult {
    const draft = this.#copy();
    const sent: ModelSent[] = [];
    const versions: number[] = [];
    for (const [index, effect] of unit.entries()) {
      const reason = draft.#apply(effect, sent, versions);
      if (reason) return { kind: 'conflict', reason, effect: index };
    }
    Object.assign(this, { ...draft });
    this.#order = draft.#order;
    return { kind: 'committed', sent, versions };
  }

  receive(
    queue: string,
    max: number,
    now: number,
    leaseMs: number,
    holder: string | undefined,
  ): ModelMessage[] {
    const received: ModelMessage[] = [];
    const heads = this.#inQueue(queue)
      .filter((message) => this.#membersOf(message)[0] === message && message.dueAt <= now)
      .sort((a, b) => a.dueAt - b.dueAt || a.order - b.order);
    for (const head of heads) {
      for (const message of this.#membersOf(head)) {
        if (message.dueAt > now || received.length === max) break;
        received.push(message);
      }
    }
    for (const message of received) {
      message.dueAt = now + leaseMs;
      message.lease++;
      message.receiveCount++;
      message.held = true;
      message.holder = holder;
    }
    return received;
  }

  releaseHolders(alive: readonly string[], now: number): number {
    const gone = this.messages.filter((m) => m.held && m.holder !== undefined && !alive.includes(m.holder));
    for (const message of gone) {
      message.dueAt = Math.min(message.dueAt, now);
      message.held = false;
      message.holder = undefined;
    }
    return gone.length;
  }

  depth(
    queue: string,
    now: number,
  ): { visible: number; inFlight: number; delayed: number; oldestSentAt: number | undefined } {
    const all = this.#inQueue(queue);
    const hidden = all.filter((message) => message.dueAt > now);
    const inFlight = hidden.filter((message) => message.held).length;
    return {
      visible: all.length - hidden.length,
      inFlight,
      delayed: hidden.length - inFlight,
      oldestSentAt: all.length > 0 ? Math.min(...all.map((message) => message.sentAt)) : undefined,
    };
  }

  nextDue(queue: string): number | undefined {
    const heads = this.#inQueue(queue).filter((message) => this.#membersOf(message)[0] === message);
    return heads.length > 0 ? Math.min(...heads.map((message) => message.dueAt)) : undefined;
  }

  browse(queue: string): string[] {
    return this.#inQueue(queue)
      .sort((a, b) => a.sentAt - b.sentAt || a.order - b.order)
      .map((message) => message.id);
  }

  #copy(): Model {
    const copy = new Model();
    copy.messages = this.messages.map((message) => ({ ...message }));
    copy.subjects = new Map([...this.subjects].map(([id, s]) => [id, { ...s, entries: [...s.entries] }]));
    copy.counters = new Map(this.counters);
    copy.resources = new Map(this.resources);
    copy.dedup = [...this.dedup];
    copy.floor = this.floor;
    copy.#order = this.#order;
    return copy;
  }

  #inQueue(queue: string): ModelMessage[] {
    return this.messages.filter((message) => message.queue === queue).sort((a, b) => a.order - b.order);
  }

  #membersOf(message: ModelMessage): ModelMessage[] {
    if (message.group === undefined) return [message];
    return this.#inQueue(message.queue).filter((other) => other.group === message.group);
  }

  #find(receipt: Receipt, heldAt: number | undefined): ModelMessage | Conflict['reason'] {
    const message = this.messages.find((one) => one.id === receipt.id && one.queue === receipt.queue);
    if (!message) return 'UnknownMessage';
    if (message.lease !== receipt.lease) return 'StaleReceipt';
    if (heldAt !== undefined && !(message.held && message.dueAt > heldAt)) return 'StaleReceipt';
    return message;
  }

  #apply(effect: Effect, sent: ModelSent[], versions: number[]): Conflict['reason'] | undefined {
    switch (effect.kind) {
      case 'send': {
        const { queue, message, lease, dedup } = effect;
        if (message.subject !== undefined && !this.subjects.has(message.subject)) return 'UnknownSubject';
        if (dedup) {
          const first = this.dedup.find(
            (one) => one.queue === queue && one.key === dedup.key && one.until > message.sentAt,
          );
          if (first) {
            sent.push([first.id, true]);
            return undefined;
          }
          this.dedup = this.dedup.filter((one) => one.queue !== queue || one.key !== dedup.key);
          this.dedup.push({ queue, key: dedup.key, until: dedup.until, id: message.id });
        }
        this.messages.push({
          id: message.id,
          queue,
          order: this.#order++,
          dueAt: message.dueAt + (lease?.leaseMs ?? 0),
          sentAt: message.sentAt,
          group: message.group,
          subject: message.subject,
          lease: lease ? 1 : 0,
          receiveCount: (message.receiveCount ?? 0) + (lease ? 1 : 0),
          held: lease !== undefined,
          holder: lease?.holder,
          state: message.state ?? {},
        });
        sent.push([message.id, false]);
        return undefined;
      }
      case 'ack': {
        const message = this.#find(effect.receipt, effect.heldAt);
        if (typeof message === 'string') return message;
        this.messages = this.messages.filter((other) => other !== message);
        return undefined;
      }
      case 'reschedule': {
        const message = this.#find(effect.receipt, effect.heldAt);
        if (typeof message === 'string') return message;
        message.dueAt = effect.dueAt;
        if (effect.release) {
          message.held = false;
          message.holder = undefined;
        }
        if (effect.state) message.state = effect.state;
        return undefined;
      }
      case 'open':
        if (this.subjects.has(effect.subject)) return 'DuplicateSubject';
        this.subjects.set(effect.subject, { status: 'Pending', entries: [] });
        return undefined;
      case 'append': {
        const subject = this.subjects.get(effect.subject);
        if (!subject) return 'UnknownSubject';
        if (effect.settle && subject.status !== 'Pending') return 'AlreadySettled';
        subject.entries.push(...effect.entries.map((entry) => entry.kind));
        if (effect.settle) subject.status = effect.settle.status;
        return undefined;
      }
      case 'count':
        this.counters.set(effect.counter, (this.counters.get(effect.counter) ?? 0) + effect.by);
        return undefined;
      case 'put': {
        const version = this.resources.get(effect.key)?.version ?? 0;
        if (effect.ifVersion !== undefined && effect.ifVersion !== version) return 'VersionMismatch';
        versions.push((version || this.floor) + 1);
        this.resources.set(effect.key, { version: versions.at(-1) as number, value: effect.value });
        return undefined;
      }
      case 'remove': {
        const version = this.resources.get(effect.key)?.version ?? 0;
        if (effect.ifVersion !== undefined && effect.ifVersion !== version) return 'VersionMismatch';
        this.resources.delete(effect.key);
        this.floor = Math.max(this.floor, version);
        return undefined;
      }
      case 'clear':
        this.messages = this.messages.filter(
          (one) =>
            one.queue !== effect.queue ||
            (effect.sentBefore !== undefined && one.sentAt >= effect.sentBefore),
        );
        if (effect.sentBefore === undefined)
          this.dedup = this.dedup.filter((one) => one.queue !== effect.queue);
        return undefined;
      case 'write':
      case 'erase':
        throw new Error('Lines have a model of their own.');
    }
  }
}

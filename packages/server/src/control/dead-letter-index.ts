/**
 * What lies in a dead-letter queue, by failure. A scan reads the queue without receiving and keeps only the counts;
 * scans of one queue that are asked for at the same time are one scan.
 */
import { type DeadLetterState, fingerprintIdOf, readDeadLetter } from '../domain/dead-letter.ts';
import { formatRef } from '../domain/dead-letter-job.ts';
import type { SqsMessageAttributes } from '../domain/sqs-message.ts';
import { queueMessagesName } from '../domain/sqs-queue.ts';
import type { Message } from '../store/store.ts';
import type { ControlDeps } from './deps.ts';

export interface DeadLetterGroup {
  readonly fingerprint: string;
  readonly type: string;
  readonly message: string;
  readonly frames: readonly string[];
  count: number;
  /** Epoch ms. */
  firstSeenAt: number;
  lastSeenAt: number;
  /** How often by kind of dead letter, by function version, by where they came from. */
  readonly kinds: Record<string, number>;
  readonly versions: Record<string, number>;
  readonly sources: Record<string, number>;
  readonly conditions: Record<string, number>;
  /** Ref of the newest. */
  sample: string;
}

export interface DeadLetterGroups {
  readonly total: number;
  /** Largest first. */
  readonly groups: readonly DeadLetterGroup[];
  readonly scannedAt: number;
}

const PAGE = 1_000;
/** Values counted by name in one group; further ones are counted together. */
const MAX_VALUES = 20;
/** A scan of a large queue is answered again for so many times as long as it took. */
const REUSE_FACTOR = 3;

export class DeadLetterIndex {
  readonly #deps: ControlDeps;
  readonly #scans = new Map<string, Promise<DeadLetterGroups>>();

  constructor(deps: ControlDeps) {
    this.#deps = deps;
  }

  groups(queue: string): Promise<DeadLetterGroups> {
    let scan = this.#scans.get(queue);
    if (!scan) {
      const began = performance.now();
      scan = this.#scan(queue);
      this.#scans.set(queue, scan);
      const forget = () => {
        const reuseMs = (performance.now() - began) * REUSE_FACTOR;
        // Real time: it spares the machine, whatever the server's clock says.
        setTimeout(() => this.#scans.delete(queue), reuseMs).unref();
      };
      scan.then(forget, () => this.#scans.delete(queue));
    }
    return scan;
  }

  async #scan(queue: string): Promise<DeadLetterGroups> {
    const groups = new Map<string, DeadLetterGroup>();
    const scannedAt = this.#deps.clock.now();
    let total = 0;
    let after: { sentAt: number; seq: number } | undefined;
    const read = (from: typeof after) => this.#read(queue, from);
    let next: Promise<Message[]> | undefined = read(undefined);
    while (next) {
      const page: Message[] = await next;
      const last = page.at(-1);
      after = last && { sentAt: last.sentAt, seq: last.receipt.seq };
      // The next page is read while this one is counted.
      next = page.length === PAGE ? read(after) : undefined;
      total += page.length;
      for (const message of page) count(groups, message);
    }
    return { total, scannedAt, groups: [...groups.values()].sort((a, b) => b.count - a.count) };
  }

  /** Bodies only where a message does not carry its failure beside it. */
  async #read(queue: string, after: { sentAt: number; seq: number } | undefined): Promise<Message[]> {
    const options = { limit: PAGE, after };
    const page = await this.#deps.store.browse(queueMessagesName(queue), { ...options, bodies: false });
    const known = page.every(
      ({ state, attributes }) => state.failure !== undefined || attributes.deadLetterSourceArn !== undefined,
    );
    if (known) return page;
    return this.#deps.store.browse(queueMessagesName(queue), options);
  }
}

function count(groups: Map<string, DeadLetterGroup>, message: Message): void {
  const { failure } = message.state as DeadLetterState;
  const at = Number(message.attributes.deadLetteredAt ?? message.sentAt);
  // Where the failure stands beside the message, its body need not be read again for every one of them.
  const known = failure && groups.get(failure.fingerprint);
  if (known && failure && message.attributes.deadLetterSourceArn === undefined) {
    add(known, message, at);
    bump(known.sources, failure.functionName);
    bump(known.versions, failure.version);
    bump(known.conditions, failure.condition);
    const { messageAttributes } = message.attributes as SqsMessageAttributes;
    bump(known.kinds, messageAttributes?.RequestID ? 'function' : 'record');
    return;
  }
  const letter = readDeadLetter(message);
  const id = fingerprintIdOf(message);
  let group = groups.get(id);
  if (!group) {
    const { type, message: text, frames } = letter.fingerprint;
    group = {
      fingerprint: id,
      type,
      message: text,
      frames,
      count: 0,
      firstSeenAt: at,
      lastSeenAt: at,
      kinds: {},
      versions: {},
      sources: {},
      conditions: {},
      sample: formatRef(message),
    };
    groups.set(id, group);
  }
  add(group, message, at);
  bump(group.kinds, letter.kind);
  bump(group.versions, letter.version);
  bump(group.conditions, letter.condition);
  const { origin } = letter;
  bump(
    group.sources,
    origin && (origin.kind === 'function' ? origin.functionName : origin.arn.split(':').at(-1)),
  );
}

function add(group: DeadLetterGroup, message: Message, at: number): void {
  group.count++;
  if (at < group.firstSeenAt) group.firstSeenAt = at;
  if (at >= group.lastSeenAt) {
    group.lastSeenAt = at;
    group.sample = formatRef(message);
  }
}

function bump(counts: Record<string, number>, name: string | undefined): void {
  if (name === undefined) return;
  const key = counts[name] !== undefined || Object.keys(counts).length < MAX_VALUES ? name : 'others';
  counts[key] = (counts[key] ?? 0) + 1;
}

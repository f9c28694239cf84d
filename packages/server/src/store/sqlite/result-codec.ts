/** How results and messages come back from the database threads: flat, as work goes there. */
import type { Work, WorkResult } from '../group-commit.ts';
import type { Conflict, JsonObject, Message, Sent, Unit } from '../store.ts';
import { InvalidUnit, StoreUnavailable } from '../store.ts';
import { type Cell, MESSAGE_CELLS, type MessageCells, type StoredResult } from './stored.ts';

const COMMITTED = 0;
const CONFLICT = 1;
const RECEIVED = 2;
const INVALID = 3;
const UNAVAILABLE = 4;

export function encodeResults(out: Cell[], results: readonly StoredResult[]): void {
  for (const result of results) {
    switch (result.kind) {
      case 'committed':
        out.push(COMMITTED, result.sent.length);
        for (const { seq, duplicateOf } of result.sent) out.push(seq, duplicateOf);
        out.push(result.versions.length, ...result.versions);
        break;
      case 'conflict':
        out.push(CONFLICT, result.reason, result.effect);
        break;
      case 'received':
        out.push(RECEIVED, result.messages.length);
        for (const message of result.messages) out.push(...message);
        break;
      case 'invalid':
        out.push(INVALID, result.message);
        break;
      case 'unavailable':
        out.push(UNAVAILABLE, result.message);
        break;
    }
  }
}

/** Reads the results of `batch` from the cells, beginning at `start`. Returns where the next ones begin. */
export function decodeResults(
  cells: readonly Cell[],
  start: number,
  batch: readonly Work[],
): { results: WorkResult[]; next: number } {
  const results: WorkResult[] = [];
  let at = start;
  for (const work of batch) {
    const code = cells[at++];
    switch (code) {
      case COMMITTED: {
        const sentEnd = at + 1 + 2 * (cells[at] as number);
        const seqs = cells.slice(at + 1, sentEnd);
        at = sentEnd + 1 + (cells[sentEnd] as number);
        const versions = cells.slice(sentEnd + 1, at) as number[];
        const sent = seqs.length === 0 ? [] : receipts((work as { unit: Unit }).unit, seqs);
        results.push({ kind: 'committed', sent, versions });
        break;
      }
      case CONFLICT:
        results.push({
          kind: 'conflict',
          reason: cells[at] as Conflict['reason'],
          effect: cells[at + 1] as number,
        });
        at += 2;
        break;
      case RECEIVED: {
        const messages: Message[] = [];
        const end = at + 1 + MESSAGE_CELLS * (cells[at] as number);
        const { queue } = (work as { request: { queue: string } }).request;
        for (at++; at < end; at += MESSAGE_CELLS) messages.push(toMessage(queue, cells, at));
        results.push(messages);
        break;
      }
      case UNAVAILABLE:
        results.push(new StoreUnavailable(cells[at++] as string));
        break;
      default:
        results.push(new InvalidUnit(cells[at++] as string));
    }
  }
  return { results, next: at };
}

function receipts(unit: Unit, seqs: readonly Cell[]): Sent[] {
  const sent: Sent[] = [];
  let at = 0;
  for (const effect of unit) {
    if (effect.kind !== 'send') continue;
    const seq = seqs[at] as number;
    const duplicateOf = seqs[at + 1] as string | null;
    at += 2;
    sent.push({
      receipt: {
        queue: effect.queue,
        seq,
        id: duplicateOf ?? effect.message.id,
        lease: effect.lease && duplicateOf === null ? 1 : 0,
      },
      duplicate: duplicateOf !== null,
    });
  }
  return sent;
}

const NOTHING: JsonObject = Object.freeze({});

export function toMessage(queue: string, cells: readonly Cell[], at = 0): Message {
  const [
    seq,
    id,
    lease,
    body,
    subject,
    attributes,
    state,
    group,
    sentAt,
    dueAt,
    receiveCount,
    firstReceivedAt,
  ] = at === 0 ? (cells as MessageCells) : (cells.slice(at, at + MESSAGE_CELLS) as MessageCells);
  return {
    receipt: { queue, seq, id, lease },
    id,
    queue,
    body,
    subject: subject ?? undefined,
    attributes: attributes === null ? NOTHING : JSON.parse(attributes),
    state: state === null ? NOTHING : JSON.parse(state),
    group: group ?? undefined,
    sentAt,
    dueAt,
    receiveCount,
    firstReceivedAt: firstReceivedAt ?? undefined,
  };
}

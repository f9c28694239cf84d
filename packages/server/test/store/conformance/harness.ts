/** A store in a folder of its own, and shorthands for the effects that tests need most. */
import assert from 'node:assert/strict';
import type {
  Ack,
  Append,
  Committed,
  Message,
  NewMessage,
  Open,
  Receipt,
  Send,
  Store,
  Unit,
} from '../../../src/store/store.ts';
import { atEnd, type Cleanup } from '../../support/cleanup.ts';
import { tempFolder } from '../../support/temp-folder.ts';

export type OpenStore = (folder: string) => Promise<Store>;

export interface StoreUnderTest {
  /** The store as it is now open. */
  readonly store: Store;
  /** Closes it and opens it again on the same folder. */
  reopen(): Promise<Store>;
}

export async function openIn(t: Cleanup, open: OpenStore): Promise<StoreUnderTest> {
  const folder = await tempFolder(t);
  let store = await open(folder);
  atEnd(t, () => store.close());
  return {
    get store() {
      return store;
    },
    async reopen() {
      await store.close();
      store = await open(folder);
      return store;
    },
  };
}

/** The store as it is, then opened again: what is said of the one holds for the other. */
export async function* beforeAndAfterReopening(under: StoreUnderTest): AsyncGenerator<Store> {
  yield under.store;
  yield await under.reopen();
}

export async function commit(store: Store, ...unit: Unit): Promise<Committed> {
  const result = await store.commit(unit);
  assert.equal(result.kind, 'committed', JSON.stringify(result));
  return result as Committed;
}

/** Asserts that the unit meets the conflict. */
export async function refuse(store: Store, reason: string, effect: number, ...unit: Unit): Promise<void> {
  assert.deepEqual(await store.commit(unit), { kind: 'conflict', reason, effect });
}

export function send(id: string, options: Partial<NewMessage> & { queue?: string } = {}): Send {
  const { queue = 'q', ...message } = options;
  const body = message.subject === undefined ? { body: `body of ${id}` } : {};
  return { kind: 'send', queue, message: { id, dueAt: 0, sentAt: 0, ...body, ...message } };
}

export const ack = (receipt: Receipt): Ack => ({ kind: 'ack', receipt });

export function opening(subject: string, options: Partial<Open> = {}): Open {
  return {
    kind: 'open',
    subject,
    topic: 'topic',
    at: 0,
    payload: `payload of ${subject}`,
    data: {},
    ...options,
  };
}

export function settling(subject: string, status: string, at = 0, reason?: string): Append {
  return { kind: 'append', subject, entries: [{ at, kind: 'fate' }], settle: { status, reason } };
}

export function receive(
  store: Store,
  now: number,
  options: { queue?: string; max?: number; leaseMs?: number; holder?: string } = {},
): Promise<Message[]> {
  return store.receive({ queue: 'q', max: 10, leaseMs: 1000, now, ...options });
}

export const idsOf = (messages: readonly { id: string }[]): string[] => messages.map((message) => message.id);

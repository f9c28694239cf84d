/** Work and its results as the database threads see them: JSON is text, what is absent is null. */
import type { Conflict, Line, Measure, Receipt } from '../store.ts';

/** What crosses. */
export type Cell = string | number | null;

/** A unit's effects as the writer sees them: JSON as text. */
export type StoredEffect =
  | StoredSend
  | { readonly kind: 'ack'; readonly receipt: Receipt; readonly heldAt?: number | undefined }
  | {
      readonly kind: 'reschedule';
      readonly receipt: Receipt;
      readonly dueAt: number;
      readonly state: string | null;
      readonly release: boolean;
      readonly heldAt?: number | undefined;
    }
  | {
      readonly kind: 'open';
      readonly subject: string;
      readonly topic: string;
      readonly at: number;
      readonly payload: string;
      readonly data: string;
    }
  | {
      readonly kind: 'append';
      readonly subject: string;
      /** JSON array; null when there are none. */
      readonly entries: string | null;
      readonly settle?:
        | { readonly status: string; readonly reason: string | null; readonly at: number | null }
        | undefined;
    }
  | { readonly kind: 'count'; readonly counter: string; readonly by: number }
  | {
      readonly kind: 'put';
      readonly collection: string;
      readonly key: string;
      readonly value: string;
      readonly ifVersion?: number | undefined;
    }
  | {
      readonly kind: 'remove';
      readonly collection: string;
      readonly key: string;
      readonly ifVersion?: number | undefined;
    }
  | {
      readonly kind: 'write';
      readonly group: string;
      readonly stream: string;
      readonly at: number;
      readonly label: string | null;
      readonly lines: readonly Line[];
    }
  | { readonly kind: 'clear'; readonly queue: string; readonly sentBefore?: number | undefined }
  | {
      readonly kind: 'erase';
      readonly group: string;
      readonly stream?: string | undefined;
      readonly before?: number | undefined;
    }
  | Measure;

export interface StoredSend {
  readonly kind: 'send';
  readonly queue: string;
  readonly message: {
    readonly id: string;
    readonly dueAt: number;
    readonly sentAt: number;
    readonly body: string | null;
    readonly subject?: string | undefined;
    readonly attributes: string | null;
    readonly state: string | null;
    readonly group: string | null;
    readonly receiveCount: number;
    readonly firstReceivedAt: number | null;
  };
  readonly lease?: { readonly leaseMs: number; readonly holder: string } | undefined;
  readonly dedup?: { readonly key: string; readonly until: number } | undefined;
}

export type StoredWork =
  | { readonly kind: 'commit'; readonly unit: readonly StoredEffect[] }
  | {
      readonly kind: 'receive';
      readonly queue: string;
      readonly max: number;
      readonly now: number;
      readonly leaseMs: number;
      readonly holder: string | null;
    }
  | { readonly kind: 'invalid'; readonly message: string };

/** A message's columns in the order they cross. */
export type MessageCells = [
  seq: number,
  id: string,
  lease: number,
  body: string,
  subject: string | null,
  attributes: string | null,
  state: string | null,
  group: string | null,
  sentAt: number,
  dueAt: number,
  receiveCount: number,
  firstReceivedAt: number | null,
];
/** How many those are. */
export const MESSAGE_CELLS = 12;

/** What the writer did with one piece of work. */
export type StoredResult =
  | { readonly kind: 'committed'; readonly sent: readonly StoredSent[]; readonly versions: readonly number[] }
  | Conflict
  | { readonly kind: 'received'; readonly messages: readonly MessageCells[] }
  | { readonly kind: 'invalid' | 'unavailable'; readonly message: string };
/** `duplicateOf` is the id of the message that was sent first, null when this one was. */
export interface StoredSent {
  readonly seq: number;
  readonly duplicateOf: string | null;
}

/** What the main thread and the database threads say to each other. */

import type { ResourceCells } from './resource-table.ts';
import type { Cell } from './stored.ts';

export type Role = 'writer' | 'reader';
export interface ThreadData {
  readonly role: Role;
  readonly path: string;
}

export type ToThread =
  | { readonly kind: 'batch'; readonly id: number; readonly works: number; readonly cells: Cell[] }
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly method: string;
      readonly args: readonly unknown[];
    };

export type FromThread =
  | { readonly kind: 'opened'; readonly resources: readonly ResourceCells[] }
  | { readonly kind: 'refused'; readonly error: ThreadError }
  /** Results of batches that shared a transaction, in order. */
  | {
      readonly kind: 'done';
      readonly ids: readonly number[];
      readonly cells: readonly Cell[];
      readonly changes: readonly Cell[];
    }
  | { readonly kind: 'failed'; readonly ids: readonly number[]; readonly error: ThreadError }
  | {
      readonly kind: 'returned';
      readonly id: number;
      readonly value: unknown;
      readonly changes: readonly Cell[];
    };

/** An error as it crosses. */
export interface ThreadError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
}

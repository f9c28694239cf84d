/**
 * Numbers for rows, in blocks from a sequence of the database: unique over all nodes and growing on each. The last
 * bit tells whether a message is in a FIFO group, so that a receipt alone says which locks its message needs.
 * Numbers of one group grow with every send, because their blocks are drawn while the group is locked.
 */

import { statement } from './connection.ts';
import { SEQ_BLOCK } from './migrations.ts';
import type { Transaction } from './transaction.ts';

const DRAW = statement("SELECT nextval('seq_blocks') FROM generate_series(1, $1::int)");

/** Two numbers are used up at a time. */
const PER_BLOCK = SEQ_BLOCK / 2;

export const isGrouped = (seq: number): boolean => seq % 2 === 1;

export class SeqNumbers {
  readonly #blocks: number[] = [];
  #taken = 0;

  /** How many blocks must be drawn before `count` numbers can be taken. */
  missing(count: number): number {
    return Math.max(0, Math.ceil((count + this.#taken) / PER_BLOCK) - this.#blocks.length);
  }

  add(blocks: readonly number[]): void {
    this.#blocks.push(...blocks);
  }

  take(): number {
    const block = this.#blocks[0];
    if (block === undefined) throw new Error('no row numbers were drawn');
    const seq = block * SEQ_BLOCK + 2 * this.#taken++;
    if (this.#taken === PER_BLOCK) {
      this.#blocks.shift();
      this.#taken = 0;
    }
    return seq;
  }
}

/** Numbers drawn within a transaction, for messages of groups that it has locked. */
export class GroupedNumbers {
  readonly #blocks: readonly number[];
  #next = 0;

  constructor(blocks: readonly number[]) {
    this.#blocks = blocks;
  }

  take(): number {
    const block = this.#blocks[Math.floor(this.#next / PER_BLOCK)] as number;
    return block * SEQ_BLOCK + 2 * (this.#next++ % PER_BLOCK) + 1;
  }

  static blocksFor(count: number): number {
    return Math.ceil(count / PER_BLOCK);
  }
}

export async function drawBlocks(transaction: Pick<Transaction, 'rows'>, count: number): Promise<number[]> {
  return (await transaction.rows(DRAW, [count])).map(([block]) => block as number);
}

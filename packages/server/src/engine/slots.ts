/**
 * Units of concurrency: a function with reserved concurrency draws on its own, the others share what the
 * account has left. Invariant: no function runs more than its reservation, and the account never more than its limit.
 * Source: "Understanding Lambda function scaling".
 */

export type ThrottleReason =
  | 'ReservedFunctionConcurrentInvocationLimitExceeded'
  | 'ConcurrentInvocationLimitExceeded';

/** The pool of functions without a reservation; no function has this name. */
const UNRESERVED = '';

export class Slots {
  readonly #accountLimit: number;
  readonly #readReservedTotal: () => number;
  readonly #share: (pool: string, total: number) => number;
  readonly #held = new Map<string, number>();
  #heldUnreserved = 0;
  /** Functions that held unreserved slots when they got them: a reservation made later must not unbalance the pool. */
  readonly #unreserved = new Map<string, number>();

  /**
   * @param readReservedTotal sum of all reservations now
   * @param share what this node may use of so many slots of a pool, where several nodes run the functions
   */
  constructor(
    accountLimit: number,
    readReservedTotal: () => number,
    share: (pool: string, total: number) => number = (_, total) => total,
  ) {
    this.#accountLimit = accountLimit;
    this.#readReservedTotal = readReservedTotal;
    this.#share = share;
  }

  /** Whether all slots of a function are with other nodes at present: its events are for them. */
  isElsewhere(functionName: string, reserved: number | undefined): boolean {
    const [pool, total] =
      reserved === undefined ? [UNRESERVED, this.#unreservedTotal()] : [functionName, reserved];
    return total > 0 && this.#share(pool, total) === 0;
  }

  #unreservedTotal(): number {
    return this.#accountLimit - this.#readReservedTotal();
  }

  /** Takes one slot; answers why not when there is none. */
  tryAcquire(functionName: string, reserved: number | undefined): ThrottleReason | undefined {
    const held = this.#held.get(functionName) ?? 0;
    if (reserved !== undefined) {
      if (held >= this.#share(functionName, reserved))
        return 'ReservedFunctionConcurrentInvocationLimitExceeded';
    } else {
      if (this.#heldUnreserved >= this.#share(UNRESERVED, this.#unreservedTotal())) {
        return 'ConcurrentInvocationLimitExceeded';
      }
      this.#heldUnreserved++;
      this.#unreserved.set(functionName, (this.#unreserved.get(functionName) ?? 0) + 1);
    }
    this.#held.set(functionName, held + 1);
    return undefined;
  }

  release(functionName: string): void {
    const held = this.#held.get(functionName) ?? 0;
    if (held <= 1) this.#held.delete(functionName);
    else this.#held.set(functionName, held - 1);
    const unreserved = this.#unreserved.get(functionName) ?? 0;
    if (unreserved > 0) {
      this.#heldUnreserved--;
      if (unreserved === 1) this.#unreserved.delete(functionName);
      else this.#unreserved.set(functionName, unreserved - 1);
    }
  }

  /** Slots in use, of one function or of all. */
  inUse(functionName?: string): number {
    if (functionName !== undefined) return this.#held.get(functionName) ?? 0;
    let total = 0;
    for (const held of this.#held.values()) total += held;
    return total;
  }
}

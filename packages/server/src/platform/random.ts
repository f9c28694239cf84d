/** Chance as a value: decisions take a `Random`, so that a seed repeats a run. */
import { randomBytes } from 'node:crypto';

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `count` bytes. */
  bytes(count: number): Buffer;
}

/** Bytes drawn from the system at a time: one call per byte string would cost more than its use. */
const POOL_BYTES = 8192;

export class SystemRandom implements Random {
  #pool = Buffer.alloc(0);
  #offset = 0;

  next(): number {
    return Math.random();
  }

  bytes(count: number): Buffer {
    if (count > POOL_BYTES) return randomBytes(count);
    if (this.#offset + count > this.#pool.length) {
      this.#pool = randomBytes(POOL_BYTES);
      this.#offset = 0;
    }
    const slice = this.#pool.subarray(this.#offset, this.#offset + count);
    this.#offset += count;
    return slice;
  }
}

/** Repeatable: the same seed gives the same sequence (mulberry32). For tests and scenarios, not for secrets. */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    for (let i = 0; i < count; i++) bytes[i] = Math.floor(this.next() * 256);
    return bytes;
  }
}

/**
 * HMAC-SHA-256 with a key that is used again and again: the two key blocks of RFC 2104 are made once, and each
 * signature is two one-shot hashes. `createHmac` makes a native object per call, which costs several times as
 * much on the hot path and burdens the garbage collector.
 */
import { hash } from 'node:crypto';

/** Block of SHA-256, bytes. */
const BLOCK = 64;
const DIGEST = 32;
/** Longest text that fits the reused buffer, bytes; longer ones get one of their own. */
const SCRATCH = 1024;

export class HmacSha256 {
  /** Inner key block, then room for the text. */
  readonly #inner = Buffer.alloc(BLOCK + SCRATCH);
  /** The part of `#inner` in use: signatures of one kind sign texts of one length. */
  #message: Buffer = this.#inner;
  /** Outer key block, then room for the inner digest. */
  readonly #outer = Buffer.alloc(BLOCK + DIGEST);

  constructor(key: Buffer | string) {
    let bytes = Buffer.from(key);
    if (bytes.length > BLOCK) bytes = Buffer.from(hash('sha256', bytes, 'hex'), 'hex');
    for (let i = 0; i < BLOCK; i++) {
      const byte = bytes[i] ?? 0;
      this.#inner[i] = byte ^ 0x36;
      this.#outer[i] = byte ^ 0x5c;
    }
  }

  /** Signature of `text` as UTF-8, in lower-case hex. */
  hex(text: string): string {
    this.#outer.write(hash('sha256', this.#keyed(text), 'hex'), BLOCK, 'hex');
    return hash('sha256', this.#outer, 'hex');
  }

  /** The inner key block followed by the text. */
  #keyed(text: string): Buffer {
    // UTF-8 takes at most three bytes for each UTF-16 unit.
    if (text.length * 3 > SCRATCH) {
      return Buffer.concat([this.#inner.subarray(0, BLOCK), Buffer.from(text, 'utf8')]);
    }
    const length = BLOCK + this.#inner.write(text, BLOCK, 'utf8');
    if (this.#message.length !== length) this.#message = this.#inner.subarray(0, length);
    return this.#message;
  }
}

/** Compares two texts in a time that depends on their lengths alone. */
export function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

/**
 * Why a payload is not JSON, in the words of the parser AWS uses, with line and column.
 * Texts observed for the two common cases (bytes that are no UTF-8, a byte that starts no value); the others
 * follow the same parser's published messages.
 */

const VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

export interface JsonFault {
  readonly text: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

class Fault extends Error {
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** The first fault of `bytes`, or `undefined` when they are JSON. Reads byte by byte: for the cold path. */
export function findJsonFault(bytes: Uint8Array): JsonFault | undefined {
  try {
    new Scanner(bytes).document();
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    let line = 1;
    let start = 0;
    for (let i = 0; i < error.at && i < bytes.length; i++) {
      if (bytes[i] === 0x0a) {
        line++;
        start = i + 1;
      }
    }
    return { text: error.message, line, column: error.at - start + 1 };
  }
}

function show(byte: number): string {
  if (byte < 0x20 || (byte >= 0x7f && byte < 0xa0)) return `(CTRL-CHAR, code ${byte})`;
  return `'${String.fromCharCode(byte)}' (code ${byte})`;
}

const isTokenByte = (byte: number) =>
  (byte >= 0x30 && byte <= 0x39) ||
  (byte >= 0x41 && byte <= 0x5a) ||
  (byte >= 0x61 && byte <= 0x7a) ||
  byte === 0x5f ||
  byte === 0x24;

class Scanner {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  document(): void {
    this.#space();
    if (this.#at >= this.#bytes.length) throw new Fault('No content to map due to end-of-input', this.#at);
    this.#value();
    this.#space();
    if (this.#at < this.#bytes.length) {
      throw new Fault(
        `Trailing token after value: unexpected character (${show(this.#bytes[this.#at] as number)})`,
        this.#at,
      );
    }
  }

  #peek(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new Fault('Unexpected end-of-input', this.#at);
    return byte;
  }

  #space(): void {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return;
      this.#at++;
    }
  }

  #value(): void {
    const byte = this.#peek();
    if (byte === 0x7b) this.#object();
    else if (byte === 0x5b) this.#array();
    else if (byte === 0x22) this.#string();
    else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) this.#number();
    else if (isTokenByte(byte)) this.#token();
    else throw new Fault(`Unexpected character (${show(byte)}): expected a valid value ${VALUES}`, this.#at);
  }

  #token(): void {
    const start = this.#at;
    while (isTokenByte(this.#bytes[this.#at] ?? 0)) this.#at++;
    const byte = this.#bytes[this.#at];
    if (byte !== undefined && byte >= 0x80) this.#multibyte();
    const word = Buffer.from(this.#bytes.subarray(start, this.#at)).toString('latin1');
    if (word !== 'true' && word !== 'false' && word !== 'null') {
      throw new Fault(`Unrecognized token '${word}': was expecting ${VALUES}`, this.#at);
    }
  }

  #number(): void {
    const start = this.#at;
    while (/[-+.0-9eE]/.test(String.fromCharCode(this.#bytes[this.#at] ?? 0))) this.#at++;
    const text = Buffer.from(this.#bytes.subarray(start, this.#at)).toString('latin1');
    if (/^-?0[0-9]/.test(text)) {
      throw new Fault('Invalid numeric value: Leading zeroes not allowed', start + 1);
    }
    if (!/^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$/.test(text)) {
      const next = this.#bytes[this.#at];
      throw new Fault(
        next === undefined
          ? 'Unexpected end-of-input in a Number value'
          : `Unexpected character (${show(next)}) in numeric value: expected digit (0-9) to follow`,
        this.#at,
      );
    }
  }

  #string(): void {
    this.#at++;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) {
        throw new Fault('Unexpected end-of-input: was expecting closing quote for a string value', this.#at);
      }
      if (byte === 0x22) {
        this.#at++;
        return;
      }
      if (byte === 0x5c) this.#escape();
      else if (byte < 0x20) {
        throw new Fault(
          `Illegal unquoted character (${show(byte)}): has to be escaped using backslash to be included in string value`,
          this.#at + 1,
        );
      } else if (byte >= 0x80) this.#multibyte();
      else this.#at++;
    }
  }

  #escape(): void {
    const byte = this.#bytes[this.#at + 1];
    if (byte === undefined)
      throw new Fault('Unexpected end-of-input in character escape sequence', this.#at + 1);
    if (byte === 0x75) {
      for (let i = 2; i < 6; i++) {
        const digit = this.#bytes[this.#at + i];
        if (digit === undefined || !/[0-9a-fA-F]/.test(String.fromCharCode(digit))) {
          throw new Fault(
            digit === undefined
              ? 'Unexpected end-of-input in character escape sequence'
              : `Unexpected character (${show(digit)}): expected a hex-digit for character escape sequence`,
            this.#at + i,
          );
        }
      }
      this.#at += 6;
      return;
    }
    if (!'"\\/bfnrt'.includes(String.fromCharCode(byte))) {
      throw new Fault(`Unrecognized character escape ${show(byte)}`, this.#at + 2);
    }
    this.#at += 2;
  }

  /** A character of two to four bytes; the column counts the byte that is wrong as read. */
  #multibyte(): void {
    const first = this.#bytes[this.#at] as number;
    const length =
      first >= 0xc2 && first < 0xe0
        ? 2
        : first >= 0xe0 && first < 0xf0
          ? 3
          : first >= 0xf0 && first < 0xf5
            ? 4
            : 0;
    if (length === 0) {
      throw new Fault(`Invalid UTF-8 start byte 0x${first.toString(16)}`, this.#at + 1);
    }
    for (let i = 1; i < length; i++) {
      const byte = this.#bytes[this.#at + i];
      if (byte === undefined || (byte & 0xc0) !== 0x80) {
        throw new Fault(
          byte === undefined
            ? 'Unexpected end-of-input: was expecting closing quote for a string value'
            : `Invalid UTF-8 middle byte 0x${byte.toString(16)}`,
          this.#at + i + 1,
        );
      }
    }
    this.#at += length;
  }

  #array(): void {
    this.#at++;
    this.#space();
    if (this.#bytes[this.#at] === 0x5d) {
      this.#at++;
      return;
    }
    for (;;) {
      this.#space();
      this.#value();
      if (this.#separator(0x5d, 'Array', 'Array entries')) return;
    }
  }

  #object(): void {
    this.#at++;
    this.#space();
    if (this.#bytes[this.#at] === 0x7d) {
      this.#at++;
      return;
    }
    for (;;) {
      this.#space();
      const quote = this.#bytes[this.#at];
      if (quote === undefined) {
        throw new Fault('Unexpected end-of-input: expected close marker for Object', this.#at);
      }
      if (quote !== 0x22) {
        throw new Fault(
          `Unexpected character (${show(quote)}): was expecting double-quote to start field name`,
          this.#at,
        );
      }
      this.#string();
      this.#space();
      const colon = this.#peek();
      if (colon !== 0x3a) {
        throw new Fault(
          `Unexpected character (${show(colon)}): was expecting a colon to separate field name and value`,
          this.#at,
        );
      }
      this.#at++;
      this.#space();
      this.#value();
      if (this.#separator(0x7d, 'Object', 'Object entries')) return;
    }
  }

  /** true: the container ended. */
  #separator(close: number, container: string, entries: string): boolean {
    this.#space();
    const byte = this.#bytes[this.#at];
    if (byte === undefined) {
      throw new Fault(`Unexpected end-of-input: expected close marker for ${container}`, this.#at);
    }
    if (byte !== close && byte !== 0x2c) {
      throw new Fault(
        `Unexpected character (${show(byte)}): was expecting comma to separate ${entries}`,
        this.#at,
      );
    }
    this.#at++;
    return byte === close;
  }
}

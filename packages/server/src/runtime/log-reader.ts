/**
 * Cuts what a function process writes to one descriptor into log events. Frames of our bootstrap (see
 * bootstrap-log.mjs) name the run they belong to; everything else is text of unknown origin, cut into lines.
 */

const RECORD = 1;
const CONTINUED = 128;
const HEADER_BYTES = 17;
/** A line without an end is cut here: CloudWatch Logs takes no longer event (256 KB). */
const MAX_LINE_BYTES = 262_144;
const NEWLINE = 10;
const NOTHING = Buffer.alloc(0);

export interface LogConsumer {
  /** One event of the run with this number, 0 before the first. */
  record(sequence: number, text: string): void;
  /** Lines nobody signed, line break included. */
  raw(text: string): void;
}

export class LogReader {
  readonly #nonce: Buffer;
  readonly #consumer: LogConsumer;
  /** Bytes that may be the beginning of a frame. */
  #rest: Buffer = NOTHING;
  /** Pieces of a record that is not complete. */
  #pieces: Buffer[] = [];
  /** The unfinished line of the signed stream, and of the unsigned one. */
  #line: Buffer = NOTHING;
  #rawLine: Buffer = NOTHING;

  constructor(nonce: Buffer, consumer: LogConsumer) {
    this.#nonce = nonce;
    this.#consumer = consumer;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = NOTHING;
    let at = 0;
    while (at < bytes.length) {
      const frame = bytes.indexOf(this.#nonce, at);
      if (frame === -1) {
        const keep = Math.max(at, bytes.length - tailLike(bytes, this.#nonce));
        this.#raw(bytes.subarray(at, keep));
        this.#rest = bytes.subarray(keep);
        return;
      }
      if (frame > at) this.#raw(bytes.subarray(at, frame));
      const end =
        bytes.length - frame < HEADER_BYTES
          ? undefined
          : frame + HEADER_BYTES + bytes.readUInt32LE(frame + 13);
      if (end === undefined || end > bytes.length) {
        this.#rest = bytes.subarray(frame);
        return;
      }
      this.#frame(
        bytes.readUInt32LE(frame + 8),
        bytes[frame + 12] as number,
        bytes.subarray(frame + HEADER_BYTES, end),
      );
      at = end;
    }
  }

  /** Nothing more will come from this process: unfinished lines are lines too. */
  end(): void {
    if (this.#rest.length > 0) this.#raw(this.#rest);
    this.#rest = NOTHING;
    if (this.#line.length > 0) this.#consumer.raw(this.#line.toString('utf8'));
    if (this.#rawLine.length > 0) this.#consumer.raw(this.#rawLine.toString('utf8'));
    this.#line = NOTHING;
    this.#rawLine = NOTHING;
  }

  #frame(sequence: number, kind: number, body: Buffer): void {
    if ((kind & ~CONTINUED) !== RECORD) {
      this.#line = cut(this.#line, body, (text) => this.#consumer.record(sequence, text));
      return;
    }
    if (kind & CONTINUED) {
      this.#pieces.push(Buffer.from(body));
      return;
    }
    if (this.#pieces.length === 0) {
      this.#consumer.record(sequence, body.toString('utf8'));
      return;
    }
    this.#pieces.push(body);
    const text = Buffer.concat(this.#pieces).toString('utf8');
    this.#pieces = [];
    this.#consumer.record(sequence, text);
  }

  #raw(bytes: Buffer): void {
    if (bytes.length > 0) this.#rawLine = cut(this.#rawLine, bytes, (text) => this.#consumer.raw(text));
  }
}

/** Gives the complete lines of `before` + `bytes` and returns what is left. */
function cut(before: Buffer, bytes: Buffer, take: (line: string) => void): Buffer {
  const all = before.length === 0 ? bytes : Buffer.concat([before, bytes]);
  let at = 0;
  for (;;) {
    const newline = all.indexOf(NEWLINE, at);
    const end = newline === -1 ? -1 : newline + 1;
    if (end === -1 || end - at > MAX_LINE_BYTES) {
      if (all.length - at <= MAX_LINE_BYTES && end === -1) break;
      take(all.toString('utf8', at, at + MAX_LINE_BYTES));
      at += MAX_LINE_BYTES;
      continue;
    }
    take(all.toString('utf8', at, end));
    at = end;
  }
  return at === all.length ? NOTHING : Buffer.from(all.subarray(at));
}

/** How many bytes at the end of `bytes` could be the beginning of `mark`. */
function tailLike(bytes: Buffer, mark: Buffer): number {
  for (let length = Math.min(mark.length - 1, bytes.length); length > 0; length--) {
    if (bytes.compare(mark, 0, length, bytes.length - length, bytes.length) === 0) return length;
  }
  return 0;
}

/**
 * The conversation with our own bootstraps over inherited sockets: descriptor 3 to the process, 4 from it. Both are
 * frames: a little-endian length of what follows, a type byte, a body. bootstrap.mjs and bootstrap.py hold the
 * other ends.
 *
 * The process runs what it was sent strictly in order and one at a time. It writes the end of a run before it
 * begins another, so an answer that was given is never lost with the process.
 */

/** To the process: what it is to be. JSON. */
export const ASSIGN = 1;
/** To the process: one run. */
export const RUN = 2;
/** From the process: initialised. */
export const READY = 1;
/** From the process: initialisation failed; the body is the error as JSON. The process exits. */
export const INIT_ERROR = 2;
/** From the process: a run was taken from the socket and begins. */
export const BEGIN = 3;
/** From the process: a run has ended; the body holds its answer. */
export const END = 4;
/**
 * From the process: as END_FORGETS, said after the fact. The process noticed only when END was written that the
 * run had become too long (it lost the processor in between); the run it had announced has not begun.
 */
export const FORGOT = 5;

/** Flags of END. */
export const END_ERROR = 1;
/** The run sent after this one was here already and begins now. */
export const END_NEXT_BEGINS = 2;
/** The process exits because of this error. */
export const END_EXITS = 4;
/**
 * The run took longer than SLOW_RUN_MS: the runs sent before its end are forgotten, and none of an older
 * epoch will begin. The server may count on it without asking once it has seen the run last that long.
 */
export const END_FORGETS = 8;
/** The answer was over the permitted size and was not sent. */
export const END_TOO_LARGE = 16;

/** A run longer than this, by the clock of the process, makes it forget what was sent ahead. */
export const SLOW_RUN_MS = 20;

export interface RunFrame {
  readonly sequence: number;
  readonly epoch: number;
  readonly timeoutMs: number;
  readonly requestId: string;
  readonly invokedFunctionArn: string;
  readonly traceHeader: string;
  readonly clientContext: string;
  readonly payload: string;
}

const RUN_HEADER_BYTES = 4 + 1 + 4 * 4;

/** All runs in one piece: one write to the socket however many they are. */
export function encodeRuns(runs: readonly RunFrame[]): Buffer {
  const heads: string[] = [];
  let size = 0;
  for (const run of runs) {
    const head = `${run.requestId}\n${run.invokedFunctionArn}\n${run.traceHeader}\n${run.clientContext}`;
    heads.push(head);
    size += RUN_HEADER_BYTES + Buffer.byteLength(head) + Buffer.byteLength(run.payload);
  }
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (let i = 0; i < runs.length; i++) {
    const run = runs[i] as RunFrame;
    const start = at;
    bytes[start + 4] = RUN;
    bytes.writeUInt32LE(run.sequence, start + 5);
    bytes.writeUInt32LE(run.epoch, start + 9);
    bytes.writeUInt32LE(run.timeoutMs, start + 13);
    at += RUN_HEADER_BYTES;
    const headBytes = bytes.write(heads[i] as string, at);
    bytes.writeUInt32LE(headBytes, start + 17);
    at += headBytes;
    at += bytes.write(run.payload, at);
    bytes.writeUInt32LE(at - start - 4, start);
  }
  return bytes;
}

export function encodeAssign(assignment: object): Buffer {
  const body = Buffer.from(JSON.stringify(assignment));
  const bytes = Buffer.allocUnsafe(5 + body.length);
  bytes.writeUInt32LE(1 + body.length, 0);
  bytes[4] = ASSIGN;
  body.copy(bytes, 5);
  return bytes;
}

export type ProcessFrame =
  | { readonly type: typeof READY; readonly rssKb: number }
  | { readonly type: typeof INIT_ERROR; readonly payload: string }
  | { readonly type: typeof BEGIN; readonly sequence: number }
  | { readonly type: typeof FORGOT }
  | {
      readonly type: typeof END;
      readonly sequence: number;
      readonly flags: number;
      readonly durationMs: number;
      /** 0: not measured this time. */
      readonly rssKb: number;
      readonly payload: string;
    };

/** More than any frame a sound process sends: 6 MB of answer, and room. */
const MAX_FRAME_BYTES = 16_777_216;
const END_HEADER_BYTES = 1 + 4 + 1 + 8 + 4;

/** Cuts the byte stream of a process into frames. Throws on what no bootstrap would send. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  #parts: Buffer[] = [];
  #missing = 0;

  push(chunk: Buffer, take: (frame: ProcessFrame) => void): void {
    if (this.#missing > 0) {
      // A long answer in many chunks: joined once it is complete, not at every chunk.
      this.#parts.push(chunk);
      this.#missing -= chunk.length;
      if (this.#missing > 0) return;
      this.#rest = Buffer.concat(this.#parts);
      this.#parts = [];
      this.#missing = 0;
    } else {
      this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    }
    let at = 0;
    const bytes = this.#rest;
    while (bytes.length - at >= 4) {
      const length = bytes.readUInt32LE(at);
      if (length < 1 || length > MAX_FRAME_BYTES)
        throw new Error(`frame of ${length} bytes from a function process`);
      if (bytes.length - at - 4 < length) {
        this.#missing = length - (bytes.length - at - 4);
        break;
      }
      take(decodeFrame(bytes, at + 4, at + 4 + length));
      at += 4 + length;
    }
    this.#rest = at === bytes.length ? Buffer.alloc(0) : bytes.subarray(at);
    if (this.#missing > 0) this.#parts = [this.#rest];
  }
}

function decodeFrame(bytes: Buffer, start: number, end: number): ProcessFrame {
  switch (bytes[start]) {
    case READY:
      return { type: READY, rssKb: bytes.readUInt32LE(start + 1) };
    case INIT_ERROR:
      return { type: INIT_ERROR, payload: bytes.toString('utf8', start + 1, end) };
    case BEGIN:
      return { type: BEGIN, sequence: bytes.readUInt32LE(start + 1) };
    case FORGOT:
      return { type: FORGOT };
    case END:
      return {
        type: END,
        sequence: bytes.readUInt32LE(start + 1),
        flags: bytes[start + 5] as number,
        durationMs: bytes.readDoubleLE(start + 6),
        rssKb: bytes.readUInt32LE(start + 14),
        payload: bytes.toString('utf8', start + END_HEADER_BYTES, end),
      };
    default:
      throw new Error(`frame of unknown type ${bytes[start]} from a function process`);
  }
}

/**
 * node:http ↔ plain values. Reads bodies within a limit that is known before the first byte is kept, writes
 * replies. Knows nothing of services.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { HttpReply } from './wire.ts';

export type BodyResult =
  | { readonly kind: 'complete'; readonly body: Buffer }
  /** `received` counts what was sent, or what the client announced; `ended` tells whether all of it came. */
  | { readonly kind: 'too-large'; readonly received: number; readonly ended: boolean }
  /** The client went away before the end. */
  | { readonly kind: 'truncated' };

/** What is read, counted and thrown away of a body that is too large, so that the client hears the answer. */
const MAX_DISCARDED_BYTES = 128 * 1_048_576;

const EMPTY = Buffer.alloc(0);

/** Reads the whole body if it is within `limit` bytes; calls `done` once, at once when there is no body. */
export function receiveBody(
  request: IncomingMessage,
  limit: number,
  done: (result: BodyResult) => void,
): void {
  const declared = request.headers['content-length'];
  if (declared === '0' || (declared === undefined && request.headers['transfer-encoding'] === undefined)) {
    done({ kind: 'complete', body: EMPTY });
    return;
  }
  const announced = declared === undefined ? undefined : Number(declared);
  const announcesTooMuch = announced !== undefined && announced > limit;
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  let received = 0;
  let finished = false;
  const finish = (result: BodyResult) => {
    if (finished) return;
    finished = true;
    done(result);
  };
  request.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (announcesTooMuch || received > limit) {
      first = undefined;
      rest = undefined;
      if (received > MAX_DISCARDED_BYTES) {
        finish({ kind: 'too-large', received: announced ?? received, ended: false });
      }
    } else if (first === undefined) first = chunk;
    else if (rest === undefined) rest = [first, chunk];
    else rest.push(chunk);
  });
  request.on('end', () => {
    if (announcesTooMuch || received > limit) finish({ kind: 'too-large', received, ended: true });
    else finish({ kind: 'complete', body: rest ? Buffer.concat(rest, received) : (first ?? EMPTY) });
  });
  request.on('close', () => finish({ kind: 'truncated' }));
}

/** `receiveBody` for whoever can wait. */
export function readBody(request: IncomingMessage, limit: number): Promise<BodyResult> {
  return new Promise((resolve) => receiveBody(request, limit, resolve));
}

/** Writes a reply; of a stream, chunk by chunk, waiting when the client is slow. */
export async function writeStream(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  stream: AsyncIterable<Uint8Array>,
): Promise<void> {
  response.writeHead(status, headers);
  response.flushHeaders();
  for await (const chunk of stream) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await drained(response);
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

/** A reply that goes out before the whole request came in is the last one of its connection. */
export function closeAfterReply(response: ServerResponse): void {
  response.setHeader('Connection', 'close');
}

export function writeReply(
  response: ServerResponse,
  status: number,
  headers: Record<string, string | number>,
  body: HttpReply['body'],
): void {
  if (body === undefined) {
    // A 204 has no length; other empty replies say so.
    if (status !== 204) headers['Content-Length'] = 0;
    response.writeHead(status, headers);
    response.end();
    return;
  }
  headers['Content-Length'] = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  response.writeHead(status, headers);
  response.end(body);
}

export interface ServerTimeouts {
  /** From the connection or the last reply to the end of the head of a request, ms. */
  readonly headersMs: number;
  /** From the first byte of a request to its last, ms; a zip of 50 MB on a slow line included. */
  readonly requestMs: number;
  /** An idle connection is kept this long, ms. */
  readonly keepAliveMs: number;
}

const DEFAULT_TIMEOUTS: ServerTimeouts = {
  headersMs: 30_000,
  requestMs: 300_000,
  keepAliveMs: 120_000,
};

/** Line and headers of a request; client contexts, presigned URLs and session tokens are long. */
const MAX_HEADER_BYTES = 65_536;

/**
 * The server of every listener. Slow clients are cut off, idle ones kept; a request that cannot be parsed
 * gets node's 400, one that is too slow its 408.
 */
export function createHttpServer(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  timeouts: ServerTimeouts = DEFAULT_TIMEOUTS,
): Server {
  const server = createServer({
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    connectionsCheckingInterval: Math.min(10_000, Math.max(50, Math.floor(timeouts.headersMs / 3))),
    maxHeaderSize: MAX_HEADER_BYTES,
    noDelay: true,
  });
  server.on('request', handle);
  // The body is asked for only once its size is known to be acceptable.
  server.on('checkContinue', handle);
  return server;
}

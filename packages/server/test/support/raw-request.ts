/** HTTP by hand, for the bytes that clients never send: what goes over the socket is exactly what the test says. */
import { connect, type Socket } from 'node:net';

export interface RawReply {
  /** 0 when the server closed without a word. */
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Everything the server sent, interim replies included. */
  readonly text: string;
}

export interface RawHead {
  readonly method?: string;
  readonly path?: string;
  /** Sent in this order, duplicates and all. `Host` and `Content-Length` are added unless they are here. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Buffer;
}

export function formatRequest({ method = 'POST', path = '/', headers = [], body }: RawHead): Buffer {
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const lines = [`${method} ${path} HTTP/1.1`];
  if (!names.has('host')) lines.push('Host: 127.0.0.1');
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body);
  if (body !== undefined && !names.has('content-length') && !names.has('transfer-encoding')) {
    lines.push(`Content-Length: ${bytes.length}`);
  }
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}

/** Sends one request on a connection of its own and resolves when the reply is complete or the server hangs up. */
export function rawRequest(port: number, request: RawHead | Buffer): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const received: Buffer[] = [];
    const headOnly = !Buffer.isBuffer(request) && request.method === 'HEAD';
    const finish = () => {
      socket.destroy();
      resolve(parseReply(Buffer.concat(received)));
    };
    socket.on('connect', () => socket.write(Buffer.isBuffer(request) ? request : formatRequest(request)));
    socket.on('data', (chunk) => {
      received.push(chunk);
      if (isComplete(Buffer.concat(received), headOnly)) finish();
    });
    socket.on('close', finish);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A server that has said all it wants may reset a client that is still writing.
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') finish();
      else reject(error);
    });
  });
}

/** An open connection and what came over it so far. */
export interface OpenConnection {
  readonly socket: Socket;
  text(): string;
  /** Resolves when what the server sent matches, or the server hangs up. */
  waitFor(found: RegExp): Promise<void>;
  readonly closed: Promise<void>;
}

export async function openConnection(port: number): Promise<OpenConnection> {
  const socket = connect(port, '127.0.0.1');
  const received: Buffer[] = [];
  const waiters = new Set<() => void>();
  const notify = () => {
    for (const waiter of waiters) waiter();
  };
  socket.on('data', (chunk) => {
    received.push(chunk);
    notify();
  });
  let hungUp = false;
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      hungUp = true;
      notify();
      resolve();
    });
  });
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const text = () => Buffer.concat(received).toString('latin1');
  return {
    socket,
    text,
    closed,
    waitFor: (found) =>
      new Promise<void>((resolve) => {
        const check = () => {
          if (!hungUp && !found.test(text())) return;
          waiters.delete(check);
          resolve();
        };
        waiters.add(check);
        check();
      }),
  };
}

/** The final reply: interim ones (1xx) are skipped. */
function finalReply(bytes: Buffer): Buffer {
  let rest = bytes;
  while (/^HTTP\/1\.1 1\d\d /.test(rest.toString('latin1', 0, 13))) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) return Buffer.alloc(0);
    rest = rest.subarray(end + 4);
  }
  return rest;
}

function isComplete(bytes: Buffer, headOnly: boolean): boolean {
  const reply = finalReply(bytes);
  const end = reply.indexOf('\r\n\r\n');
  if (end === -1) return false;
  if (headOnly) return true;
  const head = reply.toString('latin1', 0, end);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) return reply.length >= end + 4 + Number(length);
  if (/\r\ntransfer-encoding: chunked/i.test(head))
    return reply.subarray(-5).equals(Buffer.from('0\r\n\r\n'));
  return /^HTTP\/1\.1 (204|304)/.test(head);
}

export function parseReply(bytes: Buffer): RawReply {
  const reply = finalReply(bytes);
  const end = reply.indexOf('\r\n\r\n');
  if (end === -1) return { status: 0, headers: {}, body: '', text: bytes.toString('latin1') };
  const [statusLine, ...lines] = reply.toString('latin1', 0, end).split('\r\n') as [string, ...string[]];
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    body: reply.toString('utf8', end + 4),
    text: bytes.toString('latin1'),
  };
}

/**
 * The load generator: N connections over raw sockets, each with one request under way at a time (nothing is
 * pipelined). Runs in its own process, so that its work is not the server's.
 */
import { connect, type Socket } from 'node:net';
import { answer } from './child.ts';
import { type Credentials, makeEvent, signRequest } from './signed-request.ts';

export interface LoadPlan {
  readonly kind: 'prepare';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: Credentials;
  readonly connections: number;
  readonly payloadBytes: number;
  /** Distinct signed requests; they are sent in turn, from the first again when they run out. */
  readonly distinct: number;
}
export interface LoadRun {
  readonly kind: 'run';
  /** Ends after so many answers … */
  readonly requests?: number;
  /** … or after so much time. */
  readonly durationMs?: number;
  /** Status that counts. */
  readonly expect: number;
}
export interface LoadResult {
  /** Answers with the expected status. */
  readonly ok: number;
  readonly others: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

let plan: LoadPlan;
let pool: Buffer[] = [];
let nextRequest = 0;

answer<LoadPlan | LoadRun>({
  prepare(message) {
    plan = message;
    pool = Array.from({ length: plan.distinct }, () =>
      signRequest({
        host: `${plan.host}:${plan.port}`,
        path: plan.path,
        credentials: plan.credentials,
        region: 'us-east-1',
        service: 'lambda',
        headers: plan.headers,
        body: makeEvent(plan.payloadBytes),
      }),
    );
    return pool.length;
  },
  run,
});

async function run({ requests, durationMs, expect }: LoadRun): Promise<LoadResult> {
  const latencies: number[] = [];
  const others: Record<string, number> = {};
  let ok = 0;
  let sent = 0;
  const sockets = await Promise.all(Array.from({ length: plan.connections }, open));
  const startedAt = performance.now();
  const endsAt = durationMs === undefined ? Number.POSITIVE_INFINITY : startedAt + durationMs;
  const limit = requests ?? Number.POSITIVE_INFINITY;
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve, reject) => {
          let began = 0;
          const send = () => {
            if (sent >= limit || performance.now() >= endsAt) {
              resolve();
              return;
            }
            sent++;
            began = performance.now();
            socket.write(pool[nextRequest++ % pool.length] as Buffer);
          };
          socket.onAnswer = (status) => {
            latencies.push(performance.now() - began);
            if (status === expect) ok++;
            else others[status] = (others[status] ?? 0) + 1;
            send();
          };
          socket.socket.once('close', () => reject(new Error('the server closed a connection')));
          send();
        }),
    ),
  );
  const elapsedMs = performance.now() - startedAt;
  for (const { socket } of sockets) {
    socket.removeAllListeners('close');
    socket.destroy();
  }
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  return { ok, others, elapsedMs, p50Ms: at(0.5), p99Ms: at(0.99) };
}

interface Connection {
  readonly socket: Socket;
  onAnswer: (status: number) => void;
  write(bytes: Buffer): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** A connection that tells the status of each whole answer. */
function open(): Promise<Connection> {
  return new Promise((resolve, reject) => {
    let kept: Buffer | undefined;
    let bodyLeft = 0;
    let status = 0;
    const take = (chunk: Buffer) => {
      let data = kept ? Buffer.concat([kept, chunk]) : chunk;
      kept = undefined;
      while (data.length > 0) {
        if (status === 0) {
          const end = data.indexOf(HEAD_END);
          if (end === -1) {
            kept = Buffer.from(data);
            return;
          }
          const head = data.toString('latin1', 0, end);
          status = Number(head.slice(9, 12));
          bodyLeft = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
          data = data.subarray(end + 4);
        }
        const used = Math.min(bodyLeft, data.length);
        bodyLeft -= used;
        data = data.subarray(used);
        if (bodyLeft > 0) return;
        const done = status;
        status = 0;
        connection.onAnswer(done);
      }
    };
    const socket = connect({
      host: plan.host,
      port: plan.port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(64 * 1024),
        callback: (length, buffer) => {
          take((buffer as Buffer).subarray(0, length));
          return true;
        },
      },
    });
    const connection: Connection = {
      socket,
      onAnswer: () => undefined,
      write: (bytes) => {
        socket.write(bytes);
      },
    };
    socket.once('connect', () => resolve(connection));
    socket.once('error', reject);
  });
}

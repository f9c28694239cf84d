/**
 * Time from just before an event is handed over to the first line of its handler. Both sides read the machine's
 * monotonic clock; the handler tells its reading in a datagram, after it has taken it.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export interface LatencyResult {
  readonly samples: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What a handler says: `<id> <nanoseconds>`. */
export interface Listener {
  readonly port: number;
  measure(enqueue: (id: string) => Promise<unknown>, options: ProbeOptions): Promise<LatencyResult>;
  close(): void;
}

export interface ProbeOptions {
  readonly samples: number;
  /** Not counted. */
  readonly warmUp: number;
  /** Idle time before each sample, ms. */
  readonly idleMs: number;
}

const LOST_AFTER_MS = 30_000;

export async function listen(): Promise<Listener> {
  const socket = createSocket('udp4');
  const waiting = new Map<string, (at: bigint) => void>();
  socket.on('message', (message) => {
    const [id = '', at = '0'] = message.toString().split(' ');
    waiting.get(id)?.(BigInt(at));
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: (socket.address() as AddressInfo).port,
    close: () => socket.close(),
    async measure(enqueue, { samples, warmUp, idleMs }) {
      const latencies: number[] = [];
      for (let i = -warmUp; i < samples; i++) {
        await pause(idleMs);
        const id = `probe-${i}-${process.pid}`;
        const begun = new Promise<bigint>((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error(`no handler began ${id}`)), LOST_AFTER_MS);
          waiting.set(id, (at) => {
            clearTimeout(timer);
            resolve(at);
          });
        });
        const startedAt = process.hrtime.bigint();
        const [at] = await Promise.all([begun, enqueue(id)]);
        waiting.delete(id);
        if (i >= 0) latencies.push(Number(at - startedAt) / 1e6);
      }
      latencies.sort((a, b) => a - b);
      const pick = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
      return { samples: latencies.length, p50Ms: pick(0.5), p99Ms: pick(0.99) };
    },
  };
}

/** For handlers: tells that the handler of `id` has begun. */
export function createTeller(port: number): (id: string) => void {
  const socket = createSocket('udp4');
  socket.unref();
  return (id) => {
    const at = process.hrtime.bigint();
    socket.send(`${id} ${at}`, port, '127.0.0.1');
  };
}

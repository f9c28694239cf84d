/** What every queue that is compared has to do; each runs its producer and its worker in processes of their own. */
import { setTimeout as pause } from 'node:timers/promises';
import { answer } from '../child.ts';
import {
  createTeller,
  type LatencyResult,
  type Listener,
  listen,
  type ProbeOptions,
} from '../latency-probe.ts';

/** Once the last handler has run: how often to look whether all is recorded. */
const POLL_MS = 5;

/** What a handler gets. */
export interface Job {
  readonly id: string;
  readonly note: string;
}

export interface Producer {
  /** Resolves when the job is durably enqueued. */
  enqueue(job: Job): Promise<unknown>;
}

export interface PeerModule {
  /** Tables, queues. */
  setUp(url: string): Promise<void>;
  createProducer(url: string): Promise<Producer>;
  /** Handles jobs until the process ends. */
  startWorker(url: string, handle: (job: Job) => Promise<unknown>): Promise<Worker>;
}

export interface Worker {
  /** Jobs that are not yet recorded as done. */
  countOpen(): Promise<number>;
}

export type PeerMessage =
  | { readonly kind: 'setUp'; readonly url: string }
  | { readonly kind: 'work'; readonly url: string; readonly tellPort?: number }
  /** Resolves once so many jobs have run since the start of the worker and all are recorded. */
  | { readonly kind: 'await'; readonly total: number }
  | { readonly kind: 'connect'; readonly url: string }
  | {
      readonly kind: 'produce';
      readonly count: number;
      readonly concurrency: number;
      readonly payloadBytes: number;
    }
  | { readonly kind: 'listen' }
  | { readonly kind: 'probe'; readonly options: ProbeOptions };

/** Makes a process of a peer: its producer or its worker, as it is asked. */
export function runPeer(peer: PeerModule): void {
  let ran = 0;
  let awaited: { total: number; resolve: () => void } | undefined;
  let producer: Producer;
  let worker: Worker;
  let listener: Listener;
  answer<PeerMessage>({
    setUp: ({ url }) => peer.setUp(url),
    async work({ url, tellPort }) {
      const tell = tellPort === undefined ? undefined : createTeller(tellPort);
      worker = await peer.startWorker(url, async (job) => {
        tell?.(job.id);
        if (++ran === awaited?.total) awaited.resolve();
        return { ok: job.id };
      });
    },
    async await({ total }) {
      if (ran < total) {
        await new Promise<void>((resolve) => {
          awaited = { total, resolve };
        });
      }
      while ((await worker.countOpen()) > 0) await pause(POLL_MS);
    },
    async connect({ url }) {
      producer = await peer.createProducer(url);
    },
    async produce({ count, concurrency, payloadBytes }) {
      const note = 'x'.repeat(payloadBytes);
      let next = 0;
      await Promise.all(
        Array.from({ length: concurrency }, async () => {
          while (next < count) await producer.enqueue({ id: `job-${next++}`, note });
        }),
      );
    },
    async listen() {
      listener = await listen();
      return listener.port;
    },
    probe: ({ options }): Promise<LatencyResult> =>
      listener.measure((id) => producer.enqueue({ id, note: 'x'.repeat(1000) }), options),
  });
}

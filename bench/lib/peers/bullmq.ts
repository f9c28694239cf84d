/** BullMQ on Redis: as its documentation has it; 64 jobs at a time in the worker; finished jobs are kept. */
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { type Job, runPeer } from './peer.ts';

const QUEUE = 'bench';
const CONCURRENCY = 64;
const connect = (url: string) => new Redis(url, { maxRetriesPerRequest: null });

runPeer({
  async setUp(url) {
    const redis = connect(url);
    await redis.flushall();
    redis.disconnect();
  },
  async createProducer(url) {
    const queue = new Queue<Job>(QUEUE, { connection: connect(url) });
    await queue.waitUntilReady();
    return { enqueue: (job) => queue.add('job', job) };
  },
  async startWorker(url, handle) {
    const worker = new Worker<Job>(QUEUE, (job) => handle(job.data), {
      connection: connect(url),
      concurrency: CONCURRENCY,
    });
    worker.on('error', (error) => console.error(error));
    await worker.waitUntilReady();
    const queue = new Queue<Job>(QUEUE, { connection: connect(url) });
    return { countOpen: () => queue.getJobCountByTypes('waiting', 'active', 'prioritized') };
  },
});

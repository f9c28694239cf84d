/** pg-boss on PostgreSQL: notifications on, whole batches fetched one after another as long as there is work. */
import { Pool } from 'pg';
import { PgBoss } from 'pg-boss';
import { type Job, runPeer } from './peer.ts';

const QUEUE = 'bench';
const BATCH = 100;
const FETCHERS = 4;
/** Connections: enough for the database to group commits; more of them only take turns on two cores. */
const CONNECTIONS = 32;

async function start(url: string): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString: url, max: CONNECTIONS, useListenNotify: true });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  return boss;
}

runPeer({
  async setUp(url) {
    const boss = await start(url);
    await boss.createQueue(QUEUE, { notify: true });
    await boss.deleteAllJobs(QUEUE);
    await boss.stop();
  },
  async createProducer(url) {
    const boss = await start(url);
    return { enqueue: (job) => boss.send(QUEUE, job) };
  },
  async startWorker(url, handle) {
    const boss = await start(url);
    const pool = new Pool({ connectionString: url, max: 1 });
    const options = {
      batchSize: BATCH,
      localConcurrency: FETCHERS,
      burstWhenBatchFull: true,
      pollingIntervalSeconds: 0.5,
      notifyPollingIntervalSeconds: 0.5,
    };
    await boss.work<Job>(QUEUE, options, async (jobs) => {
      await Promise.all(jobs.map((job) => handle(job.data)));
    });
    return {
      async countOpen() {
        const { rows } = await pool.query<{ open: string }>(
          `SELECT count(*) AS open FROM pgboss.job WHERE name = $1 AND state < 'completed'`,
          [QUEUE],
        );
        return Number(rows[0]?.open);
      },
    };
  },
});

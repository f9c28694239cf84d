/** Graphile Worker on PostgreSQL, with the local queue and batched completion that its guide to performance names. */
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { Pool } from 'pg';
import { type Job, runPeer } from './peer.ts';

const CONCURRENCY = 24;
/** Connections over which jobs are added: enough for the database to group commits. */
const ADDERS = 32;
/** Its own logger writes a line for every job. */
const logger = new Logger(() => (level, message) => {
  if (level === 'error') console.error(message);
});

function connect(url: string, max: number): Pool {
  const pool = new Pool({ connectionString: url, max });
  pool.on('error', (error) => console.error(error));
  pool.on('connect', (client) => client.on('error', (error) => console.error(error)));
  return pool;
}

runPeer({
  async setUp(url) {
    const utils = await makeWorkerUtils({ connectionString: url, logger });
    await utils.migrate();
    await utils.withPgClient((client) => client.query('DELETE FROM graphile_worker._private_jobs'));
    await utils.release();
  },
  async createProducer(url) {
    const utils = await makeWorkerUtils({ pgPool: connect(url, ADDERS), logger });
    return { enqueue: (job) => utils.addJob('bench', job, { maxAttempts: 3 }) };
  },
  async startWorker(url, handle) {
    const pool = connect(url, CONCURRENCY + 4);
    await run({
      pgPool: pool,
      noHandleSignals: true,
      logger,
      crontab: '',
      taskList: { bench: (payload) => handle(payload as Job).then(() => undefined) },
      preset: {
        worker: {
          concurrentJobs: CONCURRENCY,
          maxPoolSize: CONCURRENCY + 4,
          pollInterval: 500,
          localQueue: { size: 100 },
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
        },
      },
    });
    return {
      async countOpen() {
        const { rows } = await pool.query<{ open: string }>(
          'SELECT count(*) AS open FROM graphile_worker._private_jobs',
        );
        return Number(rows[0]?.open);
      },
    };
  },
});

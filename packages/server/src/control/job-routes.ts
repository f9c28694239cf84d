/** Dead-letter jobs: list, one with its progress, pause, resume, stop. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { DEAD_LETTER_JOBS, type DeadLetterJob } from '../domain/dead-letter-job.ts';
import type { DeadLetterJobs } from './dead-letter-jobs.ts';
import { JobBody } from './dead-letter-schemas.ts';
import { viewJob } from './dead-letter-view.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { operatorOf } from './operator.ts';
import { json, refusal } from './schemas.ts';

const list = createRoute({
  method: 'get',
  path: '/jobs',
  request: { query: z.object({ queue: z.string().optional() }) },
  responses: { 200: json(z.object({ jobs: z.array(JobBody) }), 'Newest first') },
});

const params = z.object({ jobId: z.string() });

const one = createRoute({
  method: 'get',
  path: '/jobs/{jobId}',
  request: { params },
  responses: { 200: json(JobBody, 'The job with its progress'), 404: refusal('No such job') },
});

const CHANGES = { pause: 'Paused', resume: 'Running', stop: 'Stopped' } as const;

const change = createRoute({
  method: 'post',
  path: '/jobs/{jobId}/{change}',
  request: { params: params.extend({ change: z.enum(['pause', 'resume', 'stop']) }) },
  responses: {
    200: json(JobBody, 'The job as it is now'),
    404: refusal('No such job'),
    409: refusal('The job has ended, or is not in a state that allows it'),
  },
});

export function addJobRoutes(app: OpenAPIHono, { store }: ControlDeps, jobs: DeadLetterJobs): void {
  const find = (jobId: string): DeadLetterJob => {
    const job = store.resources.get<DeadLetterJob>(DEAD_LETTER_JOBS, jobId)?.value;
    if (!job) throw controlError('NotFound', `no job has the id ${jobId}`);
    return job;
  };

  app.openapi(list, (c) => {
    const { queue } = c.req.valid('query');
    const all = store.resources.list<DeadLetterJob>(DEAD_LETTER_JOBS).map(({ value }) => value);
    const found = queue === undefined ? all : all.filter((job) => job.queue === queue);
    return c.json({ jobs: found.reverse().map(viewJob) }, 200);
  });

  app.openapi(one, (c) => c.json(viewJob(find(c.req.valid('param').jobId)), 200));

  app.openapi(change, async (c) => {
    const { jobId, change: verb } = c.req.valid('param');
    const { status } = find(jobId);
    const job = await jobs.change(jobId, CHANGES[verb], operatorOf(c));
    if (!job) throw controlError('Conflict', `job ${jobId} is ${status}: it cannot ${verb}`);
    return c.json(viewJob(job), 200);
  });
}

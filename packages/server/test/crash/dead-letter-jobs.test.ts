/** A redrive that is killed in the middle goes on after the restart: no dead letter is lost, none is sent twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { createApi } from '../support/api.ts';
import { createClients } from '../support/clients.ts';
import { eventually } from '../support/eventually.ts';
import { createQueue } from '../support/functions.ts';
import { startProcess } from '../support/server-process.ts';
import { tempFolder } from '../support/temp-folder.ts';

const COUNT = Number(process.env.REDRIVE_TEST_DEAD_LETTERS ?? 20_000);
const KILLS = 3;

test(`${COUNT} dead letters are redriven once each through ${KILLS} kills`, async (t) => {
  const data = await tempFolder(t);
  let server = await startProcess(t, { data });
  const clients = createClients(t, server.endpoint);
  await createQueue(clients, 'dead');
  const { arn } = await createQueue(clients, 'work');
  const lines: string[] = [];
  for (let n = 0; n < COUNT; n++) {
    const failure = {
      fingerprint: (n % 25).toString(16).padStart(12, '0'),
      type: 'TypeError',
      message: `failure ${n % 25}`,
      frames: ['handler (index.mjs)'],
      functionName: 'orders',
      functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:orders:$LATEST',
      condition: 'RetriesExhausted',
      attempts: 3,
    };
    lines.push(JSON.stringify({ body: `{"n":${n},"pad":"${'x'.repeat(900)}"}`, failure }));
  }
  const imported = await fetch(`${server.endpoint}/_redrive/api/dead-letters/dead/import`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  });
  assert.deepEqual(await imported.json(), { imported: COUNT });

  const began = performance.now();
  const { groups, total } = await createApi(server.endpoint).get('/dead-letters/dead/groups');
  t.diagnostic(`${COUNT} dead letters grouped in ${Math.round(performance.now() - began)} ms`);
  assert.equal(total, COUNT);
  assert.equal(groups.length, 25);

  const started = performance.now();
  const { jobId } = await createApi(server.endpoint).post(
    '/dead-letters/dead/redrive',
    { selection: { kind: 'all' }, target: arn },
    202,
  );
  for (let kill = 1; kill <= KILLS; kill++) {
    const api = createApi(server.endpoint);
    await eventually(async () => (await api.get(`/jobs/${jobId}`)).moved >= (kill * COUNT) / (KILLS + 2), {
      timeoutMs: 60_000,
    });
    await server.kill9();
    server = await startProcess(t, { data });
  }
  const api = createApi(server.endpoint);
  const job = await eventually(
    async () => {
      const found = await api.get(`/jobs/${jobId}`);
      return found.status !== 'Running' && found;
    },
    { timeoutMs: 120_000, everyMs: 100 },
  );
  t.diagnostic(`redriven in ${Math.round(performance.now() - started)} ms with ${KILLS} restarts`);
  assert.equal(job.status, 'Completed');
  assert.equal(job.moved, COUNT);
  assert.equal((await api.get('/dead-letters/dead/groups')).total, 0);

  const seen = new Set<number>();
  const exported = await (await fetch(`${server.endpoint}/_redrive/api/dead-letters/work/export`)).text();
  for (const line of exported.trim().split('\n')) {
    const { n } = JSON.parse(JSON.parse(line).body);
    assert.ok(!seen.has(n), `message ${n} was sent twice`);
    seen.add(n);
  }
  assert.equal(seen.size, COUNT);
  const again = createClients(t, server.endpoint);
  const { Attributes } = await again.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: `${server.endpoint}/000000000000/work`,
      AttributeNames: ['ApproximateNumberOfMessages'],
    }),
  );
  assert.equal(Attributes?.ApproximateNumberOfMessages, String(COUNT));
});

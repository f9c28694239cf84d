/** Two nodes on one database: what one is given, the other knows and runs. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { deploy } from '../crash/outcomes.ts';
import { createClients } from '../support/clients.ts';
import { eventually } from '../support/eventually.ts';
import { startPostgres } from '../support/postgres.ts';
import { startProcess } from '../support/server-process.ts';
import { tempFolder } from '../support/temp-folder.ts';

test('a function made on one node runs on another, and its story is told by all', {
  timeout: 120_000,
}, async (t) => {
  const folder = await tempFolder(t);
  const postgres = await startPostgres(t);
  const args = ['--store', await postgres.schemaUrl('two_nodes')];
  const start = (name: string) => startProcess(t, { data: join(folder, name), args });
  const [a, b] = await Promise.all([start('a'), start('b')]);
  const [first, second] = [createClients(t, a.endpoint), createClients(t, b.endpoint)];
  const evidence = join(folder, 'evidence');
  await mkdir(evidence);
  await deploy(first, evidence);
  const invoke = new InvokeCommand({ FunctionName: 'succeed', InvocationType: 'Event', Payload: '{}' });
  const answer = await eventually(async () => second.lambda.send(invoke), {
    what: 'the other node knows it',
  });
  const id = answer.$metadata.requestId as string;
  for (const { control } of [first, second]) {
    const event = await eventually(async () => {
      const found = await control.event(id);
      return found?.fate && found;
    });
    assert.equal(event.fate?.kind, 'Succeeded');
  }
  assert.equal(await a.stop(), 0);
  assert.equal(await b.stop(), 0);
});

/** `redrive dlq` as a person uses it, against a real server; and with --aws, where the same server stands in for AWS. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  InvokeCommand,
  PutFunctionEventInvokeConfigCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { atEnd, type Cleanup } from '../support/cleanup.ts';
import { createClients } from '../support/clients.ts';
import { eventually } from '../support/eventually.ts';
import { createFunction, createQueue } from '../support/functions.ts';
import { startInProcess } from '../support/server-inside.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { makeZip } from '../support/zip.ts';

const BIN = fileURLToPath(new URL('../../bin/redrive.mjs', import.meta.url));
const FAILING =
  'export const handler = async (e) => { throw new TypeError("order " + e.id + " has no lines"); };';

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function startWorld(t: Cleanup) {
  const server = await startInProcess(t);
  const clients = createClients(t, server.endpoint);
  const dead = await createQueue(clients, 'dead');
  await createFunction(clients, 'orders', FAILING, { DeadLetterConfig: { TargetArn: dead.arn } });
  await clients.lambda.send(
    new PutFunctionEventInvokeConfigCommand({ FunctionName: 'orders', MaximumRetryAttempts: 0 }),
  );
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
  };
  const redrive = async (...args: string[]): Promise<Ran> => {
    const child = spawn(process.execPath, [BIN, ...args, '--endpoint', server.endpoint], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await ended, out, err };
  };
  const invoke = (id: number) =>
    clients.lambda.send(
      new InvokeCommand({
        FunctionName: 'orders',
        InvocationType: 'Event',
        Payload: Buffer.from(`{"id":${id}}`),
      }),
    );
  const fail = async (count: number) => {
    for (let id = 1; id <= count; id++) await invoke(id);
    await eventually(async () => (await clients.control.ledger()).fates.DeadLettered === count);
  };
  const fix = async () =>
    clients.lambda.send(
      new UpdateFunctionCodeCommand({
        FunctionName: 'orders',
        ZipFile: await makeZip({ 'index.mjs': 'export const handler = async (e) => e.id;' }),
      }),
    );
  return { ...clients, endpoint: server.endpoint, redrive, invoke, fail, fix, dead };
}

test('from the list to the redriven event', async (t) => {
  const { redrive, fail, fix, control } = await startWorld(t);
  await fail(3);
  assert.match((await redrive('dlq', 'list')).out, /dead +3 +\S+ \S+ +function orders/);
  const groups = await redrive('dlq', 'groups', 'dead');
  assert.match(groups.out, /TypeError: order # has no lines at handler \(index.mjs\)/);
  const group = /^([0-9a-f]{12}) /m.exec(groups.out)?.[1] as string;
  const shown = JSON.parse((await redrive('dlq', 'show', 'dead', '--json')).out);
  assert.equal(shown.messages.length, 3);
  const [{ ref }] = shown.messages;
  const one = await redrive('dlq', 'show', 'dead', ref);
  assert.match(one.out, /failure +TypeError: order \d has no lines/);

  const nothing = await redrive('dlq', 'redrive', 'dead');
  assert.equal(nothing.code, 2);
  assert.match(nothing.err, /expected one of: letters by name, --group <id>, --all; found none/);
  const tried = await redrive('dlq', 'try', 'dead', ref);
  assert.equal(tried.code, 1);
  assert.match(tried.out, /functionError/);

  const edited = await redrive('dlq', 'edit', 'dead', ref, '--payload', '{"id":99}');
  assert.match(edited.out, /^\+ +"id": 99$/m);
  await fix();
  const moved = await redrive('dlq', 'redrive', 'dead', '--group', group, '--stop-above', '50%');
  assert.equal(moved.code, 0, moved.err);
  assert.match(moved.out, /Completed: redriven 3 of 3 · 3 succeeded/);
  await eventually(async () => (await control.ledger()).fates.Succeeded === 3);
  assert.match((await redrive('dlq', 'jobs')).out, /redrive +dead +Completed +3 +3/);
  assert.match((await redrive('dlq', 'show', 'dead')).out, /no letters/);
  assert.match((await redrive('dlq', 'groups', 'nobody')).err, /no queue is named nobody/);
});

test('out to a file, discarded, and in again', async (t) => {
  const { redrive, fail } = await startWorld(t);
  await fail(2);
  const file = join(await tempFolder(t), 'letters.jsonl');
  assert.equal((await redrive('dlq', 'export', 'dead', '--output', file)).code, 0);
  assert.equal((await redrive('dlq', 'discard', 'dead', '--all')).code, 2);
  assert.match(
    (await redrive('dlq', 'discard', 'dead', '--all', '--reason', 'a drill')).out,
    /discarded 2 of 2/,
  );
  assert.match((await redrive('dlq', 'import', 'dead', file)).out, /2 letters imported/);
  assert.match((await redrive('dlq', 'groups', 'dead')).out, / 2 .*TypeError/);
  await writeFile(file, '{"no":"body"}\n');
  const wrong = await redrive('dlq', 'import', 'dead', file);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /line 1: body/);
});

test('the tail shows timelines as they happen', async (t) => {
  const { invoke, endpoint } = await startWorld(t);
  const child = spawn(process.execPath, [BIN, 'events', 'tail', '--endpoint', endpoint], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  atEnd(t, () => child.kill('SIGKILL'));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  await eventually(
    async () => {
      await invoke(1);
      return /accepted from Invoke/.test(out);
    },
    { timeoutMs: 30_000, everyMs: 200 },
  );
  await eventually(() => /orders {2}DeadLettered \(RetriesExhausted\)/.test(out), { what: out });
});

test('a real account: read, grouped, sent again and discarded through the AWS API', async (t) => {
  const { redrive, fail, fix, control, sqs } = await startWorld(t);
  await fail(3);
  const workDead = await createQueue({ sqs }, 'work-dlq');
  const work = await createQueue({ sqs }, 'work', {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: workDead.arn, maxReceiveCount: '3' }),
  });
  await sqs.send(new SendMessageCommand({ QueueUrl: workDead.url, MessageBody: 'by hand' }));
  assert.match((await redrive('dlq', 'list', '--aws')).out, /work-dlq +1/);
  const groups = JSON.parse((await redrive('dlq', 'groups', 'dead', '--aws', '--json')).out);
  assert.equal(groups.total, 3);
  assert.equal(groups.groups[0].message, 'order # has no lines');
  const shown = JSON.parse((await redrive('dlq', 'show', 'dead', '--aws', '--json')).out);
  assert.equal(shown.messages.length, 3);

  await fix();
  const [first, second] = shown.messages;
  const sent = await redrive('dlq', 'redrive', 'dead', first.messageId, '--aws', '--function', 'orders');
  assert.match(sent.out, /1 letters sent again/, sent.err);
  assert.match(
    (await redrive('dlq', 'discard', 'dead', second.messageId, '--aws', '--reason', 'x')).out,
    /^1 letters/,
  );
  await eventually(async () => (await control.ledger()).fates.Succeeded === 1);
  const left = JSON.parse((await redrive('dlq', 'groups', 'dead', '--aws', '--json')).out);
  assert.equal(left.total, 1);

  const plain = await redrive('dlq', 'redrive', 'dead', '--all', '--aws');
  assert.match(plain.err, /not the dead-letter queue of a queue: name its function with --function/);
  const lost = await redrive('dlq', 'redrive', 'work-dlq', '--all', '--aws');
  assert.equal(lost.code, 1);
  assert.match(lost.err, /CouldNotDetermineMessageSource; .*--function/);
  const moved = await redrive('dlq', 'redrive', 'work-dlq', '--all', '--aws', '--to', work.arn);
  assert.match(moved.out, /COMPLETED: 1 letters moved/, moved.err);
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: work.url }));
  assert.equal(Messages?.[0]?.Body, 'by hand');
});

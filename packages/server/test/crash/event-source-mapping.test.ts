/** A server that is killed again and again while a mapping works: every message that was sent is processed. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CreateEventSourceMappingCommand } from '@aws-sdk/client-lambda';
import { GetQueueAttributesCommand, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { SeededRandom } from '../../src/platform/random.ts';
import { createClients } from '../support/clients.ts';
import { eventually } from '../support/eventually.ts';
import { createFunction, createQueue } from '../support/functions.ts';
import { startProcess } from '../support/server-process.ts';
import { tempFolder } from '../support/temp-folder.ts';

const KILLS = 6;
const BATCHES_PER_LIFE = 12;
const BATCH = 10;

/** Notes what it processed where the test can see it; every twentieth message fails at first. */
const HANDLER = `
  import { appendFileSync } from 'node:fs';
  export const handler = async ({ Records }) => {
    const batchItemFailures = [];
    for (const { body, messageId, attributes } of Records) {
      if (body.endsWith('7') && attributes.ApproximateReceiveCount === '1') batchItemFailures.push({ itemIdentifier: messageId });
      else appendFileSync(process.env.OUT, body + '\\n');
    }
    return { batchItemFailures };
  };`;

test('nothing sent is lost, nothing stays behind', async (t) => {
  const random = new SeededRandom(7);
  const data = await tempFolder(t);
  const out = join(data, 'processed');
  const sent = new Set<string>();
  let server = await startProcess(t, { data });
  let clients = createClients(t, server.endpoint);
  const queue = await createQueue(clients, 'work', { VisibilityTimeout: '5' });
  await createFunction(clients, 'worker', HANDLER, { Environment: { Variables: { OUT: out } } });
  await clients.lambda.send(
    new CreateEventSourceMappingCommand({
      FunctionName: 'worker',
      EventSourceArn: queue.arn,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    }),
  );
  const url = () => `${server.endpoint}${new URL(queue.url).pathname}`;
  let number = 0;
  for (let life = 0; life < KILLS; life++) {
    const killAt = Math.floor(random.next() * BATCHES_PER_LIFE);
    for (let i = 0; i < BATCHES_PER_LIFE; i++) {
      const Entries = Array.from({ length: BATCH }, (_, Id) => ({
        Id: String(Id),
        MessageBody: `message ${number++}`,
      }));
      const sending = clients.sqs.send(new SendMessageBatchCommand({ QueueUrl: url(), Entries }));
      // Whoever is killed may answer or not.
      sending.catch(() => undefined);
      if (i === killAt) {
        await server.kill9();
        await sending.catch(() => undefined);
        server = await startProcess(t, { data });
        clients = createClients(t, server.endpoint);
        continue;
      }
      const { Successful = [] } = await sending;
      for (const { Id } of Successful) sent.add(Entries[Number(Id)]?.MessageBody ?? '');
    }
  }
  const done = await eventually(
    async () => {
      const processed = new Set((await readFile(out, 'utf8')).split('\n'));
      return [...sent].every((body) => processed.has(body)) && processed;
    },
    { timeoutMs: 60_000, everyMs: 100, what: 'every message processed' },
  );
  assert.ok(done.size > sent.size / 2);
  await eventually(
    async () => {
      const { Attributes } = await clients.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: url(), AttributeNames: ['All'] }),
      );
      return (
        Attributes?.ApproximateNumberOfMessages === '0' &&
        Attributes.ApproximateNumberOfMessagesNotVisible === '0'
      );
    },
    { timeoutMs: 30_000, everyMs: 100 },
  );
});

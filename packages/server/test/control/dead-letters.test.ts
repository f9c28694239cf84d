/** Dead letters as an operator works on them, over a real server on a virtual clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  InvokeCommand,
  PublishVersionCommand,
  PutFunctionEventInvokeConfigCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { DeleteQueueCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { type Api, createApi } from '../support/api.ts';
import { atEnd, type Cleanup } from '../support/cleanup.ts';
import { type Clients, createClients } from '../support/clients.ts';
import { eventually } from '../support/eventually.ts';
import { createFunction, createQueue } from '../support/functions.ts';
import { startInProcess } from '../support/server-inside.ts';
import { makeZip } from '../support/zip.ts';

const FAILING = `
export const handler = async (event) => {
  if (event.kind === 'type') throw new TypeError('order ' + event.id + ' has no lines');
  if (event.kind === 'range') throw new RangeError('price out of range');
  return { done: event.id };
};`;
const FIXED = 'export const handler = async (event) => ({ done: event.id });';

interface World extends Clients {
  readonly api: Api;
  readonly endpoint: string;
  readonly deadUrl: string;
}

/** A function with a dead-letter queue, and a server that knows nothing else. */
async function startWorld(t: Cleanup, source = FAILING): Promise<World> {
  const server = await startInProcess(t, { clock: 'virtual' });
  const clients = createClients(t, server.endpoint);
  const dead = await createQueue(clients, 'dead');
  await createFunction(clients, 'orders', source, { DeadLetterConfig: { TargetArn: dead.arn } });
  return { ...clients, api: createApi(server.endpoint), endpoint: server.endpoint, deadUrl: dead.url };
}

async function invoke({ lambda }: World, payload: unknown): Promise<string> {
  const answer = await lambda.send(
    new InvokeCommand({
      FunctionName: 'orders',
      InvocationType: 'Event',
      Payload: Buffer.from(JSON.stringify(payload)),
    }),
  );
  return answer.$metadata.requestId as string;
}

/** Lets every event run out of retries. */
async function giveUp(world: World): Promise<void> {
  await world.control.advance('4m');
}

async function finish(world: World, jobId: string) {
  return eventually(
    async () => {
      await world.control.advance('1s');
      const job = await world.api.get(`/jobs/${jobId}`);
      return job.status !== 'Running' && job;
    },
    { what: `the end of job ${jobId}` },
  );
}

test('dead letters are grouped by failure and sent back to their function', async (t) => {
  const world = await startWorld(t);
  const { api, lambda } = world;
  const ids = [];
  for (let id = 1; id <= 3; id++) ids.push(await invoke(world, { kind: 'type', id }));
  await invoke(world, { kind: 'range', id: 9 });
  await giveUp(world);

  const { queues } = await api.get('/dead-letters');
  assert.equal(queues.length, 1);
  assert.equal(queues[0].name, 'dead');
  assert.equal(queues[0].depth, 4);
  assert.deepEqual(queues[0].sources, [{ kind: 'function', name: 'orders' }]);

  const { groups, total } = await api.get('/dead-letters/dead/groups');
  assert.equal(total, 4);
  assert.deepEqual(
    groups.map(({ type, message, count }: { type: string; message: string; count: number }) => [
      type,
      message,
      count,
    ]),
    [
      ['TypeError', 'order # has no lines', 3],
      ['RangeError', 'price out of range', 1],
    ],
  );
  const [group] = groups;
  assert.deepEqual(group.frames, ['handler (index.mjs)']);
  assert.deepEqual(group.versions, { $LATEST: 3 });
  assert.deepEqual(group.sources, { orders: 3 });

  const { messages } = await api.get(`/dead-letters/dead/messages?group=${group.fingerprint}`);
  assert.deepEqual(messages.map(({ requestId }: { requestId: string }) => requestId).sort(), ids);
  messages.sort((a: { requestId: string }, b: { requestId: string }) => (a.requestId < b.requestId ? -1 : 1));
  const letter = await api.get(`/dead-letters/dead/messages/${messages[0].ref}`);
  assert.equal(letter.payload, '{"kind":"type","id":1}');
  assert.equal(letter.errorMessage, 'order 1 has no lines');
  assert.equal(letter.attempts, 3);
  assert.equal(letter.messageAttributes.ErrorCode.StringValue, '200');

  await lambda.send(
    new UpdateFunctionCodeCommand({ FunctionName: 'orders', ZipFile: await makeZip({ 'index.mjs': FIXED }) }),
  );
  const job = await api.post(
    '/dead-letters/dead/redrive',
    { selection: { kind: 'group', fingerprint: group.fingerprint } },
    202,
  );
  const done = await finish(world, job.jobId);
  assert.equal(done.status, 'Completed');
  assert.equal(done.moved, 3);
  assert.equal((await api.get('/dead-letters/dead/groups')).total, 1);

  const original = await api.get(`/events/${ids[0]}`);
  assert.equal(original.fate.kind, 'DeadLettered');
  const redriven = original.timeline.find(({ kind }: { kind: string }) => kind === 'redriven');
  const again = await api.get(`/events/${redriven.data.as}`);
  assert.equal(again.fate.kind, 'Succeeded');
  assert.equal(again.causedBy, ids[0]);
  assert.equal(again.source, 'Redrive');
  const ledger = await world.control.ledger();
  assert.equal(ledger.unaccounted, 0);
  assert.equal(ledger.accepted, 7);

  const { entries } = await api.get('/audit');
  assert.deepEqual(
    entries.map(({ action }: { action: string }) => action),
    ['job.end', 'redrive', 'redrive', 'redrive', 'job.start'],
  );
  assert.equal(entries[1].by, 'anonymous');
  assert.ok(ids.includes(entries[3].requestId));
});

test('a payload is edited with its original kept, tried, and sent', async (t) => {
  const world = await startWorld(t);
  const { api, lambda } = world;
  const requestId = await invoke(world, { kind: 'type', id: 1 });
  await lambda.send(
    new UpdateFunctionCodeCommand({
      FunctionName: 'orders',
      ZipFile: await makeZip({ 'index.mjs': FAILING }),
    }),
  );
  await giveUp(world);
  const [summary] = (await api.get('/dead-letters/dead/messages')).messages;
  const at = `/dead-letters/dead/messages/${summary.ref}`;

  assert.match((await api.put(`${at}/payload`, { payload: '{' }, 400)).error.message, /must be JSON/);
  const still = await api.post(`${at}/try`, {});
  assert.equal(still.outcome, 'functionError');
  assert.equal(still.errorType, 'TypeError');
  const better = await api.post(`${at}/try`, { payload: '{"kind":"ok","id":1}' });
  assert.equal(better.outcome, 'succeeded');
  assert.equal(better.response, '{"done":1}');
  assert.match(better.log, /REPORT RequestId/);

  const edited = await api.put(`${at}/payload`, { payload: '{"kind":"ok","id":1}' });
  assert.notEqual(edited.ref, summary.ref);
  assert.equal(edited.messageId, summary.messageId);
  assert.equal(edited.original, '{"kind":"type","id":1}');
  assert.equal(edited.edited, true);
  await api.get(at, 404);
  await api.put(`${at}/payload`, { payload: '{}' }, 404);

  const selection = { kind: 'messages', refs: [edited.ref] };
  const job = await api.post('/dead-letters/dead/redrive', { selection }, 202);
  assert.equal((await finish(world, job.jobId)).moved, 1);
  const { timeline } = await api.get(`/events/${requestId}`);
  const redriven = timeline.find(({ kind }: { kind: string }) => kind === 'redriven');
  assert.equal(redriven.data.edited, true);
  assert.equal((await api.get(`/events/${redriven.data.as}`)).fate.kind, 'Succeeded');
  const { entries } = await api.get('/audit');
  const edit = entries.find(({ action }: { action: string }) => action === 'edit');
  assert.match(edit.diff, /^-.*"type"/m);
  assert.match(edit.diff, /^\+.*"ok"/m);
});

test('the brake stops a redrive whose events fail again; it can be resumed and stopped', async (t) => {
  const world = await startWorld(t);
  const { api } = world;
  for (let id = 1; id <= 70; id++) await invoke(world, { kind: 'type', id });
  await giveUp(world);
  const options = { selection: { kind: 'all' }, stopAboveFailureRate: 0.2 };
  const job = await api.post('/dead-letters/dead/redrive', options, 202);
  const stopped = await finish(world, job.jobId);
  assert.equal(stopped.status, 'Stopped');
  assert.match(stopped.statusReason, /failed again: more than 20 %/);
  assert.ok(stopped.moved <= 50, `moved ${stopped.moved}`);
  assert.equal((await api.get('/dead-letters/dead/groups')).total, 70 - stopped.moved);
  await api.post(`/jobs/${job.jobId}/pause`, undefined, 409);
  const resumed = await api.post(`/jobs/${job.jobId}/resume`);
  assert.equal(resumed.failed, 0);
  assert.equal((await api.post(`/jobs/${job.jobId}/stop`)).status, 'Stopped');
});

test('a job keeps to its rate on the clock, pauses and goes on', async (t) => {
  const world = await startWorld(t);
  const { api } = world;
  for (let id = 1; id <= 30; id++) await invoke(world, { kind: 'type', id });
  await giveUp(world);
  const options = { selection: { kind: 'all' }, ratePerSecond: 10 };
  const { jobId } = await api.post('/dead-letters/dead/redrive', options, 202);
  await world.control.advance('1s');
  const first = await api.get(`/jobs/${jobId}`);
  assert.ok(first.moved >= 9 && first.moved <= 12, `moved ${first.moved}`);
  await api.post(`/jobs/${jobId}/pause`);
  await world.control.advance('10s');
  const paused = await api.get(`/jobs/${jobId}`);
  assert.equal(paused.status, 'Paused');
  assert.ok(paused.moved - first.moved <= 1);
  await api.post(`/jobs/${jobId}/resume`);
  assert.equal((await finish(world, jobId)).moved, 30);
});

test('discarding takes a reason and says so on the timeline', async (t) => {
  const world = await startWorld(t);
  const { api } = world;
  const requestId = await invoke(world, { kind: 'range' });
  await giveUp(world);
  await api.post('/dead-letters/dead/discard', { selection: { kind: 'all' } }, 400);
  const { jobId } = await api.post(
    '/dead-letters/dead/discard',
    { selection: { kind: 'all' }, reason: 'test data' },
    202,
  );
  assert.equal((await finish(world, jobId)).moved, 1);
  const { timeline } = await api.get(`/events/${requestId}`);
  assert.equal(timeline.at(-1).kind, 'deadLetterDiscarded');
  assert.equal(timeline.at(-1).data.reason, 'test data');
  assert.equal((await api.get('/dead-letters/dead/groups')).total, 0);
});

test('a failure record gives its event back; an edit changes the event alone', async (t) => {
  const world = await startWorld(t);
  const { api, lambda } = world;
  const records = await createQueue(world, 'records');
  await createFunction(world, 'plain', FAILING);
  await lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: 'plain',
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: records.arn } },
    }),
  );
  await lambda.send(
    new InvokeCommand({
      FunctionName: 'plain',
      InvocationType: 'Event',
      Payload: Buffer.from('{"kind":"type","id":9007199254740993}'),
    }),
  );
  await world.control.advance('1s');
  const [summary] = (await api.get('/dead-letters/records/messages')).messages;
  assert.equal(summary.kind, 'record');
  assert.equal(summary.preview, '{"kind":"type","id":9007199254740993}');
  const edited = await api.put(`/dead-letters/records/messages/${summary.ref}/payload`, {
    payload: '{"kind":"ok","id":9007199254740993}',
  });
  assert.match(edited.body, /"requestPayload":\{"kind":"ok","id":9007199254740993\},"responseContext"/);
  const { jobId } = await api.post('/dead-letters/records/redrive', { selection: { kind: 'all' } }, 202);
  assert.equal((await finish(world, jobId)).moved, 1);
  const { events } = await api.get('/events?function=plain');
  assert.equal(events[0].fate.kind, 'Succeeded');
  assert.equal(events[0].causedBy, events[1].requestId);
});

test('messages of a redrive policy go back to their queue; what a consumer holds is left alone', async (t) => {
  const world = await startWorld(t);
  const { api, sqs } = world;
  const { arn } = await createQueue(world, 'work-dead');
  const work = await createQueue(world, 'work', {
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn, maxReceiveCount: '1' }),
    VisibilityTimeout: '5',
  });
  for (const body of ['one', 'two'])
    await sqs.send(new SendMessageCommand({ QueueUrl: work.url, MessageBody: body }));
  for (let round = 0; round < 2; round++) {
    await sqs.send(new ReceiveMessageCommand({ QueueUrl: work.url, MaxNumberOfMessages: 10 }));
    await world.control.advance('6s');
  }
  const { messages } = await api.get('/dead-letters/work-dead/messages');
  assert.equal(messages.length, 2);
  assert.deepEqual(messages[0].origin, { kind: 'queue', arn: work.arn });
  const deadUrl = work.url.replace('/work', '/work-dead');
  const held = await sqs.send(new ReceiveMessageCommand({ QueueUrl: deadUrl, MaxNumberOfMessages: 1 }));
  const { jobId } = await api.post('/dead-letters/work-dead/redrive', { selection: { kind: 'all' } }, 202);
  const job = await finish(world, jobId);
  assert.equal(job.moved, 1);
  assert.equal(job.skipped, 1);
  const back = await sqs.send(new ReceiveMessageCommand({ QueueUrl: work.url, MaxNumberOfMessages: 10 }));
  assert.equal(back.Messages?.length, 1);
  assert.notEqual(back.Messages?.[0]?.Body, held.Messages?.[0]?.Body);
});

test('messages that cannot go anywhere stay, with the reason; a target helps', async (t) => {
  const world = await startWorld(t);
  const { api, sqs } = world;
  const other = await createQueue(world, 'other');
  await sqs.send(new SendMessageCommand({ QueueUrl: world.deadUrl, MessageBody: 'by hand' }));
  const { jobId } = await api.post('/dead-letters/dead/redrive', { selection: { kind: 'all' } }, 202);
  const job = await finish(world, jobId);
  assert.equal(job.moved, 0);
  assert.deepEqual(Object.values(job.refused), [1]);
  const options = { selection: { kind: 'all' }, target: other.arn };
  const second = await api.post('/dead-letters/dead/redrive', options, 202);
  assert.equal((await finish(world, second.jobId)).moved, 1);
  const back = await sqs.send(new ReceiveMessageCommand({ QueueUrl: other.url }));
  assert.equal(back.Messages?.[0]?.Body, 'by hand');
});

test('another version gets the events when asked', async (t) => {
  const world = await startWorld(t, FIXED);
  const { api, lambda } = world;
  await lambda.send(new PublishVersionCommand({ FunctionName: 'orders' }));
  await lambda.send(
    new UpdateFunctionCodeCommand({
      FunctionName: 'orders',
      ZipFile: await makeZip({ 'index.mjs': FAILING }),
    }),
  );
  await invoke(world, { kind: 'type', id: 1 });
  await giveUp(world);
  const [{ ref }] = (await api.get('/dead-letters/dead/messages')).messages;
  const tried = await api.post(`/dead-letters/dead/messages/${ref}/try`, { qualifier: '1' });
  assert.equal(tried.outcome, 'succeeded');
  assert.equal(tried.executedVersion, '1');
  const options = { selection: { kind: 'all' }, qualifier: '1' };
  const { jobId } = await api.post('/dead-letters/dead/redrive', options, 202);
  assert.equal((await finish(world, jobId)).moved, 1);
  assert.equal((await api.get('/events?function=orders')).events[0].fate.kind, 'Succeeded');
});

test('what is exported can be imported again, groups and all', async (t) => {
  const world = await startWorld(t);
  const { api } = world;
  for (let id = 1; id <= 3; id++) await invoke(world, { kind: 'type', id });
  await giveUp(world);
  const before = (await api.get('/dead-letters/dead/groups')).groups;
  const exported = await (await fetch(`${world.endpoint}/_redrive/api/dead-letters/dead/export`)).text();
  assert.equal(exported.trim().split('\n').length, 3);
  await createQueue(world, 'copy');
  const send = (body: string) =>
    fetch(`${world.endpoint}/_redrive/api/dead-letters/copy/import`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body,
    });
  assert.deepEqual(await (await send(exported)).json(), { imported: 3 });
  const after = (await api.get('/dead-letters/copy/groups')).groups;
  assert.equal(after[0].fingerprint, before[0].fingerprint);
  assert.equal(after[0].count, 3);
  const wrong = await send('{"body":"x"}\n{"nobody":1}\n');
  assert.equal(wrong.status, 400);
  assert.match(await wrong.text(), /line 2: body/);
});

test("notifications go back to their subscription's endpoint", async (t) => {
  const world = await startWorld(t, FIXED);
  const { api, sqs } = world;
  const sns = new SNSClient({
    endpoint: world.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  atEnd(t, () => sns.destroy());
  const lost = await createQueue(world, 'lost');
  const inbox = await createQueue(world, 'inbox');
  const topic = (await sns.send(new CreateTopicCommand({ Name: 'news' }))).TopicArn as string;
  await sns.send(
    new SubscribeCommand({
      TopicArn: topic,
      Protocol: 'sqs',
      Endpoint: inbox.arn,
      Attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: lost.arn }) },
    }),
  );
  await sqs.send(new DeleteQueueCommand({ QueueUrl: inbox.url }));
  await sns.send(new PublishCommand({ TopicArn: topic, Message: 'hello' }));
  const letter = await eventually(async () => {
    await world.control.advance('1m');
    return (await api.get('/dead-letters/lost/messages')).messages[0];
  });
  assert.equal(letter.kind, 'notification');
  const sources = (await api.get('/dead-letters')).queues.find(
    ({ name }: { name: string }) => name === 'lost',
  ).sources;
  assert.equal(sources[0].kind, 'subscription');
  await world.control.advance('61s');
  await createQueue(world, 'inbox');
  const { jobId } = await api.post('/dead-letters/lost/redrive', { selection: { kind: 'all' } }, 202);
  assert.equal((await finish(world, jobId)).moved, 1);
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: inbox.url }));
  assert.equal(JSON.parse(Messages?.[0]?.Body ?? '{}').Message, 'hello');
});

/** What an operator looks at: overview, functions, queues, events and what is around them, live. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvokeCommand, PutFunctionEventInvokeConfigCommand } from '@aws-sdk/client-lambda';
import { createApi } from '../support/api.ts';
import { atEnd, type Cleanup } from '../support/cleanup.ts';
import { createClients } from '../support/clients.ts';
import { eventually } from '../support/eventually.ts';
import { createFunction, createQueue } from '../support/functions.ts';
import { startInProcess } from '../support/server-inside.ts';

const SOURCE = `
export const handler = async (event) => {
  console.log('working on', event.id);
  if (event.fail) throw new TypeError('order ' + event.id + ' has no lines');
  return { done: event.id };
};`;

async function startWorld(t: Cleanup, clock: 'virtual' | 'real' = 'virtual') {
  const server = await startInProcess(t, { clock });
  const clients = createClients(t, server.endpoint);
  const dead = await createQueue(clients, 'dead');
  const done = await createQueue(clients, 'done');
  await createFunction(clients, 'orders', SOURCE, { DeadLetterConfig: { TargetArn: dead.arn } });
  await createFunction(clients, 'audit', SOURCE);
  const invoke = async (payload: unknown, name = 'orders') => {
    const answer = await clients.lambda.send(
      new InvokeCommand({
        FunctionName: name,
        InvocationType: 'Event',
        Payload: Buffer.from(JSON.stringify(payload)),
      }),
    );
    return answer.$metadata.requestId as string;
  };
  return { ...clients, server, api: createApi(server.endpoint), dead, done, invoke };
}

test('the overview says that all is well, and what is wrong when something is', async (t) => {
  const { api, control, invoke } = await startWorld(t);
  await invoke({ id: 1 });
  await control.advance('1s');
  const calm = await api.get('/overview');
  assert.deepEqual(calm.problems, []);
  assert.equal(calm.ledger.fates.Succeeded, 1);
  await invoke({ id: 2, fail: true });
  await control.advance('4m');
  const worse = await api.get('/overview');
  assert.deepEqual(
    worse.problems.map(({ kind, subject }: { kind: string; subject: string }) => [kind, subject]),
    [
      ['deadLetters', 'dead'],
      ['failing', 'orders'],
    ],
  );
  assert.ok(worse.problems[0].since > calm.now);
  assert.equal(worse.deadLetters, 1);
  assert.equal(worse.lastHour.failed, 1);
  assert.equal(worse.lastHour.accepted, 2);
});

test('functions and queues come with their numbers and their connections', async (t) => {
  const { api, control, invoke, lambda, dead, done } = await startWorld(t);
  await lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: 'orders',
      MaximumRetryAttempts: 1,
      DestinationConfig: { OnSuccess: { Destination: done.arn } },
    }),
  );
  await invoke({ id: 1 });
  await invoke({ id: 2, fail: true });
  await control.advance('1s');
  const { functions } = await api.get('/functions');
  const orders = functions.find(({ name }: { name: string }) => name === 'orders');
  assert.equal(orders.accepted, 2);
  assert.equal(orders.fates.Succeeded, 1);
  assert.equal(orders.scheduled, 1);
  assert.equal(orders.deadLetterArn, dead.arn);
  assert.equal(orders.onSuccess, done.arn);
  assert.equal(orders.maximumRetryAttempts, 1);
  const detail = await api.get('/functions/orders');
  assert.deepEqual(detail.versions, []);
  await api.get('/functions/nobody', 404);
  const { queues } = await api.get('/queues');
  assert.deepEqual(
    queues.map(({ name, visible }: { name: string; visible: number }) => [name, visible]),
    [
      ['dead', 0],
      ['done', 1],
    ],
  );
  assert.deepEqual((await api.get('/queues/dead')).deadLettersOf, [{ kind: 'function', name: 'orders' }]);
  await api.get('/queues/nobody', 404);
});

test('events are found by what is in them', async (t) => {
  const { api, control, invoke } = await startWorld(t);
  const good = await invoke({ id: 'first', color: 'Green' });
  const bad = await invoke({ id: 'second', fail: true });
  await invoke({ id: 'third' }, 'audit');
  await control.advance('4m');
  const ids = async (query: string) =>
    (await api.get(`/events?${query}`)).events.map(({ requestId }: { requestId: string }) => requestId);
  assert.deepEqual(await ids('text=green'), [good]);
  assert.deepEqual(await ids('error=TypeError'), [bad]);
  assert.deepEqual(await ids('error=second%20has%20no'), [bad]);
  assert.deepEqual(await ids('reason=RetriesExhausted'), [bad]);
  assert.deepEqual(await ids('function=audit&text=first'), []);
  assert.deepEqual(await ids('text=%27%3B%20DROP'), []);
  const { events } = await api.get('/events?fate=DeadLettered&details=true');
  assert.equal(events[0].attempts, 3);
  assert.equal(events[0].errorType, 'TypeError');
});

test('an event shows its own log lines and the chain it belongs to', async (t) => {
  const { api, control, invoke, lambda } = await startWorld(t);
  const { Configuration } = { Configuration: 'arn:aws:lambda:us-east-1:000000000000:function:audit' };
  await lambda.send(
    new PutFunctionEventInvokeConfigCommand({
      FunctionName: 'orders',
      DestinationConfig: { OnSuccess: { Destination: Configuration } },
    }),
  );
  const requestId = await invoke({ id: 7 });
  await invoke({ id: 8 });
  await control.advance('2s');
  const { lines, group } = await api.get(`/events/${requestId}/logs`);
  assert.equal(group, '/aws/lambda/orders');
  const own = lines.map(({ text }: { text: string }) => text).join('\n');
  assert.match(own, /START RequestId/);
  assert.match(own, /working on 7/);
  assert.doesNotMatch(own, /working on 8/);
  const { events } = await api.get(`/events/${requestId}/chain`);
  assert.deepEqual(
    events.map(({ functionName, depth }: { functionName: string; depth: number }) => [functionName, depth]),
    [
      ['orders', 0],
      ['audit', 1],
    ],
  );
  const fromBelow = await api.get(`/events/${events[1].requestId}/chain`);
  assert.deepEqual(fromBelow.events, events);
});

/** Events of a stream as they come. */
function listen(t: Cleanup, url: string): { event: string; data: unknown }[] {
  const received: { event: string; data: unknown }[] = [];
  const abort = new AbortController();
  atEnd(t, () => abort.abort());
  void (async () => {
    const response = await fetch(url, { signal: abort.signal });
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      const parts = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n\n');
      rest = parts.pop() as string;
      for (const part of parts) {
        const event = /^event: (.*)$/m.exec(part)?.[1] ?? '';
        received.push({ event, data: JSON.parse(/^data: (.*)$/m.exec(part)?.[1] ?? 'null') });
      }
    }
  })().catch(() => undefined);
  return received;
}

test('timelines and changes are told as they happen', async (t) => {
  const { server, invoke } = await startWorld(t, 'real');
  const tail = listen(t, `${server.console}api/events/tail`);
  const live = listen(t, `${server.console}api/live`);
  await eventually(() => tail.length > 0 && live.length > 0);
  const requestId = await eventually(async () => {
    const id = await invoke({ id: 1 });
    await eventually(() => tail.some(({ data }) => (data as { requestId?: string }).requestId === id));
    return id;
  });
  await eventually(() => {
    const kinds = tail
      .map(({ data }) => data as { requestId?: string; kind?: string })
      .filter((line) => line.requestId === requestId)
      .map(({ kind }) => kind);
    return kinds.join() === 'accepted,attempt,fate';
  });
  await eventually(() =>
    live.some(({ event, data }) => event === 'changed' && (data as string[]).includes('events')),
  );
});

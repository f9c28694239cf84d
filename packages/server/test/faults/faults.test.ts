/** Faults on demand against a whole server: each acts where it should, is seen, and the books balance. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  InvokeCommand,
  ListFunctionsCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { createApi } from '../support/api.ts';
import { endOfFile } from '../support/cleanup.ts';
import { createClients } from '../support/clients.ts';
import { createFunction, createQueue } from '../support/functions.ts';
import { startInProcess } from '../support/server-inside.ts';

const file = endOfFile();
const server = await startInProcess(file, { clock: 'virtual' });
const clients = createClients(file, server.endpoint);
const { lambda, sqs, control } = clients;
const api = createApi(server.endpoint);
const dead = await createQueue(clients, 'dead');
await createFunction(clients, 'works', 'export const handler = async (e) => ({ ok: e });', {
  DeadLetterConfig: { TargetArn: dead.arn },
  Timeout: 5,
});

async function withFault(rule: object, run: (id: string) => Promise<void>): Promise<void> {
  const { id } = await api.post('/faults', rule, 201);
  try {
    await run(id);
  } finally {
    await fetch(`${server.endpoint}/_redrive/api/faults`, { method: 'DELETE' });
  }
}

async function accept(payload: object = {}): Promise<string> {
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName: 'works', InvocationType: 'Event', Payload: JSON.stringify(payload) }),
  );
  return answer.$metadata.requestId as string;
}

test('a rule that makes no sense is refused with what was expected', async () => {
  const bad = await api.post('/faults', { target: 'function:works', effect: 'explode', first: 0 }, 400);
  assert.match(bad.error.message, /first/);
  const effect = await api.post('/faults', { target: 'queue:dead', effect: 'timeout' }, 400);
  assert.match(effect.error.message, /expected one of accessDenied.*found 'timeout'/);
  const target = await api.post('/faults', { target: 'works', effect: 'timeout' }, 400);
  assert.match(target.error.message, /expected api:SERVICE:OPERATION/);
});

test('a function fails as asked, twice, then succeeds; the timeline says why', async () => {
  await withFault({ target: 'function:works', effect: 'timeout', first: 2 }, async (id) => {
    const event = await accept();
    await control.advance('4m');
    const { fate, attempts, timeline } = (await control.event(event))!;
    assert.equal(fate?.kind, 'Succeeded');
    assert.deepEqual(
      attempts.map(({ errorType }) => errorType),
      ['Sandbox.Timedout', 'Sandbox.Timedout', undefined],
    );
    const lines = timeline.filter(({ kind }) => kind === 'fault');
    assert.equal(lines.length, 2);
    assert.equal(lines[0]?.data?.fault, id);
    const { faults } = await api.get('/faults');
    assert.deepEqual([faults[0].seen, faults[0].acted], [3, 2]);
  });
});

const OUTCOMES: readonly [object, RegExp, string][] = [
  [{ effect: 'exception', errorType: 'PaymentDown', errorMessage: 'no' }, /^no$/, 'PaymentDown'],
  [{ effect: 'outOfMemory' }, /Runtime exited with error: signal: killed$/, 'Runtime.ExitError'],
  [{ effect: 'exit', exitCode: 3 }, /Runtime exited with error: exit status 3$/, 'Runtime.ExitError'],
  [{ effect: 'initFailure' }, /Cannot find module/, 'Runtime.ImportModuleError'],
  [{ effect: 'latency', delay: '6s' }, /Task timed out after 5.00 seconds$/, 'Sandbox.Timedout'],
];
for (const [rule, message, type] of OUTCOMES) {
  test(`a synchronous caller sees ${JSON.stringify(rule)} as AWS shows it`, async () => {
    await withFault({ target: 'function:work*', ...rule }, async () => {
      const answer = await lambda.send(new InvokeCommand({ FunctionName: 'works', LogType: 'Tail' }));
      assert.equal(answer.FunctionError, 'Unhandled');
      const error = JSON.parse(answer.Payload?.transformToString() ?? '');
      assert.equal(error.errorType, type);
      assert.match(error.errorMessage, message);
      assert.match(Buffer.from(answer.LogResult ?? '', 'base64').toString(), /REPORT RequestId: /);
    });
  });
}

test('every service throttles, fails and denies in its own words', async (t) => {
  const config = {
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  };
  const sns = new SNSClient(config);
  const logs = new CloudWatchLogsClient(config);
  t.after(() => {
    sns.destroy();
    logs.destroy();
  });
  const calls: [string, () => Promise<unknown>, Record<string, [string, number]>][] = [
    [
      'lambda',
      () => lambda.send(new ListFunctionsCommand({})),
      {
        throttle: ['TooManyRequestsException', 429],
        unavailable: ['ServiceUnavailableException', 503],
        internalError: ['ServiceException', 500],
        accessDenied: ['AccessDeniedException', 403],
      },
    ],
    [
      'sqs',
      () => sqs.send(new SendMessageCommand({ QueueUrl: dead.url, MessageBody: 'x' })),
      {
        throttle: ['RequestThrottled', 403],
        unavailable: ['ServiceUnavailable', 503],
        internalError: ['InternalFailure', 500],
        accessDenied: ['AccessDenied', 403],
      },
    ],
    [
      'sns',
      () => sns.send(new ListTopicsCommand({})),
      {
        throttle: ['ThrottledException', 429],
        unavailable: ['ServiceUnavailable', 503],
        internalError: ['InternalErrorException', 500],
        accessDenied: ['AuthorizationErrorException', 403],
      },
    ],
    [
      'logs',
      () => logs.send(new DescribeLogGroupsCommand({})),
      {
        throttle: ['ThrottlingException', 400],
        unavailable: ['ServiceUnavailableException', 503],
        internalError: ['InternalFailure', 500],
        accessDenied: ['AccessDeniedException', 400],
      },
    ],
  ];
  for (const [service, call, expected] of calls) {
    for (const [effect, [name, status]] of Object.entries(expected)) {
      await withFault({ target: `api:${service}:*`, effect }, async (id) => {
        const error = (await call().then(
          () => assert.fail('it was let through'),
          (refusal: unknown) => refusal,
        )) as {
          name: string;
          $metadata: { httpStatusCode: number };
          $response: { headers: Record<string, string> };
        };
        assert.deepEqual(
          [error.name, error.$metadata.httpStatusCode],
          [name, status],
          `${service} ${effect}`,
        );
        assert.match(error.$response.headers['x-redrive-fault'] ?? '', new RegExp(`^${id}; `));
      });
    }
  }
});

test('a dropped request has done nothing, a lost answer has', async () => {
  const before = (await api.get('/ledger')).accepted;
  await withFault({ target: 'api:lambda:Invoke', effect: 'dropConnection', first: 1 }, async () => {
    await assert.rejects(accept());
    assert.equal((await api.get('/ledger')).accepted, before);
  });
  await withFault({ target: 'api:lambda:Invoke', effect: 'loseAnswer', first: 1 }, async () => {
    await assert.rejects(accept());
    await control.advance(1);
    assert.equal((await api.get('/ledger')).accepted, before + 1);
  });
});

test('a refused delivery leaves the event discarded, and says so', async () => {
  await withFault({ target: 'queue:dead', effect: 'accessDenied' }, async () => {
    await api.post('/faults', { target: 'function:works', effect: 'exception' }, 201);
    const event = await accept();
    await control.advance('4m');
    const { fate, timeline } = (await control.event(event))!;
    assert.deepEqual([fate?.kind, fate?.reason], ['Discarded', 'RetriesExhausted']);
    const failed = timeline.find(({ kind }) => kind === 'deliveryFailed');
    assert.equal(failed?.data?.code, 'AccessDenied');
    assert.ok(timeline.some(({ kind, data }) => kind === 'fault' && data?.target === 'queue:dead'));
  });
});

test('messages arrive corrupted, late or twice', async (t) => {
  const queue = await createQueue(clients, 'work', { VisibilityTimeout: '30' });
  const receive = async () =>
    (await sqs.send(new ReceiveMessageCommand({ QueueUrl: queue.url, MaxNumberOfMessages: 10 }))).Messages ??
    [];
  const send = (body: string) => sqs.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody: body }));
  const remove = (handle: string | undefined) =>
    sqs.send(new DeleteMessageCommand({ QueueUrl: queue.url, ReceiptHandle: handle }));

  await withFault({ target: 'queue:work', effect: 'corrupt', payload: { id: [1] } }, async () => {
    await send('{"id":2}');
    await send('{"id":1}');
    const [whole, broken] = await receive();
    assert.equal(whole?.Body, '{"id":2}');
    assert.throws(() => JSON.parse(broken?.Body ?? ''));
    await remove(whole?.ReceiptHandle);
    await remove(broken?.ReceiptHandle);
  });
  await withFault({ target: 'queue:work', effect: 'delay', delay: '10s' }, async () => {
    await send('late');
    assert.deepEqual(await receive(), []);
    await control.advance('10s');
    const [late] = await receive();
    assert.equal(late?.Body, 'late');
    await remove(late?.ReceiptHandle);
  });
  await withFault({ target: 'queue:work', effect: 'duplicate', first: 1 }, async () => {
    await send('once');
    const [first] = await receive();
    await remove(first?.ReceiptHandle);
    const [second] = await receive();
    assert.equal(second?.MessageId, first?.MessageId);
    await remove(second?.ReceiptHandle);
    await control.advance('1m');
    assert.deepEqual(await receive(), []);
  });
  t.diagnostic('every message was deleted');
});

test('a header asks for a fault around one request', async () => {
  const invoke = (wish: string, type = 'RequestResponse') =>
    fetch(`${server.endpoint}/2015-03-31/functions/works/invocations`, {
      method: 'POST',
      headers: { 'x-redrive-fault': wish, 'x-amz-invocation-type': type },
      body: '{}',
    });
  const throttled = await invoke('throttle');
  assert.equal(throttled.status, 429);
  assert.match(throttled.headers.get('x-redrive-fault') ?? '', /effect=throttle/);
  const failed = await invoke('target=function:works; effect=exception; errorType=Ouch');
  assert.equal(((await failed.json()) as { errorType: string }).errorType, 'Ouch');
  const event = await invoke('target=function:works; effect=exception; errorType=Ouch', 'Event');
  const id = event.headers.get('x-amzn-requestid') as string;
  await control.advance('4m');
  assert.equal((await control.event(id))?.fate?.kind, 'DeadLettered');
  assert.equal((await control.event(await accept()))?.attempts.length ?? 0, 0);
  assert.deepEqual((await api.get('/faults')).faults, []);
  const nonsense = await invoke('effekt=throttle');
  assert.equal(nonsense.status, 400);
  assert.match(await nonsense.text(), /expected one of target, effect/);
});

test('a full disk refuses, recovers when the rule is lifted, and loses nothing', async () => {
  await withFault({ target: 'store', effect: 'failingFsync' }, async () => {
    await assert.rejects(accept(), (error: { $metadata: { httpStatusCode: number } }) => {
      assert.equal(error.$metadata.httpStatusCode, 500);
      return true;
    });
  });
  const event = await accept();
  await control.advance(1);
  assert.equal((await control.event(event))?.fate?.kind, 'Succeeded');
});

test('without permission a header is refused, never ignored', async (t) => {
  const strict = await startInProcess(t, { clock: 'real' });
  const answer = await fetch(`${strict.endpoint}/2015-03-31/functions/`, {
    headers: { 'x-redrive-fault': 'throttle' },
  });
  assert.equal(answer.status, 403);
  assert.match(await answer.text(), /--allow-faults/);
});

test('after all of that the books balance', async () => {
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'works', Timeout: 6 }));
  await control.advance('7h');
  const verified = await control.verify();
  assert.deepEqual([verified.balanced, verified.ledger.unaccounted, verified.lost.count], [true, 0, 0]);
});

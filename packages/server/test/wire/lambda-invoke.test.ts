/** Invoke over the wire: statuses, headers, bodies and refusals of the three types, the old form and the stream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  InvokeAsyncCommand,
  InvokeCommand,
  type InvokeCommandInput,
  InvokeWithResponseStreamCommand,
  PutFunctionConcurrencyCommand,
  TooManyRequestsException,
} from '@aws-sdk/client-lambda';
import { eventually } from '../support/eventually.ts';
import { createFunction } from '../support/functions.ts';
import { ARN, invalid, missing, refusal, startLambdaWire } from './lambda-support.ts';

const wire = await startLambdaWire();
const { lambda } = wire;

await createFunction(
  wire,
  'probe',
  `export const handler = async (event, context) => {
     if (event?.fail) throw new TypeError('no luck');
     if (event?.nothing) return undefined;
     console.log('heard', JSON.stringify(event));
     return { event, requestId: context.awsRequestId, arn: context.invokedFunctionArn, custom: context.clientContext?.Custom };
   };`,
);

const invoke = (input: Partial<InvokeCommandInput>) =>
  lambda.send(new InvokeCommand({ FunctionName: 'probe', ...input }));
const text = (payload: Uint8Array | undefined) => Buffer.from(payload ?? []).toString();

/** The answer as it is on the wire. */
const raw = (path: string, headers: Record<string, string>, body?: string) =>
  fetch(`${wire.endpoint}${path}`, { method: 'POST', headers, body });
const PATH = '/2015-03-31/functions/probe/invocations';

test('RequestResponse: 200, executed version, payload', async () => {
  const answer = await invoke({ Payload: Buffer.from('{"a":1}') });
  assert.equal(answer.StatusCode, 200);
  assert.equal(answer.ExecutedVersion, '$LATEST');
  assert.equal(answer.FunctionError, undefined);
  assert.equal(answer.LogResult, undefined);
  assert.deepEqual(JSON.parse(text(answer.Payload)), {
    event: { a: 1 },
    requestId: answer.$metadata.requestId,
    arn: `${ARN}:probe`,
  });
});

test('a function that returns nothing gives the four bytes null', async () => {
  assert.equal(text((await invoke({ Payload: Buffer.from('{"nothing":true}') })).Payload), 'null');
});

test('no body is an empty event', async () => {
  assert.deepEqual(JSON.parse(text((await invoke({})).Payload)).event, {});
});

test('a failing function: 200, Unhandled, the error as payload', async () => {
  const answer = await invoke({ Payload: Buffer.from('{"fail":true}') });
  assert.equal(answer.StatusCode, 200);
  assert.equal(answer.FunctionError, 'Unhandled');
  const error = JSON.parse(text(answer.Payload));
  assert.deepEqual(Object.keys(error), ['errorType', 'errorMessage', 'trace']);
  assert.equal(error.errorType, 'TypeError');
  assert.equal(error.errorMessage, 'no luck');
});

test('the tail of the log', async () => {
  const answer = await invoke({ LogType: 'Tail', Payload: Buffer.from('{"a":"b"}') });
  const log = Buffer.from(answer.LogResult ?? '', 'base64').toString();
  assert.match(log, new RegExp(`START RequestId: ${answer.$metadata.requestId} Version: \\$LATEST\\n`));
  assert.match(log, /heard \{"a":"b"\}/);
  assert.match(log, /REPORT RequestId: \S+\tDuration: [\d.]+ ms\t/);
});

test('client context: handed over, and refused when it is not base64 of JSON', async () => {
  const context = Buffer.from('{"Custom":{"who":"me"}}').toString('base64');
  assert.deepEqual(JSON.parse(text((await invoke({ ClientContext: context })).Payload)).custom, {
    who: 'me',
  });
  assert.deepEqual(await refusal(invoke({ ClientContext: 'not base64 of json' })), [
    400,
    'InvalidRequestContentException',
    'Client context must be a valid Base64-encoded JSON object.',
  ]);
});

test('DryRun: 204 and nothing else', async () => {
  const answer = await raw(PATH, { 'X-Amz-Invocation-Type': 'DryRun' }, '{}');
  assert.equal(answer.status, 204);
  assert.equal(answer.headers.get('x-amz-executed-version'), null);
  assert.equal(await answer.text(), '');
});

test('Event: 202, empty, and the request id is the id of the event', async () => {
  const answer = await raw(
    PATH,
    { 'X-Amz-Invocation-Type': 'Event', 'X-Amz-Client-Context': 'neither checked nor used' },
    '{"later":true}',
  );
  assert.equal(answer.status, 202);
  assert.equal(answer.headers.get('x-amz-executed-version'), null);
  assert.equal(await answer.text(), '');
  const requestId = answer.headers.get('x-amzn-requestid') ?? '';
  const event = await eventually(async () => {
    const found = await wire.control.event(requestId);
    return found?.fate && found;
  });
  assert.equal(event.fate?.kind, 'Succeeded');
  assert.equal(event.functionArn, `${ARN}:probe:$LATEST`);
});

test('bodies that are no JSON are refused by every type, in the recorded words', async () => {
  const words = (fault: string, column: number) =>
    `Could not parse request body into json: Could not parse payload into json: ${fault}\n at [Source: REDACTED (\`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION\` disabled); line: 1, column: ${column}]`;
  for (const InvocationType of ['RequestResponse', 'Event', 'DryRun'] as const) {
    assert.deepEqual(
      await refusal(invoke({ InvocationType, Payload: Buffer.from([0x6e, 0x87, 0x72, 0x9e]) })),
      [400, 'InvalidRequestContentException', words('Invalid UTF-8 start byte 0x87', 3)],
    );
    const [status, name, message] = await refusal(invoke({ InvocationType, Payload: Buffer.from('{"a":') }));
    assert.deepEqual([status, name], [400, 'InvalidRequestContentException']);
    assert.equal(message, words('Unexpected end-of-input', 6));
  }
});

test('sizes at and past their limits', async () => {
  const payload = (bytes: number) => Buffer.from(JSON.stringify('x'.repeat(bytes - 2)));
  const send = (bytes: number, InvocationType: 'Event' | 'RequestResponse') =>
    invoke({ InvocationType, Payload: payload(bytes) });
  assert.equal((await send(1_048_576, 'Event')).StatusCode, 202);
  assert.deepEqual(await refusal(send(1_048_577, 'Event')), [
    413,
    'RequestEntityTooLargeException',
    '1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)',
  ]);
  assert.deepEqual(await refusal(send(6_291_457, 'RequestResponse')), [
    413,
    'RequestEntityTooLargeException',
    '6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)',
  ]);
});

test('what does not exist', async () => {
  for (const InvocationType of ['RequestResponse', 'Event', 'DryRun'] as const) {
    assert.deepEqual(
      await refusal(invoke({ FunctionName: 'nobody', InvocationType })),
      missing(`Function not found: ${ARN}:nobody:$LATEST`),
    );
    assert.deepEqual(
      await refusal(invoke({ Qualifier: 'alias', InvocationType })),
      missing(`Function not found: ${ARN}:probe:alias`),
    );
  }
  assert.deepEqual(
    await refusal(invoke({ FunctionName: 'probe:1', Qualifier: '2' })),
    invalid('The derived qualifier from the function name does not match the specified qualifier.'),
  );
});

test('a reservation of zero throttles synchronous calls', async () => {
  await wire.create('throttled');
  await lambda.send(
    new PutFunctionConcurrencyCommand({ FunctionName: 'throttled', ReservedConcurrentExecutions: 0 }),
  );
  await assert.rejects(invoke({ FunctionName: 'throttled' }), (error: TooManyRequestsException) => {
    assert.ok(error instanceof TooManyRequestsException);
    assert.equal(error.Reason, 'ReservedFunctionConcurrentInvocationLimitExceeded');
    assert.equal(error.Type, 'User');
    assert.equal(error.message, 'Rate Exceeded.');
    assert.equal(error.$metadata.httpStatusCode, 429);
    return true;
  });
});

test('InvokeAsync, the old form', async () => {
  const invokeAsync = (body: Buffer) =>
    lambda.send(new InvokeAsyncCommand({ FunctionName: 'probe', InvokeArgs: body }));
  assert.equal((await invokeAsync(Buffer.from('{}'))).Status, 202);
  assert.deepEqual(await refusal(invokeAsync(Buffer.alloc(262_153, 0x20))), [
    413,
    'RequestEntityTooLargeException',
    '262153 byte payload is too large for the Event invocation type (limit 262144 bytes)',
  ]);
  assert.equal((await raw('/2014-11-13/functions/probe/invoke-async/', {}, '{}')).status, 202);
});

test('InvokeWithResponseStream: chunks and a completion', async () => {
  const send = async (payload: string) => {
    const answer = await lambda.send(
      new InvokeWithResponseStreamCommand({
        FunctionName: 'probe',
        Payload: Buffer.from(payload),
        LogType: 'Tail',
      }),
    );
    const events = [];
    for await (const event of answer.EventStream ?? []) events.push(event);
    return { answer, events };
  };
  const { answer, events } = await send('{"a":1}');
  assert.equal(answer.ExecutedVersion, '$LATEST');
  const payload = events.map((event) => text(event.PayloadChunk?.Payload)).join('');
  assert.deepEqual(JSON.parse(payload).event, { a: 1 });
  const last = events.at(-1)?.InvokeComplete;
  assert.equal(last?.ErrorCode, undefined);
  assert.match(Buffer.from(last?.LogResult ?? '', 'base64').toString(), /START RequestId/);
  const failed = (await send('{"fail":true}')).events.at(-1)?.InvokeComplete;
  assert.equal(failed?.ErrorCode, 'Unhandled');
  assert.equal(JSON.parse(failed?.ErrorDetails ?? '').errorType, 'TypeError');
});

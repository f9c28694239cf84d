/** restJson1 with the SDK's Lambda client: every place a member can travel in, both ways, and errors. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  GetLayerVersionByArnCommand,
  InvokeAsyncCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  LambdaClient,
  ListAliasesCommand,
  ListLayersCommand,
  ListProvisionedConcurrencyConfigsCommand,
  PutFunctionEventInvokeConfigCommand,
  type TooManyRequestsException,
  UntagResourceCommand,
} from '@aws-sdk/client-lambda';
import { ApiError } from '../../src/protocol/error.ts';
import type { RequestContext } from '../../src/protocol/operation.ts';
import { rawRequest } from '../support/raw-request.ts';
import { type Front, refused, startFront } from './front.ts';

let front: Front;
let lambda: LambdaClient;
/** What the next call of a handler does. */
let answer: (input: unknown, context: RequestContext) => unknown = () => ({});

before(async () => {
  const run = (input: unknown, context: RequestContext) => answer(input, context) as object;
  front = await startFront([
    {
      name: 'lambda',
      errors: {
        TooManyRequestsException: { status: 429, fault: 'client', messageMember: 'message', type: 'User' },
        ResourceNotFoundException: { status: 404, fault: 'client', messageMember: 'Message', type: 'User' },
      },
      operations: {
        CreateFunction: run,
        DeleteFunction: run,
        Invoke: run,
        InvokeAsync: run,
        InvokeWithResponseStream: run,
        ListAliases: run,
        ListLayers: run,
        GetLayerVersionByArn: run,
        ListProvisionedConcurrencyConfigs: run,
        PutFunctionEventInvokeConfig: run,
        UntagResource: run,
      },
    },
  ]);
  lambda = new LambdaClient(front.client);
});
after(async () => {
  lambda.destroy();
  await front.close();
});
beforeEach(() => {
  answer = () => ({});
});

const ARN = 'arn:aws:lambda:eu-west-1:000000000000:function:orders:live';

test('labels, query, headers and a raw body reach the handler; status, headers and body come back', async () => {
  answer = () => ({
    StatusCode: 200,
    ExecutedVersion: '7',
    FunctionError: 'Unhandled',
    LogResult: 'bG9n',
    Payload: Buffer.from('{"ok":"é"}'),
  });
  const reply = await lambda.send(
    new InvokeCommand({
      FunctionName: ARN,
      Qualifier: 'live',
      InvocationType: 'RequestResponse',
      LogType: 'Tail',
      ClientContext: 'e30=',
      Payload: '{"a": [1, 2]}',
    }),
  );
  const { input, context } = front.last();
  assert.deepEqual(
    { ...input, Payload: input.Payload.toString() },
    {
      FunctionName: ARN,
      Qualifier: 'live',
      InvocationType: 'RequestResponse',
      LogType: 'Tail',
      ClientContext: 'e30=',
      Payload: '{"a": [1, 2]}',
    },
  );
  assert.equal(context.wire, 'rest-json');
  assert.equal(context.region, 'eu-west-1');
  assert.equal(context.origin, front.endpoint);
  assert.equal(context.sourceIp, '127.0.0.1');
  assert.equal(context.callerArn, `arn:aws:iam::000000000000:user/${context.accessKeyId}`);
  assert.equal(reply.$metadata.requestId, context.requestId);
  assert.equal(reply.StatusCode, 200);
  assert.equal(reply.ExecutedVersion, '7');
  assert.equal(reply.FunctionError, 'Unhandled');
  assert.equal(reply.LogResult, 'bG9n');
  assert.equal(reply.Payload?.transformToString(), '{"ok":"é"}');
});

test('a 202 and a 204 have no body', async () => {
  answer = () => ({ StatusCode: 202 });
  const accepted = await lambda.send(new InvokeCommand({ FunctionName: 'f', InvocationType: 'Event' }));
  assert.equal(accepted.StatusCode, 202);
  assert.equal(accepted.ExecutedVersion, undefined);
  assert.equal(front.last().input.Payload, undefined);
  answer = () => ({ StatusCode: 204 });
  const deleted = await lambda.send(new DeleteFunctionCommand({ FunctionName: 'f' }));
  assert.equal(deleted.$metadata.httpStatusCode, 204);
});

test('JSON bodies: blobs, maps, nested structures, numbers, absent members', async () => {
  answer = () => ({
    FunctionName: 'f',
    Timeout: 3,
    Environment: { Variables: { A: '1' } },
    Layers: undefined,
  });
  const reply = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'f',
      Role: 'arn:aws:iam::000000000000:role/r',
      Handler: 'index.handler',
      Runtime: 'nodejs22.x',
      Timeout: 30,
      Publish: true,
      Environment: { Variables: { KEY: 'välue', EMPTY: '' } },
      Code: { ZipFile: Buffer.from([0, 255, 80, 75]) },
      Tags: { a: 'b' },
    }),
  );
  const { input } = front.last();
  assert.deepEqual(input.Code.ZipFile, Buffer.from([0, 255, 80, 75]));
  assert.deepEqual(input.Environment, { Variables: { KEY: 'välue', EMPTY: '' } });
  assert.equal(input.Timeout, 30);
  assert.equal(input.Publish, true);
  assert.equal(reply.$metadata.httpStatusCode, 201);
  assert.deepEqual(reply.Environment, { Variables: { A: '1' } });
  assert.equal(reply.Layers, undefined);
});

test('timestamps are epoch seconds inside and numbers on the wire', async () => {
  answer = () => ({ LastModified: 1_790_312_384.592, MaximumRetryAttempts: 0, FunctionArn: `${ARN}` });
  const reply = await lambda.send(
    new PutFunctionEventInvokeConfigCommand({ FunctionName: 'f', MaximumRetryAttempts: 0 }),
  );
  assert.equal(reply.LastModified?.getTime(), 1_790_312_384_592);
  assert.equal(front.last().input.MaximumRetryAttempts, 0);
});

test('lists in the query; slashes, colons and spaces in labels', async () => {
  await lambda.send(new UntagResourceCommand({ Resource: ARN, TagKeys: ['a b', 'c/d&e', 'ü'] }));
  assert.deepEqual(front.last().input, { Resource: ARN, TagKeys: ['a b', 'c/d&e', 'ü'] });
});

test('operations that share a path are told apart by their literal query', async () => {
  await lambda.send(new ListLayersCommand({ MaxItems: 5 }));
  assert.equal(front.last().operation, 'ListLayers');
  assert.equal(front.last().input.MaxItems, 5);
  const layer = 'arn:aws:lambda:eu-west-1:000000000000:layer:l:1';
  await lambda.send(new GetLayerVersionByArnCommand({ Arn: layer }));
  assert.equal(front.last().operation, 'GetLayerVersionByArn');
  assert.equal(front.last().input.Arn, layer);
  await lambda.send(new ListProvisionedConcurrencyConfigsCommand({ FunctionName: 'f' }));
  assert.equal(front.last().operation, 'ListProvisionedConcurrencyConfigs');
});

test('the old asynchronous path works with and without its trailing slash', async () => {
  answer = () => ({ Status: 202 });
  const reply = await lambda.send(new InvokeAsyncCommand({ FunctionName: 'f', InvokeArgs: '{}' }));
  assert.equal(reply.Status, 202);
  assert.deepEqual(front.last().input.InvokeArgs, Buffer.from('{}'));
  const open = await startFront([{ name: 'lambda', operations: { InvokeAsync: { Status: 202 } } }], {
    auth: { mode: 'open' },
  });
  try {
    const path = '/2014-11-13/functions/f/invoke-async/';
    assert.equal((await rawRequest(open.port, { path, body: '{}' })).status, 202);
  } finally {
    await open.close();
  }
});

test('an error: type in a header, members in alphabetical order, extra headers', async () => {
  answer = () => {
    throw new ApiError('TooManyRequestsException', 'Rate Exceeded.', {
      members: { Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded' },
      headers: { 'Retry-After': '1' },
    });
  };
  const error = (await refused(
    lambda.send(new InvokeCommand({ FunctionName: 'f' })),
  )) as unknown as TooManyRequestsException;
  assert.equal(error.name, 'TooManyRequestsException');
  assert.equal(error.message, 'Rate Exceeded.');
  assert.equal(error.Reason, 'ReservedFunctionConcurrentInvocationLimitExceeded');
  assert.equal(error.Type, 'User');
  assert.equal(error.retryAfterSeconds, '1');
  assert.equal(error.$metadata.httpStatusCode, 429);
  assert.equal(error.$metadata.requestId, front.last().context.requestId);
});

test('errors look as recorded, byte for byte', async () => {
  const open = await startFront(
    [
      {
        name: 'lambda',
        errors: {
          ResourceNotFoundException: { status: 404, fault: 'client', messageMember: 'Message', type: 'User' },
        },
        operations: {
          GetFunction: () => {
            throw new ApiError('ResourceNotFoundException', 'Function not found: x');
          },
        },
      },
    ],
    { auth: { mode: 'open' } },
  );
  try {
    const get = (path: string) => rawRequest(open.port, { method: 'GET', path });
    const missing = await get('/2015-03-31/functions/x');
    assert.equal(missing.status, 404);
    assert.equal(missing.headers['x-amzn-errortype'], 'ResourceNotFoundException');
    assert.equal(missing.headers['content-type'], 'application/json');
    assert.equal(missing.body, '{"Message":"Function not found: x","Type":"User"}');
    assert.match(missing.headers['x-amzn-requestid']!, /^[0-9a-f-]{36}$/);
    const invalid = await get('/2015-03-31/functions/x%21');
    assert.equal(invalid.status, 400);
    assert.equal(invalid.headers['x-amzn-errortype'], 'ValidationException');
    assert.equal(
      invalid.body,
      JSON.stringify({
        message:
          "1 validation error detected: Value 'x!' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?",
      }),
    );
  } finally {
    await open.close();
  }
});

test('several violations are joined and counted', async () => {
  const error = await refused(
    lambda.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: 'f',
        MaximumRetryAttempts: 3,
        MaximumEventAgeInSeconds: 59,
        DestinationConfig: { OnFailure: { Destination: 'nonsense' } },
      }),
    ),
  );
  assert.equal(error.name, 'ValidationException');
  assert.equal(
    error.message,
    "3 validation errors detected: Value '3' at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 2; " +
      "Value '59' at 'maximumEventAgeInSeconds' failed to satisfy constraint: Member must have value greater than or equal to 60; " +
      "Value 'nonsense' at 'destinationConfig.onFailure.destination' failed to satisfy constraint: Member must satisfy regular expression pattern: $|kafka://([^.]([a-zA-Z0-9\\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)",
  );
});

test('an operation that is not offered is refused with a 501 that says so', async () => {
  const error = await refused(lambda.send(new GetFunctionCommand({ FunctionName: 'f' })));
  assert.equal(error.name, 'UnsupportedOperationException');
  assert.equal(error.message, 'Redrive does not support GetFunction of lambda.');
  assert.equal(error.$metadata.httpStatusCode, 501);
});

test('a bug is a 500 with the request id, logged with its cause, and never a 2xx', async () => {
  answer = () => {
    throw new TypeError('cannot read properties of undefined');
  };
  const error = await refused(lambda.send(new ListAliasesCommand({ FunctionName: 'f' })));
  assert.equal(error.name, 'ServiceException');
  assert.equal(error.$metadata.httpStatusCode, 500);
  assert.ok(!error.message.includes('undefined'));
  const { details, message } = front.logged.at(-1)!;
  assert.equal(message, 'operation failed');
  assert.equal((details as { requestId: string }).requestId, error.$metadata.requestId);
  assert.equal((details as { err: Error }).err.message, 'cannot read properties of undefined');
});

test('an error that no table knows is a bug too', async () => {
  answer = () => {
    throw new ApiError('MadeUpException', 'nobody knows me');
  };
  const error = await refused(lambda.send(new ListAliasesCommand({ FunctionName: 'f' })));
  assert.equal(error.name, 'ServiceException');
});

test('a store that cannot commit is a 500 that SDKs retry', async () => {
  answer = () => {
    throw Object.assign(new Error('disk full'), { name: 'StoreUnavailable' });
  };
  const error = await refused(lambda.send(new InvokeCommand({ FunctionName: 'f', InvocationType: 'Event' })));
  assert.equal(error.name, 'ServiceException');
  assert.equal(error.$metadata.httpStatusCode, 500);
});

test('a streamed response arrives event by event', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  answer = () => ({
    StatusCode: 200,
    ExecutedVersion: '$LATEST',
    EventStream: (async function* () {
      yield { PayloadChunk: { Payload: Buffer.from('first') } };
      await held;
      yield { PayloadChunk: { Payload: Buffer.from('second') } };
      yield { InvokeComplete: { ErrorCode: 'Unhandled', ErrorDetails: 'boom' } };
    })(),
  });
  const reply = await lambda.send(new InvokeWithResponseStreamCommand({ FunctionName: 'f' }));
  assert.equal(reply.ExecutedVersion, '$LATEST');
  const seen: string[] = [];
  for await (const event of reply.EventStream!) {
    if (event.PayloadChunk) {
      seen.push(Buffer.from(event.PayloadChunk.Payload!).toString());
      // The second chunk is only made once the first was received.
      release();
    } else seen.push(JSON.stringify(event.InvokeComplete));
  }
  assert.deepEqual(seen, ['first', 'second', '{"ErrorCode":"Unhandled","ErrorDetails":"boom"}']);
});

test('a handler learns that its client has gone', async () => {
  const abort = new AbortController();
  let gone: Promise<void> | undefined;
  answer = (_input, context) => {
    gone = new Promise((resolve) => context.signal.addEventListener('abort', () => resolve()));
    abort.abort();
    return gone.then(() => ({}));
  };
  await refused(lambda.send(new InvokeCommand({ FunctionName: 'f' }), { abortSignal: abort.signal }));
  await gone;
});

/** Function URLs: their configuration over the wire, and requests to them. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionUrlConfigCommand,
  type CreateFunctionUrlConfigCommandInput,
  DeleteAliasCommand,
  DeleteFunctionUrlConfigCommand,
  GetFunctionUrlConfigCommand,
  ListFunctionUrlConfigsCommand,
  PutFunctionConcurrencyCommand,
  UpdateFunctionUrlConfigCommand,
} from '@aws-sdk/client-lambda';
import { eventually } from '../support/eventually.ts';
import { createFunction } from '../support/functions.ts';
import { ARN, invalid, missing, plain, refusal, startLambdaWire, violates } from './lambda-support.ts';

const wire = await startLambdaWire();
const { lambda } = wire;

const create = (FunctionName: string, more: Partial<CreateFunctionUrlConfigCommandInput> = {}) =>
  lambda.send(new CreateFunctionUrlConfigCommand({ FunctionName, AuthType: 'NONE', ...more }));
const get = (FunctionName: string, Qualifier?: string) =>
  lambda.send(new GetFunctionUrlConfigCommand({ FunctionName, Qualifier }));
const permit = (FunctionName: string, Qualifier?: string) =>
  lambda.send(
    new AddPermissionCommand({
      FunctionName,
      Qualifier,
      StatementId: 'url',
      Action: 'lambda:InvokeFunctionUrl',
      Principal: '*',
      FunctionUrlAuthType: 'NONE',
    }),
  );

/** A function behind a URL that everybody may call. */
async function serve(name: string, source: string, more: Partial<CreateFunctionUrlConfigCommandInput> = {}) {
  await createFunction(wire, name, source, { Publish: true });
  await permit(name);
  return (await create(name, more)).FunctionUrl ?? '';
}

test('the life of a URL has the recorded members', async () => {
  await wire.create('life', { Publish: true });
  const created = await create('life');
  assert.equal(created.$metadata.httpStatusCode, 201);
  assert.deepEqual(Object.keys(plain(created)).sort(), [
    'AuthType',
    'CreationTime',
    'FunctionArn',
    'FunctionUrl',
  ]);
  assert.equal(created.FunctionArn, `${ARN}:life`);
  assert.deepEqual(await refusal(create('life')), [
    409,
    'ResourceConflictException',
    `Failed to create function url config for [functionArn = ${ARN}:life]. Error message:  FunctionUrlConfig exists for this Lambda function`,
  ]);
  assert.equal((await get('life')).InvokeMode, 'BUFFERED');
  const updated = await lambda.send(
    new UpdateFunctionUrlConfigCommand({
      FunctionName: 'life',
      AuthType: 'AWS_IAM',
      Cors: { AllowOrigins: ['*'] },
    }),
  );
  assert.equal(updated.AuthType, 'AWS_IAM');
  assert.equal(updated.InvokeMode, undefined);
  assert.ok(updated.LastModifiedTime);
  await lambda.send(new CreateAliasCommand({ FunctionName: 'life', Name: 'alias', FunctionVersion: '1' }));
  await create('life', { Qualifier: 'alias', InvokeMode: 'RESPONSE_STREAM' });
  const { FunctionUrlConfigs } = await lambda.send(
    new ListFunctionUrlConfigsCommand({ FunctionName: 'life' }),
  );
  assert.deepEqual(
    FunctionUrlConfigs?.map((each) => [each.FunctionArn, each.InvokeMode]),
    [
      [`${ARN}:life`, 'BUFFERED'],
      [`${ARN}:life:alias`, 'RESPONSE_STREAM'],
    ],
  );
  await lambda.send(new DeleteFunctionUrlConfigCommand({ FunctionName: 'life' }));
  const gone = missing('The resource you requested does not exist.');
  assert.deepEqual(await refusal(get('life')), gone);
  assert.equal((await get('life', 'alias')).FunctionArn, `${ARN}:life:alias`);
  assert.deepEqual(await refusal(get('nobody')), gone);
  assert.deepEqual(await refusal(create('nobody')), missing('Function does not exist'));
  assert.deepEqual(
    await refusal(create('life', { Qualifier: 'nobody' })),
    missing('Function does not exist'),
  );
  assert.deepEqual(
    await refusal(create(`${ARN}:life:alias`, { Qualifier: 'other' })),
    invalid('The derived qualifier from the function name does not match the specified qualifier.'),
  );
  assert.deepEqual(
    await refusal(create('life', { Qualifier: '1' })),
    violates(
      "Value '1' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)",
    ),
  );
});

test('a request becomes an event', async () => {
  const url = await serve('echo', 'export const handler = async (event) => event;');
  const answer = await fetch(`${url}some/path?q=1&many=a&many=b%20c`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie: 'a=1; b=2', 'x-own': 'With CapS' },
    body: '{"hello":"world"}',
  });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'application/json');
  // biome-ignore lint/suspicious/noExplicitAny: the event of a URL
  const event = (await answer.json()) as any;
  assert.equal(event.version, '2.0');
  assert.equal(event.routeKey, '$default');
  assert.equal(event.rawPath, '/some/path');
  assert.equal(event.rawQueryString, 'q=1&many=a&many=b%20c');
  assert.deepEqual(event.queryStringParameters, { q: '1', many: 'a,b c' });
  assert.deepEqual(event.cookies, ['a=1', 'b=2']);
  assert.equal(event.headers['x-own'], 'With CapS');
  assert.equal(event.headers.cookie, undefined);
  assert.match(event.headers['x-amzn-trace-id'], /^Root=1-/);
  assert.equal(event.body, '{"hello":"world"}');
  assert.equal(event.isBase64Encoded, false);
  assert.equal(event.requestContext.http.method, 'POST');
  assert.equal(event.requestContext.http.path, '/some/path');
  assert.equal(event.requestContext.requestId, answer.headers.get('x-amzn-requestid'));
  assert.match(event.requestContext.time, /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/);

  const binary = await fetch(url, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.from([0, 255]),
  });
  // biome-ignore lint/suspicious/noExplicitAny: the event of a URL
  const binaryEvent = (await binary.json()) as any;
  assert.deepEqual([binaryEvent.isBase64Encoded, binaryEvent.body], [true, 'AP8=']);
});

test('results become responses', async () => {
  const url = await serve(
    'results',
    'export const handler = async (event) => { const r = JSON.parse(event.body); if (r === "throw") throw new Error("x"); return r; };',
  );
  const send = async (result: unknown) => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(result),
    });
    return {
      status: answer.status,
      type: answer.headers.get('content-type'),
      text: await answer.text(),
      headers: answer.headers,
    };
  };
  const plainly: [unknown, string][] = [
    [{ hello: 'world' }, '{"hello":"world"}'],
    [['hello', 3, true], '["hello",3,true]'],
    ['hello', 'hello'],
    [3, '3'],
    [3.1, '3.1'],
    [true, 'true'],
  ];
  for (const [result, text] of plainly) {
    const answer = await send(result);
    assert.deepEqual([answer.status, answer.type, answer.text], [200, 'application/json', text]);
  }
  const shaped = await send({
    statusCode: 418,
    headers: { 'X-Own': 'yes', 'content-type': 'text/plain' },
    cookies: ['a=1', 'b=2; Secure'],
    body: 'short and stout',
  });
  assert.deepEqual([shaped.status, shaped.type, shaped.text], [418, 'text/plain', 'short and stout']);
  assert.equal(shaped.headers.get('x-own'), 'yes');
  assert.deepEqual(shaped.headers.getSetCookie(), ['a=1', 'b=2; Secure']);
  assert.equal((await send({ statusCode: 200, body: 'aGk=', isBase64Encoded: true })).text, 'hi');
  for (const bad of ['throw', { statusCode: 'none' }, { statusCode: 200, headers: { 'bad header': 'x' } }]) {
    const answer = await send(bad);
    assert.deepEqual([answer.status, answer.text], [502, 'Internal Server Error'], JSON.stringify(bad));
  }
  await lambda.send(
    new PutFunctionConcurrencyCommand({ FunctionName: 'results', ReservedConcurrentExecutions: 0 }),
  );
  assert.equal((await send(1)).status, 429);
});

test('functions that stream', async () => {
  const url = await serve(
    'streaming',
    `export const handler = awslambda.streamifyResponse(async (event, stream) => {
       if (event.rawPath === '/shaped') {
         stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'X-Own': 'yes', 'Content-Type': 'text/plain' } });
       }
       stream.write('Hello, ');
       stream.end('world!');
     });`,
    { InvokeMode: 'RESPONSE_STREAM' },
  );
  const plainly = await fetch(url);
  assert.deepEqual([plainly.status, await plainly.text()], [200, 'Hello, world!']);
  assert.equal(plainly.headers.get('content-type'), 'application/octet-stream');
  const shaped = await fetch(`${url}shaped`);
  assert.deepEqual([shaped.status, await shaped.text()], [201, 'Hello, world!']);
  assert.deepEqual([shaped.headers.get('x-own'), shaped.headers.get('content-type')], ['yes', 'text/plain']);
});

test('X-Amz-Invocation-Type: Event is answered with 202 when the event is accepted', async () => {
  const url = await serve('later', 'export const handler = async () => 1;');
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'X-Amz-Invocation-Type': 'Event' },
    body: 'x',
  });
  assert.equal(answer.status, 202);
  assert.equal(await answer.text(), '');
  const requestId = answer.headers.get('x-amzn-requestid') ?? '';
  const event = await eventually(async () => {
    const found = await wire.control.event(requestId);
    return found?.fate && found;
  });
  assert.deepEqual([event.functionName, event.fate?.kind], ['later', 'Succeeded']);
});

test('who may call', async () => {
  const forbidden = {
    Message:
      'Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html',
  };
  const expectForbidden = async (url: string) => {
    const answer = await fetch(url);
    assert.equal(answer.status, 403);
    assert.equal(answer.headers.get('x-amzn-errortype'), 'AccessDeniedException');
    assert.deepEqual(await answer.json(), forbidden);
  };
  await wire.create('closed', { Publish: true });
  const { FunctionUrl = '' } = await create('closed');
  await expectForbidden(FunctionUrl);
  await permit('closed');
  assert.equal((await fetch(FunctionUrl)).status, 200);
  await expectForbidden(FunctionUrl.replace(/[a-z0-9]+\/$/, 'nobody/'));
  await lambda.send(new CreateAliasCommand({ FunctionName: 'closed', Name: 'alias', FunctionVersion: '1' }));
  await permit('closed', 'alias');
  const { FunctionUrl: aliased = '' } = await create('closed', { Qualifier: 'alias' });
  assert.equal((await fetch(aliased)).status, 200);
  await lambda.send(new DeleteAliasCommand({ FunctionName: 'closed', Name: 'alias' }));
  await expectForbidden(aliased);
});

test('CORS is answered without the function', async () => {
  const url = await serve('cors', 'export const handler = async () => ({ statusCode: 204 });', {
    Cors: {
      AllowOrigins: ['https://example.com'],
      AllowMethods: ['GET'],
      AllowHeaders: ['x-own'],
      MaxAge: 60,
    },
  });
  const preflight = await fetch(url, {
    method: 'OPTIONS',
    headers: { origin: 'https://example.com', 'access-control-request-method': 'GET' },
  });
  assert.equal(preflight.status, 200);
  assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://example.com');
  assert.equal(preflight.headers.get('access-control-max-age'), '60');
  const other = await fetch(url, { headers: { origin: 'https://elsewhere.example' } });
  assert.equal(other.status, 204);
  assert.equal(other.headers.get('access-control-allow-origin'), null);
});

test('the kind of host name AWS gives works too', async () => {
  const url = new URL(await serve('named', 'export const handler = async (event) => event.rawPath;'));
  const urlId = url.pathname.split('/')[3];
  const body = await new Promise<string>((resolve, reject) => {
    const call = request(
      {
        host: '127.0.0.1',
        port: url.port,
        path: '/a/path?x=1',
        headers: { host: `${urlId}.lambda-url.us-east-1.localhost:${url.port}` },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
      },
    );
    call.on('error', reject).end();
  });
  assert.equal(body, '/a/path');
});

/** What clients never send: broken bodies, oversize, lies about length, duplicates, slow and silent connections. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { formatRequest, openConnection, type RawHead, rawRequest } from '../support/raw-request.ts';
import { type Front, startFront } from './front.ts';

let front: Front;
const TIMEOUTS = { headersMs: 300, requestMs: 900, keepAliveMs: 600_000 };

before(async () => {
  front = await startFront(
    [
      {
        name: 'lambda',
        operations: {
          Invoke: { StatusCode: 200, Payload: 'null' },
          InvokeAsync: { Status: 202 },
          CreateFunction: { FunctionName: 'f' },
          ListFunctions: { Functions: [] },
          UpdateFunctionConfiguration: {},
        },
      },
      { name: 'sqs', operations: { SendMessage: { MessageId: 'm' }, ReceiveMessage: {} } },
      { name: 'logs', operations: { PutLogEvents: {} } },
    ],
    { auth: { mode: 'open' }, timeouts: TIMEOUTS },
  );
});
after(() => front.close());

const sqs = (
  body: string | Buffer,
  headers: RawHead['headers'] = [],
): Promise<Awaited<ReturnType<typeof rawRequest>>> =>
  rawRequest(front.port, {
    headers: [
      ['X-Amz-Target', 'AmazonSQS.SendMessage'],
      ['Content-Type', 'application/x-amz-json-1.0'],
      ...headers,
    ],
    body,
  });
const INVOKE = '/2015-03-31/functions/f/invocations';
const GOOD = '{"QueueUrl":"q","MessageBody":"m"}';

async function reached(call: () => Promise<unknown>): Promise<boolean> {
  const before = front.calls.length;
  await call();
  return front.calls.length > before;
}

test('JSON that is broken or of the wrong type is refused in the words of AWS', async () => {
  const cases: [string, string | undefined][] = [
    ['{"QueueUrl":"q","MessageBody":', undefined],
    ['', 'The request must contain the parameter QueueUrl.'],
    ['null', 'Start of structure or map found where not expected.'],
    ['[]', 'Start of list found where not expected'],
    ['"x"', 'Expected structure or null'],
    ['{"QueueUrl":"q","MessageBody":1}', 'NUMBER_VALUE can not be converted to a String'],
    ['{"QueueUrl":"q","MessageBody":{}}', 'Start of structure or map found where not expected.'],
    ['{"QueueUrl":"q","MessageBody":["m"]}', 'Start of list found where not expected'],
    [
      '{"QueueUrl":"q","MessageBody":"m","DelaySeconds":"5"}',
      'STRING_VALUE can not be converted to an Integer',
    ],
    [
      '{"QueueUrl":"q","MessageBody":"m","DelaySeconds":1.5}',
      'DECIMAL_VALUE can not be converted to an Integer',
    ],
    [
      '{"QueueUrl":"q","MessageBody":"m","DelaySeconds":true}',
      'TRUE_VALUE can not be converted to an Integer',
    ],
    ['{"QueueUrl":"q","MessageBody":"m","MessageAttributes":"x"}', 'Expected map or null'],
    [
      '{"QueueUrl":"q","MessageBody":"m","MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"%%%="}}}',
      'Invalid Base64 character detected',
    ],
    [
      '{"QueueUrl":"q","MessageBody":"m","MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"abc"}}}',
      'Base64 encoded length is expected a multiple of 4 bytes but found: 3',
    ],
  ];
  for (const [body, message] of cases) {
    const reply = await sqs(body);
    assert.equal(reply.status, 400, body);
    const error = JSON.parse(reply.body);
    assert.equal(error.message ?? error.Message, message, body);
    if (body !== '') assert.equal(error.__type, 'com.amazon.coral.service#SerializationException', body);
  }
});

test('nulls are absent members, unknown members are ignored, the last of two equal keys counts', async () => {
  const reply = await sqs(
    '{"QueueUrl":"q","MessageBody":"a","DelaySeconds":null,"Unknown":{"deep":[1]},"MessageBody":"b","__proto__":{"x":1}}',
  );
  assert.equal(reply.status, 200);
  assert.deepEqual(front.last().input, { QueueUrl: 'q', MessageBody: 'b' });
});

test('a key named __proto__ is an ordinary key', async () => {
  await sqs('{"QueueUrl":"q","MessageBody":"m","MessageAttributes":{"__proto__":{"DataType":"String"}}}');
  const attributes = front.last().input.MessageAttributes;
  assert.deepEqual(Object.keys(attributes), ['__proto__']);
  assert.equal(Object.getPrototypeOf(attributes), Object.prototype);
});

test('a null in a list is refused', async () => {
  const reply = await rawRequest(front.port, {
    headers: [['X-Amz-Target', 'Logs_20140328.PutLogEvents']],
    body: '{"logGroupName":"g","logStreamName":"s","logEvents":[null]}',
  });
  assert.equal(reply.status, 400);
  assert.equal(
    JSON.parse(reply.body).message,
    "1 validation error detected: Value '[null]' at 'logEvents' failed to satisfy constraint: Member must satisfy constraint: [Member must not be null]",
  );
});

test('deep nesting neither crashes nor hangs', async () => {
  const deep = '['.repeat(500_000) + ']'.repeat(500_000);
  const reply = await sqs(`{"QueueUrl":"q","MessageBody":"m","Unknown":${deep}}`);
  assert.ok(reply.status === 200 || reply.status === 400);
  assert.equal((await sqs(GOOD)).status, 200);
});

test('payloads over the limit: exact words, nothing reaches the handler', async () => {
  const event: RawHead['headers'] = [['X-Amz-Invocation-Type', 'Event']];
  const cases: [RawHead, string][] = [
    [
      { path: INVOKE, headers: event, body: Buffer.alloc(1_048_577, 0x20) },
      '1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)',
    ],
    [
      { path: INVOKE, body: Buffer.alloc(6_291_457, 0x20) },
      '6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)',
    ],
    [
      { path: '/2014-11-13/functions/f/invoke-async/', body: Buffer.alloc(262_153, 0x20) },
      '262153 byte payload is too large for the Event invocation type (limit 262144 bytes)',
    ],
  ];
  for (const [request, message] of cases) {
    let status = 0;
    let body = '';
    let type: string | undefined;
    assert.equal(
      await reached(async () => {
        const reply = await rawRequest(front.port, request);
        ({ status, body } = reply);
        type = reply.headers['x-amzn-errortype'];
      }),
      false,
    );
    assert.equal(status, 413);
    assert.equal(type, 'RequestEntityTooLargeException');
    assert.deepEqual(JSON.parse(body), { Type: 'User', message });
  }
  const largest = await rawRequest(front.port, {
    path: INVOKE,
    headers: event,
    body: Buffer.alloc(1_048_576, 0x20),
  });
  assert.equal(largest.status, 200);
});

test('a form over the limit is refused as a form', async () => {
  const reply = await rawRequest(front.port, {
    path: '/000000000000/q',
    headers: [['Content-Type', 'application/x-www-form-urlencoded']],
    body: Buffer.alloc(9 * 1_048_576, 0x61),
  });
  assert.equal(reply.status, 413);
  assert.match(
    reply.body,
    /<Message>Request of 9437184 bytes is too large \(limit 8388608 bytes\)<\/Message>/,
  );
});

test('bytes that are no UTF-8 are refused', async () => {
  const reply = await sqs(Buffer.from('{"QueueUrl":"q","MessageBody":"\xff"}', 'latin1'));
  assert.equal(reply.status, 400);
  assert.equal(JSON.parse(reply.body).Message, 'Invalid UTF-8');
});

test('a chunked body is counted as it comes', async () => {
  const chunk = Buffer.concat([Buffer.from('80000\r\n'), Buffer.alloc(0x80000, 0x20), Buffer.from('\r\n')]);
  const head = formatRequest({
    path: INVOKE,
    headers: [
      ['Transfer-Encoding', 'chunked'],
      ['X-Amz-Invocation-Type', 'Event'],
    ],
  });
  const reply = await rawRequest(
    front.port,
    Buffer.concat([head, chunk, chunk, chunk, Buffer.from('0\r\n\r\n')]),
  );
  assert.equal(reply.status, 413);
  assert.match(reply.body, /1572864 byte payload is too large for the Event/);
});

test('the control plane has a limit of its own', async () => {
  const reply = await rawRequest(front.port, {
    path: '/2015-03-31/functions',
    headers: [
      ['Content-Length', '70167212'],
      ['Expect', '100-continue'],
    ],
  });
  assert.equal(reply.status, 413);
  assert.equal(
    JSON.parse(reply.body).message,
    'Request must be smaller than 70167211 bytes for the CreateFunction operation',
  );
  assert.ok(!reply.text.includes('100 Continue'));
  assert.equal(reply.headers.connection, 'close');
});

test('a client that expects 100-continue gets it when the size is right', async () => {
  const connection = await openConnection(front.port);
  connection.socket.write(
    formatRequest({
      path: INVOKE,
      headers: [
        ['Content-Length', '2'],
        ['Expect', '100-continue'],
      ],
    }),
  );
  await connection.waitFor(/100 Continue/);
  connection.socket.write('{}');
  await connection.waitFor(/HTTP\/1\.1 200/);
  assert.deepEqual(front.last().input.Payload, Buffer.from('{}'));
  connection.socket.destroy();
});

test('compressed bodies: decoded, bounded, refused when broken or unknown', async () => {
  for (const [encoding, body] of [
    ['gzip', gzipSync(GOOD)],
    ['GZIP', gzipSync(GOOD)],
    ['deflate', deflateSync(GOOD)],
    ['br', brotliCompressSync(GOOD)],
    ['deflate, gzip', gzipSync(deflateSync(GOOD))],
    ['identity', Buffer.from(GOOD)],
  ] as const) {
    const reply = await sqs(body, [['Content-Encoding', encoding]]);
    assert.equal(reply.status, 200, encoding);
  }
  const bomb = gzipSync(Buffer.alloc(64 * 1_048_576, 0x20));
  const tooLarge = await sqs(bomb, [['Content-Encoding', 'gzip']]);
  assert.equal(tooLarge.status, 413);
  const broken = await sqs(gzipSync(GOOD).subarray(0, 20), [['Content-Encoding', 'gzip']]);
  assert.equal(broken.status, 400);
  assert.match(broken.body, /The body is not valid gzip\./);
  const unknown = await sqs(GOOD, [['Content-Encoding', 'zstd-of-tomorrow']]);
  assert.equal(unknown.status, 400);
  assert.match(unknown.body, /Content-Encoding 'zstd-of-tomorrow' is not supported\./);
});

test('an aws-chunked body is put together', async () => {
  const chunks = `10\r\n${GOOD.slice(0, 16)}\r\n${(GOOD.length - 16).toString(16)}\r\n${GOOD.slice(16)}\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n`;
  const reply = await sqs(chunks, [
    ['Content-Encoding', 'aws-chunked'],
    ['X-Amz-Content-Sha256', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'],
  ]);
  assert.equal(reply.status, 200);
  assert.deepEqual(front.last().input, { QueueUrl: 'q', MessageBody: 'm' });
  for (const broken of ['zz\r\n', '5\r\nabc', '5\r\nabcdeXX0\r\n\r\n', '', '-1\r\n\r\n', 'fffffffff\r\n']) {
    const refused = await sqs(broken, [['X-Amz-Content-Sha256', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER']]);
    assert.equal(refused.status, 400, JSON.stringify(broken));
  }
});

test('a truncated body reaches no handler', async () => {
  const before = front.calls.length;
  const connection = await openConnection(front.port);
  connection.socket.write(
    formatRequest({ path: INVOKE, headers: [['Content-Length', '100']], body: '{"half":' }),
  );
  connection.socket.end();
  await connection.closed;
  // Another request has gone all the way through: the truncated one had its turn.
  assert.equal((await sqs(GOOD)).status, 200);
  assert.equal(front.calls.length, before + 1);
});

test('contradicting lengths and duplicate framing headers are refused by the parser', async () => {
  for (const headers of [
    [
      ['Content-Length', '2'],
      ['Content-Length', '3'],
    ],
    [
      ['Content-Length', '2'],
      ['Transfer-Encoding', 'chunked'],
    ],
    [['Content-Length', '-1']],
    [['Content-Length', '2e1']],
  ] as const) {
    let status = 0;
    assert.equal(
      await reached(async () => {
        status = (await rawRequest(front.port, { path: INVOKE, headers, body: '{}' })).status;
      }),
      false,
    );
    assert.equal(status, 400);
  }
});

test('a target that comes twice names no operation', async () => {
  const reply = await sqs(GOOD, [['X-Amz-Target', 'AmazonSQS.ReceiveMessage']]);
  assert.equal(reply.status, 404);
  assert.equal(JSON.parse(reply.body).__type, 'com.amazon.coral.service#UnknownOperationException');
});

test('what is not for AWS goes to the fallback', async () => {
  for (const [method, path, host] of [
    ['GET', '/', undefined],
    ['GET', '/_redrive/', undefined],
    ['POST', '/_redrive/api/clock/advance', undefined],
    ['GET', '/metrics', undefined],
    ['HEAD', '/favicon.ico', undefined],
    ['OPTIONS', '/', undefined],
    ['POST', '/orders', 'abc123.lambda-url.us-east-1.localhost:4566'],
  ] as const) {
    const reply = await rawRequest(front.port, {
      method,
      path,
      ...(host ? { headers: [['Host', host]] } : {}),
    });
    assert.equal(reply.headers['x-fallback'], path, `${method} ${path}`);
  }
});

test('unknown operations and services are named in the refusal', async () => {
  const target = (value: string, headers: RawHead['headers'] = []) =>
    rawRequest(front.port, { headers: [['X-Amz-Target', value], ...headers], body: '{}' });
  const operation = await target('AmazonSQS.SendMesage');
  assert.equal(operation.status, 404);
  assert.match(operation.body, /sqs has no operation SendMesage\./);
  const service = await target('DynamoDB_20120810.PutItem');
  assert.equal(service.status, 404);
  assert.match(service.body, /No service of this server has the target 'DynamoDB_20120810\.PutItem'\./);
  const path = await rawRequest(front.port, { method: 'PATCH', path: '/2015-03-31/functions/f' });
  assert.equal(path.status, 404);
  assert.match(path.body, /No operation of Lambda answers PATCH \/2015-03-31\/functions\/f\./);
  const signed = await rawRequest(front.port, {
    method: 'PUT',
    path: '/bucket/key',
    headers: [
      [
        'Authorization',
        'AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0',
      ],
    ],
  });
  assert.equal(signed.status, 404);
  assert.match(signed.body, /This server does not offer 's3'\./);
});

test('labels that cannot be decoded name no operation', async () => {
  const reply = await rawRequest(front.port, { method: 'GET', path: '/2015-03-31/functions/%zz' });
  assert.equal(reply.status, 404);
});

test('pages of other origins may not call an open server', async () => {
  const post = (headers: RawHead['headers']) =>
    rawRequest(front.port, { path: '/2015-03-31/functions/f/invocations', headers, body: '{}' });
  const own = `127.0.0.1:${front.port}`;
  const foreign: RawHead['headers'][] = [
    [['Origin', 'https://evil.example']],
    [['Origin', 'null']],
    [['Sec-Fetch-Site', 'cross-site']],
    [['Sec-Fetch-Site', 'same-site']],
    // DNS rebinding: the page's own name points here.
    [
      ['Host', 'evil.example:4566'],
      ['Origin', 'http://evil.example:4566'],
      ['Sec-Fetch-Site', 'same-origin'],
    ],
  ];
  for (const headers of foreign) {
    const reply = await post(headers);
    assert.equal(reply.status, 403, JSON.stringify(headers));
    assert.equal(reply.headers['x-amzn-errortype'], 'AccessDeniedException');
  }
  const same = await post([
    ['Host', own],
    ['Origin', `http://${own}`],
    ['Sec-Fetch-Site', 'same-origin'],
  ]);
  assert.equal(same.status, 200);
});

test('several requests on one connection, one after the other and pipelined', async () => {
  const connection = await openConnection(front.port);
  const one = formatRequest({ path: INVOKE, headers: [['Connection', 'keep-alive']], body: '{"n":1}' });
  const two = formatRequest({ method: 'GET', path: '/2015-03-31/functions?MaxItems=3' });
  connection.socket.write(Buffer.concat([one, two]));
  await connection.waitFor(/\{"Functions":\[\]\}/);
  assert.equal(connection.text().match(/HTTP\/1\.1 200/g)?.length, 2);
  connection.socket.write(one);
  await connection.waitFor(/(?:HTTP\/1\.1 200[\s\S]*){3}null$/);
  connection.socket.destroy();
});

test('a head that does not end is cut off with a 408', async () => {
  const connection = await openConnection(front.port);
  connection.socket.write('POST / HTTP/1.1\r\nHost: x\r\n');
  await connection.closed;
  assert.match(connection.text(), /^HTTP\/1\.1 408 /);
});

test('a body that does not end is cut off with a 408', async () => {
  const connection = await openConnection(front.port);
  connection.socket.write(formatRequest({ path: INVOKE, headers: [['Content-Length', '10']], body: '{' }));
  await connection.closed;
  assert.match(connection.text(), /^HTTP\/1\.1 408 /);
});

test('headers beyond their limit are a 431', async () => {
  const reply = await rawRequest(front.port, { headers: [['X-Large', 'a'.repeat(70_000)]] });
  assert.equal(reply.status, 431);
});

test('garbage in place of HTTP is a 400', async () => {
  const reply = await rawRequest(
    front.port,
    Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n'),
  );
  assert.equal(reply.status, 400);
});

test('idle connections in their thousands do no harm', async () => {
  const idle = await startFront([{ name: 'sqs', operations: { SendMessage: { MessageId: 'm' } } }], {
    auth: { mode: 'open' },
    timeouts: { headersMs: 600_000, requestMs: 600_000, keepAliveMs: 600_000 },
  });
  const count = 2_000;
  const sockets = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof connect>>((resolve, reject) => {
          const socket = connect(idle.port, '127.0.0.1', () => resolve(socket));
          socket.once('error', reject);
        }),
    ),
  );
  try {
    const reply = await rawRequest(idle.port, {
      headers: [['X-Amz-Target', 'AmazonSQS.SendMessage']],
      body: GOOD,
    });
    assert.equal(reply.status, 200);
    assert.equal(sockets.filter((socket) => socket.destroyed).length, 0);
  } finally {
    for (const socket of sockets) socket.destroy();
    await idle.close();
  }
});

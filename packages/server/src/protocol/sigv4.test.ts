import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { test } from 'node:test';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { decodeAwsChunked } from './aws-chunked.ts';
import type { ApiError } from './error.ts';
import { Verifier } from './sigv4.ts';
import { formatBasic, readCredential, type SignedRequest } from './sigv4-authorization.ts';
import { escapeRfc3986 } from './sigv4-canonical.ts';

const ID = 'AKIDEXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const NOW = Date.UTC(2015, 7, 30, 12, 36, 0);
const EMPTY = Buffer.alloc(0);

const verifier = new Verifier({ secretFor: (id) => (id === ID ? SECRET : undefined) });

/** Node's hash in the form the SDK's signer wants. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Buffer);
  }
  update(data: Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

function signer(service: string, sessionToken?: string, applyChecksum = true): SignatureV4 {
  return new SignatureV4({
    service,
    region: 'us-east-1',
    credentials: { accessKeyId: ID, secretAccessKey: SECRET, ...(sessionToken ? { sessionToken } : {}) },
    sha256: Sha256 as never,
    applyChecksum,
  });
}

/** What the server would see of a request the SDK signed. */
function received(signed: {
  method: string;
  path: string;
  query?: Record<string, unknown>;
  headers: Record<string, string>;
}): SignedRequest {
  const pairs = Object.entries(signed.query ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each) => `${escapeRfc3986(name)}=${escapeRfc3986(each)}`),
  );
  const headers: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(signed.headers)) headers[name.toLowerCase()] = value;
  return { method: signed.method, path: signed.path, search: pairs.join('&'), headers };
}

function refusal(run: () => unknown): ApiError {
  try {
    run();
  } catch (error) {
    return error as ApiError;
  }
  throw new Error('the signature was accepted');
}

/** AWS's own examples ("Signature Version 4 test suite"): request and the signature that belongs to it. */
const SUITE: readonly {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly search?: string;
  readonly headers?: Record<string, string>;
  readonly signedHeaders?: string;
  readonly body?: string;
  readonly signature: string;
}[] = [
  { name: 'get-vanilla', signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31' },
  {
    name: 'get-vanilla-query-order-key-case',
    search: 'Param2=value2&Param1=value1',
    signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  },
  {
    name: 'get-vanilla-utf8-query',
    search: '%E1%88%B4=bar',
    signature: '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
  },
  {
    name: 'get-slashes',
    path: '//',
    signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  },
  {
    name: 'get-relative',
    path: '/example/..',
    signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  },
  {
    name: 'post-vanilla',
    method: 'POST',
    signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  },
  {
    name: 'post-x-www-form-urlencoded',
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    signedHeaders: 'content-type;host;x-amz-date',
    body: 'Param1=value1',
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  },
];

for (const each of SUITE) {
  test(`suite of AWS: ${each.name}`, () => {
    const request: SignedRequest = {
      method: each.method ?? 'GET',
      path: each.path ?? '/',
      search: each.search ?? '',
      headers: {
        host: 'example.amazonaws.com',
        'x-amz-date': '20150830T123600Z',
        ...each.headers,
        authorization: `AWS4-HMAC-SHA256 Credential=${ID}/20150830/us-east-1/service/aws4_request, SignedHeaders=${each.signedHeaders ?? 'host;x-amz-date'}, Signature=${each.signature}`,
      },
    };
    const { credential } = verifier.verify(request, Buffer.from(each.body ?? ''), 'service', NOW);
    assert.deepEqual(credential, {
      accessKeyId: ID,
      date: '20150830',
      region: 'us-east-1',
      service: 'service',
      terminator: 'aws4_request',
      scope: '20150830/us-east-1/service/aws4_request',
    });
  });
}

/** Segments as they stand in a URL, percent-encoding included. */
const segment = fc
  .string({ unit: 'binary', maxLength: 8 })
  .filter((text) => text !== '.' && text !== '..' && text.isWellFormed())
  .map(escapeRfc3986);
const path = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`);
const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((value) => value.isWellFormed());
const query = fc.dictionary(
  // The SDK's own signer loses a parameter of the name `__proto__`.
  text.filter((name) => !/^(?:$|x-amz-|__proto__$)/i.test(name)),
  fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 })),
  { maxKeys: 4 },
);
const headerValue = fc.stringMatching(/^[ -~\t]{0,20}$/);
const headers = fc.dictionary(fc.stringMatching(/^x-custom-[a-z0-9-]{1,10}$/), headerValue, { maxKeys: 3 });

const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD'),
  path,
  query,
  headers,
  body: fc.uint8Array({ maxLength: 40 }),
  token: fc.option(fc.stringMatching(/^[A-Za-z0-9+/=]{1,20}$/)),
  checksum: fc.boolean(),
});

test("whatever the SDK's signer signs is accepted, in a header", async () => {
  await fc.assert(
    fc.asyncProperty(request, async ({ token, checksum, body, ...rest }) => {
      const signed = await signer('lambda', token ?? undefined, checksum).sign(
        {
          ...rest,
          protocol: 'http:',
          hostname: 'localhost',
          headers: { host: 'localhost:4566', ...rest.headers },
          body,
        } as never,
        { signingDate: new Date(NOW) },
      );
      verifier.verify(received(signed as never), Buffer.from(body), 'lambda', NOW);
    }),
    { numRuns: 300 },
  );
});

test("whatever the SDK's signer presigns is accepted, in a URL", async () => {
  await fc.assert(
    fc.asyncProperty(request, async ({ token, body, ...rest }) => {
      const signed = await signer('sqs', token ?? undefined).presign(
        {
          ...rest,
          protocol: 'http:',
          hostname: 'localhost',
          headers: { host: 'localhost:4566', ...rest.headers },
          body,
        } as never,
        { signingDate: new Date(NOW), expiresIn: 60 },
      );
      const seen = received(signed as never);
      assert.equal(readCredential(seen)?.accessKeyId, ID);
      verifier.verify(seen, Buffer.from(body), 'sqs', NOW + 59_000);
      const late = refusal(() => verifier.verify(seen, Buffer.from(body), 'sqs', NOW + 61_000));
      assert.match(late.message, /^Signature expired: 20150830T123700Z is now earlier than 20150830T123701Z/);
    }),
    { numRuns: 200 },
  );
});

async function sample(more: { service?: string; at?: number; body?: string } = {}): Promise<SignedRequest> {
  const signed = await signer(more.service ?? 'sqs').sign(
    {
      method: 'POST',
      protocol: 'http:',
      hostname: 'localhost',
      path: '/a/b',
      query: { q: '1' },
      headers: { host: 'localhost:4566', 'x-amz-target': 'AmazonSQS.SendMessage' },
      body: more.body ?? 'hello',
    } as never,
    { signingDate: new Date(more.at ?? NOW) },
  );
  return received(signed as never);
}
const BODY = Buffer.from('hello');

test('any change of the request is noticed', async () => {
  const good = await sample();
  verifier.verify(good, BODY, 'sqs', NOW);
  const changes: [string, SignedRequest, Buffer][] = [
    ['method', { ...good, method: 'PUT' }, BODY],
    ['path', { ...good, path: '/a/c' }, BODY],
    ['query', { ...good, search: 'q=2' }, BODY],
    ['header', { ...good, headers: { ...good.headers, 'x-amz-target': 'AmazonSQS.PurgeQueue' } }, BODY],
    ['host', { ...good, headers: { ...good.headers, host: 'other' } }, BODY],
    ['body', good, Buffer.from('hellO')],
    [
      'declared hash',
      { ...good, headers: { ...good.headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } },
      BODY,
    ],
    [
      'signature',
      { ...good, headers: { ...good.headers, authorization: good.headers.authorization!.slice(0, -1) } },
      BODY,
    ],
  ];
  for (const [name, changed, body] of changes) {
    const error = refusal(() => verifier.verify(changed, body, 'sqs', NOW));
    assert.equal(error.name, 'InvalidSignatureException', name);
  }
});

test('a mismatch shows what should have been signed', async () => {
  const good = await sample();
  const error = refusal(() => verifier.verify({ ...good, path: '/a/c' }, BODY, 'sqs', NOW));
  assert.match(
    error.message,
    /^The request signature we calculated does not match the signature you provided\./,
  );
  assert.match(error.message, /The Canonical String for this request should have been\n'POST\n\/a\/c\nq=1\n/);
  assert.match(error.message, /The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20150830T123600Z\n/);
  assert.ok(!error.message.includes(SECRET));
});

test('clocks may differ by fifteen minutes and no more', async () => {
  const good = await sample();
  const minutes = (count: number) => NOW + count * 60_000;
  verifier.verify(good, BODY, 'sqs', minutes(15));
  verifier.verify(good, BODY, 'sqs', minutes(-15));
  const late = refusal(() => verifier.verify(good, BODY, 'sqs', minutes(15) + 1000));
  assert.equal(late.name, 'InvalidSignatureException');
  assert.equal(
    late.message,
    'Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)',
  );
  const early = refusal(() => verifier.verify(good, BODY, 'sqs', minutes(-15) - 1000));
  assert.equal(
    early.message,
    'Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T122059Z + 15 min.)',
  );
});

test('what is not a signature of ours is refused by name', async () => {
  const good = await sample();
  const authorization = good.headers.authorization as string;
  const cases: [string, string, RegExp][] = [
    ['Bearer abc', 'IncompleteSignatureException', /^Unsupported AWS 'algorithm': 'Bearer'\./],
    [
      'AWS4-HMAC-SHA256 Credential=x',
      'IncompleteSignatureException',
      /requires 'Signature' parameter\. .*requires 'SignedHeaders' parameter\./,
    ],
    [
      authorization.replace(`${ID}/`, 'short/').replace('/us-east-1', ''),
      'IncompleteSignatureException',
      /^Credential must have exactly 5 slash-delimited elements/,
    ],
    [
      authorization.replace(ID, 'AKIDUNKNOWN'),
      'UnrecognizedClientException',
      /^The security token included in the request is invalid\.$/,
    ],
    [
      authorization.replace('aws4_request', 'aws5_request'),
      'InvalidSignatureException',
      /^Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'\.$/,
    ],
    [
      authorization.replace('20150830/', '20150831/'),
      'InvalidSignatureException',
      /^Date in Credential scope does not match YYYYMMDD .*: '20150831' != '20150830', from '20150830T123600Z'\.$/,
    ],
    [
      authorization.replace('host;', ''),
      'InvalidSignatureException',
      /^'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization\.$/,
    ],
  ];
  for (const [value, name, message] of cases) {
    const request = { ...good, headers: { ...good.headers, authorization: value } };
    const error = refusal(() => verifier.verify(request, BODY, 'sqs', NOW));
    assert.equal(error.name, name, value);
    assert.match(error.message, message);
  }
  const none = refusal(() => verifier.verify({ ...good, headers: {} }, BODY, 'sqs', NOW));
  assert.equal(none.name, 'MissingAuthenticationTokenException');
  const scope = refusal(() => verifier.verify(good, BODY, 'lambda', NOW));
  assert.equal(scope.message, "Credential should be scoped to correct service: 'lambda'. ");
});

test('a changed secret is noticed although the derived key was kept', async () => {
  let secret = SECRET;
  const changing = new Verifier({ secretFor: () => secret });
  const good = await sample();
  changing.verify(good, BODY, 'sqs', NOW);
  secret = 'another';
  assert.equal(refusal(() => changing.verify(good, BODY, 'sqs', NOW)).name, 'InvalidSignatureException');
  secret = SECRET;
  changing.verify(good, BODY, 'sqs', NOW);
});

test('a signature dated by the Date header alone', () => {
  const at = new Date(NOW).toUTCString();
  const canonical = `GET\n/\n\ndate:${at}\nhost:h\n\ndate;host\n${createHash('sha256').digest('hex')}`;
  const scope = '20150830/us-east-1/sqs/aws4_request';
  const toSign = `AWS4-HMAC-SHA256\n${formatBasic(NOW)}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`;
  const hmac = (key: Buffer | string, data: string) => createHmac('sha256', key).update(data).digest();
  const key = hmac(hmac(hmac(hmac(`AWS4${SECRET}`, '20150830'), 'us-east-1'), 'sqs'), 'aws4_request');
  const signature = hmac(key, toSign).toString('hex');
  verifier.verify(
    {
      method: 'GET',
      path: '/',
      search: '',
      headers: {
        host: 'h',
        date: at,
        authorization: `AWS4-HMAC-SHA256 Credential=${ID}/${scope},SignedHeaders=date;host,Signature=${signature}`,
      },
    },
    EMPTY,
    'sqs',
    NOW,
  );
});

/** Amazon S3 API Reference, "Signature calculations: transferring payload in multiple chunks", its example. */
test('signed chunks: the example of AWS, and a chunk that was tampered with', () => {
  const keys = new Verifier({ secretFor: () => 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' });
  const now = Date.UTC(2013, 4, 24);
  const signedHeaders =
    'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class';
  const { chunks } = keys.verify(
    {
      method: 'PUT',
      path: '/examplebucket/chunkObject.txt',
      search: '',
      headers: {
        host: 's3.amazonaws.com',
        'x-amz-date': '20130524T000000Z',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': '66560',
        'content-length': '66824',
        authorization: `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9`,
      },
    },
    EMPTY,
    's3',
    now,
  );
  const body = (filler: string) =>
    Buffer.from(
      `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${filler.repeat(65_536)}\r\n` +
        `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${'a'.repeat(1024)}\r\n` +
        '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n',
    );
  assert.equal(decodeAwsChunked(body('a'), chunks).length, 66_560);
  assert.equal(refusal(() => decodeAwsChunked(body('b'), chunks)).name, 'InvalidSignatureException');
});

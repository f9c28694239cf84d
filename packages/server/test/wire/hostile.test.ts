/**
 * A whole server among hostile clients: each is told what is wrong, honest callers are served all the while,
 * nothing that was promised is lost, memory stays bounded and it is the same process in the end.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { CreateFunctionCommand, InvokeCommand } from '@aws-sdk/client-lambda';
import { SeededRandom } from '../../src/platform/random.ts';
import { endOfFile } from '../support/cleanup.ts';
import { type Clients, createClients } from '../support/clients.ts';
import { eventually } from '../support/eventually.ts';
import { createFunction, createQueue } from '../support/functions.ts';
import { formatRequest, rawRequest } from '../support/raw-request.ts';
import { type ServerProcess, startProcess } from '../support/server-process.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { makeZip } from '../support/zip.ts';

const SEED = Number(process.env.REDRIVE_HOSTILE_SEED ?? Date.now() % 1_000_000);
const MAX_RESIDENT_MB = 512;
const IDLE_CONNECTIONS = 10_000;
/** Descriptors of a process beyond its connections. */
const OTHER_DESCRIPTORS = 1_000;
const TRUNCATED = 200;
const SLOW = 500;
const GARBAGE = 300;
const MAX_ATTACK_MS = 60_000;
const INVOKE = '/2015-03-31/functions/honest/invocations';
const EVENT = ['X-Amz-Invocation-Type', 'Event'] as const;
const ROLE = 'arn:aws:iam::000000000000:role/test';

const file = endOfFile();
let folder: string;
let server: ServerProcess;
let clients: Clients;
let port: number;
/** Request ids with a 202. */
const promised: string[] = [];
/** Garbage without a 202: its first part may have been a good request, and its second one have ended the connection. */
let unheard = 0;

before(async () => {
  folder = await tempFolder(file);
  server = await startProcess(file, { data: join(folder, 'data') });
  clients = createClients(file, server.endpoint);
  port = Number(new URL(server.endpoint).port);
  await createFunction(clients, 'honest', 'export const handler = async (event) => event;');
  await createQueue(clients, 'honest');
});

async function honestCall(): Promise<void> {
  const answer = await clients.lambda.send(
    new InvokeCommand({ FunctionName: 'honest', InvocationType: 'Event', Payload: '{"honest":true}' }),
  );
  assert.equal(answer.StatusCode, 202);
  promised.push(answer.$metadata.requestId as string);
}

/** Honest calls go on, one after another, while `attack` runs. */
async function serveDuring(attack: () => Promise<void>): Promise<number> {
  let ended = false;
  const attacking = attack().finally(() => {
    ended = true;
  });
  const until = performance.now() + MAX_ATTACK_MS;
  let calls = 0;
  do {
    await honestCall();
    calls++;
    assert.ok(performance.now() < until, 'the attack does not end');
  } while (!ended);
  await attacking;
  return calls;
}

function residentMb(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1_024;
}

interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly message: RegExp;
}

async function isRefused(call: () => Promise<unknown>, { status, type, message }: Refusal): Promise<void> {
  await assert.rejects(
    call,
    (error: { name: string; message: string; $metadata: { httpStatusCode: number } }) => {
      assert.equal(error.$metadata.httpStatusCode, status, `${error.name}: ${error.message}`);
      assert.equal(error.name, type);
      assert.match(error.message, message);
      return true;
    },
  );
}

const create = (zip: Uint8Array, name = 'hostile') =>
  clients.lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: ROLE,
      Code: { ZipFile: zip },
    }),
  );

test('payloads that are no JSON, too large, or for nobody are refused and leave nothing', async () => {
  const accepted = (await clients.control.ledger()).accepted;
  const invoke = (
    FunctionName: string,
    Payload: string | Uint8Array,
    InvocationType: 'Event' | 'RequestResponse',
  ) => clients.lambda.send(new InvokeCommand({ FunctionName, Payload, InvocationType }));
  for (const text of ['{', '{"a":1,}', "{'a':1}", 'undefined', '{"a":1}}', '\u0000', 'NaN', '[1,2']) {
    for (const type of ['Event', 'RequestResponse'] as const) {
      await isRefused(() => invoke('honest', text, type), {
        status: 400,
        type: 'InvalidRequestContentException',
        message: /^Could not parse request body into json/,
      });
    }
  }
  await isRefused(() => invoke('honest', Buffer.from([0x22, 0xc3, 0x28, 0x22]), 'Event'), {
    status: 400,
    type: 'InvalidRequestContentException',
    message: /UTF-8/,
  });
  const huge = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;
  await isRefused(() => invoke('honest', huge(1_048_577), 'Event'), {
    status: 413,
    type: 'RequestEntityTooLargeException',
    message: /^1048577 byte payload is too large for the Event invocation type \(limit 1048576 bytes\)$/,
  });
  await isRefused(() => invoke('honest', huge(6_291_457), 'RequestResponse'), {
    status: 413,
    type: 'RequestEntityTooLargeException',
    message: /^6291457 byte payload is too large for the RequestResponse invocation type/,
  });
  await isRefused(() => invoke('nobody', '{}', 'Event'), {
    status: 404,
    type: 'ResourceNotFoundException',
    message: /^Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody:\$LATEST$/,
  });
  await isRefused(() => invoke('../../etc/passwd', '{}', 'Event'), {
    status: 400,
    type: 'ValidationException',
    message: /failed to satisfy constraint/,
  });
  assert.equal((await clients.control.ledger()).accepted, accepted, 'a refused event was accepted');
});

test('members of the wrong type are refused by name', async () => {
  const call = (target: string, body: string) =>
    rawRequest(port, {
      headers: [
        ['X-Amz-Target', target],
        ['Content-Type', 'application/x-amz-json-1.0'],
      ],
      body,
    });
  for (const body of [
    '{"QueueName":7}',
    '{"QueueName":["a"]}',
    '{"QueueName":{}}',
    '{"QueueName":"a","Attributes":[]}',
  ]) {
    const { status, headers, body: text } = await call('AmazonSQS.CreateQueue', body);
    assert.equal(status, 400, `${body}: ${text}`);
    assert.match(
      `${headers['x-amzn-errortype'] ?? ''}${text}`,
      /SerializationException|ValidationException/,
      body,
    );
  }
  const { status, body } = await rawRequest(port, {
    path: '/2015-03-31/functions',
    headers: [['Content-Type', 'application/json']],
    body: '{"FunctionName":"x","Timeout":"soon","Role":"r","Code":{}}',
  });
  assert.equal(status, 400, body);
});

test('zips that lie, climb out or are none are refused and write nothing outside', async () => {
  const zeros = Buffer.alloc(1_048_576);
  const bomb = await makeZip(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${i}.bin`, zeros])));
  assert.ok(bomb.length < 5_000_000, 'small enough to be sent');
  await isRefused(() => create(bomb), {
    status: 400,
    type: 'InvalidParameterValueException',
    message: /^Unzipped size must be smaller than 262144000 bytes$/,
  });
  const invalid: Refusal = {
    status: 400,
    type: 'InvalidParameterValueException',
    message: /^Could not unzip uploaded file\. Please check your file, then try to upload again\.$/,
  };
  const good = await makeZip({ 'index.mjs': 'export const handler = 1;'.repeat(50) });
  const cases: readonly [string, Buffer][] = [
    ['text', Buffer.from('not a zip at all')],
    ['half of it', good.subarray(0, good.length >> 1)],
    ['a lie about its size', lyingZip()],
    ['a climb', renamed(good, '../../../evil')],
    ['an absolute path', renamed(good, '/tmp/evil')],
    ['a backslash climb', renamed(good, '..\\..\\evil')],
  ];
  for (const [what, zip] of cases) {
    await isRefused(() => create(zip), invalid).catch((error: unknown) => {
      throw new Error(`a zip with ${what}`, { cause: error });
    });
  }
  for (const path of ['/tmp/evil', join(folder, 'evil'), join(folder, '..', 'evil')]) {
    assert.ok(!existsSync(path), `${path} was written`);
  }
  assert.ok(residentMb() < MAX_RESIDENT_MB, `${residentMb()} MB`);
  await isRefused(() => clients.lambda.send(new InvokeCommand({ FunctionName: 'hostile' })), {
    status: 404,
    type: 'ResourceNotFoundException',
    message: /hostile/,
  });
});

test('bodies that end too soon are no events', async () => {
  const { accepted } = await clients.control.ledger();
  const before = promised.length;
  await serveDuring(async () => {
    await Promise.all(
      Array.from({ length: TRUNCATED }, async () => {
        const request = formatRequest({
          path: INVOKE,
          headers: [EVENT, ['Content-Length', '1000']],
          body: '{"a":',
        });
        const socket = await open();
        socket.end(request);
        socket.resume();
        await new Promise((resolve) => socket.once('close', resolve));
      }),
    );
  });
  assert.equal((await clients.control.ledger()).accepted - accepted, promised.length - before);
});

test('slow clients and silent ones hold nobody up', async () => {
  const request = formatRequest({ path: INVOKE, headers: [EVENT], body: '{"slow":true}' });
  const sockets = await Promise.all(Array.from({ length: SLOW }, open));
  const calls = await serveDuring(async () => {
    // A byte at a time, each to all of them.
    for (let at = 0; at < request.length - 1; at++) {
      for (const socket of sockets) socket.write(request.subarray(at, at + 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  assert.ok(calls > 1, 'honest callers waited for slow ones');
  for (const socket of sockets) socket.destroy();
});

test(`garbage gets an answer or the door (seed ${SEED})`, async () => {
  const random = new SeededRandom(SEED);
  const good = formatRequest({ path: INVOKE, headers: [EVENT], body: '{"garbage":true}' });
  await serveDuring(async () => {
    for (let i = 0; i < GARBAGE; i++) {
      const bytes =
        random.next() < 0.3 ? random.bytes(1 + Math.floor(random.next() * 2_000)) : spoiled(random, good);
      const socket = await open();
      socket.end(bytes);
      const text = await new Promise<string>((resolve) => {
        let received = '';
        socket.on('data', (chunk) => {
          received += chunk.toString('latin1');
        });
        socket.once('close', () => resolve(received));
      });
      if (!text.includes(' 202 ')) unheard++;
      // A request may have become two.
      for (const [answer, status] of text.matchAll(/HTTP\/1\.1 (\d{3}) [\s\S]*?\r\n\r\n/g)) {
        assert.ok(Number(status) < 500, `${JSON.stringify(bytes.toString('latin1'))}: ${text}`);
        const id = /x-amzn-requestid: (\S+)/i.exec(answer)?.[1];
        if (status === '202' && id !== undefined) promised.push(id);
      }
    }
  });
});

test(`${IDLE_CONNECTIONS} idle connections cost a little memory and nothing else`, async (t: TestContext) => {
  const limit = descriptorLimit();
  if (limit < IDLE_CONNECTIONS + OTHER_DESCRIPTORS) {
    t.skip(
      `NOT TESTED: a process may open ${limit} files here (raise it: ulimit -n ${IDLE_CONNECTIONS + OTHER_DESCRIPTORS})`,
    );
    return;
  }
  const sockets: Socket[] = [];
  try {
    while (sockets.length < IDLE_CONNECTIONS) {
      sockets.push(...(await Promise.all(Array.from({ length: 250 }, open))));
    }
    for (let i = 0; i < 20; i++) await honestCall();
    assert.ok(residentMb() < MAX_RESIDENT_MB, `${residentMb()} MB`);
    t.diagnostic(`${Math.round(residentMb())} MB with ${sockets.length} connections`);
    const [first, last] = [sockets[0], sockets.at(-1)];
    for (const socket of [first, last]) {
      const answered = new Promise<string>((resolve) =>
        socket?.once('data', (chunk) => resolve(chunk.toString('latin1'))),
      );
      socket?.write(formatRequest({ path: INVOKE, headers: [EVENT], body: '{"idle":true}' }));
      const text = await answered;
      assert.match(text, /^HTTP\/1\.1 202 /, 'idle connections are still good');
      promised.push(/x-amzn-requestid: (\S+)/i.exec(text)?.[1] as string);
    }
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

test('after all of it: the same process, every promise kept, the books balance', async () => {
  assert.equal(server.child.exitCode, null, server.stderr());
  await eventually(async () => (await clients.control.ledger()).pending === 0, {
    what: 'everything has its fate',
    timeoutMs: 30_000,
  });
  for (const id of promised) {
    assert.equal((await clients.control.event(id))?.fate?.kind, 'Succeeded', id);
  }
  const { balanced, ledger } = await clients.control.verify();
  assert.ok(balanced);
  assert.ok(ledger.accepted >= promised.length);
  assert.ok(ledger.accepted <= promised.length + unheard);
  assert.doesNotMatch(server.stderr(), /unhandled|uncaught/i);
});

async function open(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => undefined);
  return socket;
}

/** A request with a few bytes changed, cut or doubled. */
function spoiled(random: SeededRandom, good: Buffer): Buffer {
  const bytes = Buffer.from(good);
  for (let i = 0; i < 3; i++)
    bytes[Math.floor(random.next() * bytes.length)] = Math.floor(random.next() * 256);
  const cut = Math.floor(random.next() * bytes.length);
  return random.next() < 0.3 ? Buffer.concat([bytes.subarray(0, cut), bytes]) : bytes;
}

/** The zip with its one entry named otherwise; names have to be as long as the old one. */
function renamed(zip: Buffer, name: string): Buffer {
  const old = 'index.mjs';
  const fitting = name.padEnd(old.length, 'x').slice(0, old.length);
  const result = Buffer.from(zip);
  for (let at = result.indexOf(old); at !== -1; at = result.indexOf(old, at + 1)) result.write(fitting, at);
  return result;
}

/** Says that its entry has 10 bytes; it unpacks to 100 MB. */
function lyingZip(): Buffer {
  const name = Buffer.from('index.mjs');
  const data = deflateRawSync(Buffer.alloc(100 * 1_048_576));
  const fixed = Buffer.alloc(26);
  fixed.writeUInt16LE(20, 0);
  fixed.writeUInt16LE(8, 4);
  fixed.writeUInt32LE(data.length, 14);
  fixed.writeUInt32LE(10, 18);
  fixed.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fixed, name, data]);
  const directory = Buffer.concat([
    Buffer.from('PK\x01\x02\x14\x03', 'latin1'),
    fixed,
    Buffer.alloc(14),
    name,
  ]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, directory, end]);
}

function descriptorLimit(): number {
  const found = /Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return Number(found);
}

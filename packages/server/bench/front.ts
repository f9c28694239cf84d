/**
 * What the front costs: CPU per request and requests per second of `Invoke` (Event, 1 KB, SigV4 verified, an
 * operation that does nothing), beside a bare node:http server that reads the body and answers 202.
 * Both run in a process of their own; CPU is what that process used. Run: node bench/front.ts [seconds]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { RealClock } from '../src/platform/clock.ts';
import { createIds } from '../src/platform/ids.ts';
import { SystemRandom } from '../src/platform/random.ts';
import { createFrontend } from '../src/protocol/frontend.ts';
import { createHttpServer } from '../src/protocol/http.ts';

const KEY = { accessKeyId: 'AKIABENCHBENCHBENCH0', secretAccessKey: 'bench-secret' };
const CONNECTIONS = 64;
const WARM_UP_MS = 10_000;
const SLICE_MS = 250;
const PATH = '/2015-03-31/functions/orders/invocations';
const HOST = '127.0.0.1';

type Variant = 'bare' | 'front' | 'open';

/** Answers a 202 once the body is in. */
function bare(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.writeHead(202, { 'Content-Length': 0, 'x-amzn-RequestId': String(chunks.length) });
    response.end();
  });
}

function serve(variant: Variant): void {
  const clock = new RealClock();
  const front = createFrontend({
    services: [{ name: 'lambda', errors: {}, operations: { Invoke: () => ({ StatusCode: 202 }) } }],
    auth:
      variant === 'open'
        ? { mode: 'open' }
        : {
            mode: 'keys',
            keys: { secretFor: (id) => (id === KEY.accessKeyId ? KEY.secretAccessKey : undefined) },
          },
    region: 'us-east-1',
    accountId: '000000000000',
    clock,
    ids: createIds(clock, new SystemRandom()),
    log: { error: console.error },
    fallback: (_request, response) => response.writeHead(404).end(),
  });
  const server =
    variant === 'bare'
      ? createServer(bare)
      : createHttpServer((request, response) => front.handle(request, response));
  server.listen(0, HOST, () => process.send?.({ port: (server.address() as AddressInfo).port }));
  process.on('message', () => process.send?.({ cpu: process.cpuUsage() }));
}

async function signedRequest(port: number): Promise<Buffer> {
  const body = JSON.stringify({ data: 'x'.repeat(1024 - 11) });
  const signer = new SignatureV4({
    service: 'lambda',
    region: 'us-east-1',
    credentials: KEY,
    sha256: Sha256,
  });
  const { headers } = await signer.sign({
    method: 'POST',
    protocol: 'http:',
    hostname: HOST,
    path: PATH,
    query: {},
    headers: {
      host: `${HOST}:${port}`,
      'content-type': 'application/json',
      'content-length': String(body.length),
      'x-amz-invocation-type': 'Event',
      'x-amz-user-agent': 'aws-sdk-js/3.1164.0',
      'user-agent': 'aws-sdk-js/3.1164.0 ua/2.1 os/linux lang/js md/nodejs#24.21.0 api/lambda#3.1164.0 m/E,N',
      'amz-sdk-invocation-id': '6f794fab-0264-4f11-92ec-bf42bc9ce10c',
      'amz-sdk-request': 'attempt=1; max=3',
    },
    body,
  });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return Buffer.from(`POST ${PATH} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
}

/**
 * Sends the same request over every connection, one at a time on each, until `until`. The client never sleeps:
 * waking it up would be billed to the server, and to the slower server more often.
 */
async function load(port: number, request: Buffer, until: number): Promise<number> {
  let answered = 0;
  let over = false;
  const stayAwake = () => {
    if (!over) setImmediate(stayAwake);
  };
  stayAwake();
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(port, HOST, () => socket.write(request));
      socket.setNoDelay(true);
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        if (chunk.toString('latin1', 9, 12) !== '202') {
          reject(new Error(`unexpected answer: ${chunk.toString('latin1')}`));
          return;
        }
        answered++;
        if (performance.now() < until) socket.write(request);
        else socket.end(() => resolve());
      });
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  over = true;
  return answered;
}

function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve) => child.once('message', (value) => resolve(value as T)));
}

interface Running {
  readonly variant: Variant;
  readonly child: ChildProcess;
  readonly port: number;
  readonly request: Buffer;
  answered: number;
  cpuMicros: number;
  elapsedMs: number;
}

async function start(variant: Variant): Promise<Running> {
  const child = fork(import.meta.filename, ['serve', variant]);
  const { port } = await message<{ port: number }>(child);
  const request = await signedRequest(port);
  await load(port, request, performance.now() + WARM_UP_MS);
  return { variant, child, port, request, answered: 0, cpuMicros: 0, elapsedMs: 0 };
}

async function cpuOf({ child }: Running): Promise<number> {
  child.send('cpu');
  const { cpu } = await message<{ cpu: NodeJS.CpuUsage }>(child);
  return cpu.user + cpu.system;
}

async function measure(server: Running): Promise<void> {
  const before = await cpuOf(server);
  const started = performance.now();
  server.answered += await load(server.port, server.request, started + SLICE_MS);
  server.elapsedMs += performance.now() - started;
  server.cpuMicros += (await cpuOf(server)) - before;
}

if (process.argv[2] === 'serve') serve(process.argv[3] as Variant);
else {
  const seconds = Number(process.argv[2] ?? 5);
  const servers: Running[] = [];
  try {
    for (const variant of ['bare', 'open', 'front'] as const) servers.push(await start(variant));
    // In short turns: whatever else runs on the machine meets all of them alike.
    for (let turn = 0; turn < (seconds * 1000) / SLICE_MS; turn++) {
      for (const server of servers) await measure(server);
    }
  } finally {
    for (const { child } of servers) child.kill();
  }
  const bareCpu = servers[0]!.cpuMicros / servers[0]!.answered;
  for (const { variant, answered, cpuMicros, elapsedMs } of servers) {
    const cpu = cpuMicros / answered;
    const rate = (answered / elapsedMs) * 1000;
    console.log(
      `${variant.padEnd(6)} ${rate.toFixed(0).padStart(6)}/s  ${cpu.toFixed(1).padStart(6)} µs CPU per request  ${((bareCpu / cpu) * 100).toFixed(0)} % of bare`,
    );
  }
}

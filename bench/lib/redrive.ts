/** A Redrive server as a user starts it, with signatures checked, and the functions that are measured. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  CreateFunctionCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda';
import { ZipFile } from 'yazl';
import type { Credentials } from './signed-request.ts';

const BIN = fileURLToPath(new URL('../../packages/server/bin/redrive.mjs', import.meta.url));
const START_TIMEOUT_MS = 120_000;
const ROLE = 'arn:aws:iam::000000000000:role/bench';

export interface RedriveOptions {
  /** Data folder that stays; absent: a new one that goes with the server. */
  readonly data?: string;
  /** Options of node, for profiles. */
  readonly nodeArgs?: readonly string[];
}

export interface Ledger {
  readonly accepted: number;
  readonly pending: number;
  readonly fates: Readonly<Record<string, number>>;
  readonly unaccounted: number;
}

export interface Redrive {
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials;
  readonly lambda: LambdaClient;
  /** From the start of the process to its ready line. */
  readonly startedInMs: number;
  readonly pid: number;
  ledger(): Promise<Ledger>;
  /** Resolves when every accepted event has its fate. */
  drained(expected: number): Promise<void>;
  /** Resident memory of the server, functions apart, MB. */
  residentMb(): number;
  end(): Promise<void>;
}

export async function startRedrive(options: RedriveOptions = {}): Promise<Redrive> {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'redrive-bench-')));
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...(options.nodeArgs ?? []),
      BIN,
      'start',
      '--port',
      '0',
      '--data',
      data,
      '--auth',
      'keys',
      '--log-level',
      'warn',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const end = async () => {
    await stop(child);
    if (options.data === undefined) await rm(data, { recursive: true, force: true });
  };
  try {
    const endpoint = new URL(await readyLine(child));
    const startedInMs = performance.now() - startedAt;
    const credentials = parseCredentials(await readFile(join(data, 'credentials'), 'utf8'));
    const lambda = new LambdaClient({
      endpoint: endpoint.origin,
      region: 'us-east-1',
      credentials: { accessKeyId: credentials.id, secretAccessKey: credentials.secret },
    });
    const basic = Buffer.from(`${credentials.id}:${credentials.secret}`).toString('base64');
    const ledger = async (): Promise<Ledger> => {
      const response = await fetch(`${endpoint.origin}/_redrive/api/ledger`, {
        headers: { authorization: `Basic ${basic}` },
      });
      if (!response.ok) throw new Error(`ledger: ${response.status} ${await response.text()}`);
      return (await response.json()) as Ledger;
    };
    return {
      host: endpoint.hostname,
      port: Number(endpoint.port),
      credentials,
      lambda,
      startedInMs,
      pid: child.pid as number,
      ledger,
      async drained(expected) {
        for (;;) {
          const { accepted, pending } = await ledger();
          if (accepted >= expected && pending === 0) return;
          // Far from the end, look rarely: the question costs the server time too.
          await pause(pending > 2_000 ? 100 : 10);
        }
      },
      residentMb: () =>
        Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

function readyLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error('the server did not get ready')), START_TIMEOUT_MS);
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const endpoint = /^redrive ready endpoint=(\S+)/m.exec(text)?.[1];
      if (endpoint === undefined) return;
      clearTimeout(timer);
      resolve(endpoint);
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await exited;
  clearTimeout(timer);
}

function parseCredentials(text: string): Credentials {
  const id = /^aws_access_key_id\s*=\s*(\S+)$/m.exec(text)?.[1];
  const secret = /^aws_secret_access_key\s*=\s*(\S+)$/m.exec(text)?.[1];
  if (id === undefined || secret === undefined) throw new Error('no operator key in the data folder');
  return { id, secret };
}

export interface FunctionOptions {
  readonly source: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutSeconds?: number;
  readonly reservedConcurrency?: number;
}

export async function createFunction(server: Redrive, name: string, options: FunctionOptions): Promise<void> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(options.source), 'index.mjs');
  zip.end();
  await server.lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role: ROLE,
      MemorySize: 256,
      Timeout: options.timeoutSeconds ?? 30,
      Environment: { Variables: { ...options.environment } },
      Code: { ZipFile: await buffer(zip.outputStream as unknown as NodeJS.ReadableStream) },
    }),
  );
  await server.lambda.send(
    new PutFunctionEventInvokeConfigCommand({ FunctionName: name, MaximumRetryAttempts: 0 }),
  );
  if (options.reservedConcurrency !== undefined) {
    await server.lambda.send(
      new PutFunctionConcurrencyCommand({
        FunctionName: name,
        ReservedConcurrentExecutions: options.reservedConcurrency,
      }),
    );
  }
}

/** Parses nothing, waits for nothing: what is measured is the way to it and back. */
export const QUICK_FUNCTION = 'export const handler = async (event) => ({ ok: event.id });\n';

/** Waits in its handler until a file exists, so that a backlog builds up behind it; then it is quick. */
export const GATED_FUNCTION = `
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
let open = false;
export const handler = async (event) => {
  while (!open) {
    open = existsSync(process.env.GATE);
    if (!open) await pause(50);
  }
  return { ok: event.id };
};
`;

/** Tells when it begins, on the machine's monotonic clock. */
export const TELLING_FUNCTION = `
import { createSocket } from 'node:dgram';
const socket = createSocket('udp4');
socket.unref();
const port = Number(process.env.TELL_PORT);
export const handler = async (event) => {
  const at = process.hrtime.bigint();
  socket.send(event.id + ' ' + at, port, '127.0.0.1');
  return { ok: event.id };
};
`;

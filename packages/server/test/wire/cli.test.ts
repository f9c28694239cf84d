/** The command line as people use it: real processes against a real server with the example application. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Cleanup } from '../support/cleanup.ts';
import { startInProcess } from '../support/server-inside.ts';
import { startProcess } from '../support/server-process.ts';
import { tempFolder } from '../support/temp-folder.ts';

const BIN = fileURLToPath(new URL('../../bin/redrive.mjs', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../../examples/orders/template.yaml', import.meta.url));
const wholeFile = { after } as Cleanup;
const server = await startInProcess(wholeFile, { clock: 'virtual', templates: [EXAMPLE] });

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function redrive(args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  const child: ChildProcess = spawn(process.execPath, [BIN, ...args], {
    env: { ...process.env, REDRIVE_ENDPOINT: server.endpoint, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}

async function json<T>(args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await redrive([...args, '--json']);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as T;
}

test('invoke: a function’s answer, its log on stderr, its failure in the exit code', async () => {
  const good = await redrive(['invoke', 'orders-confirm', '-p', '{"id":"1"}']);
  assert.equal(good.code, 0, good.stderr);
  assert.deepEqual(JSON.parse(good.stdout), { orderId: '1', total: 0, currency: 'EUR' });
  assert.match(good.stderr, /^REPORT RequestId: /m);
  const bad = await redrive(['invoke', 'orders-warehouse', '--json']);
  assert.equal(bad.code, 1);
  assert.equal(JSON.parse(bad.stdout).functionError, 'Unhandled');
  const none = await redrive(['invoke', 'nothing']);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /Function not found/);
});

test('events: followed, listed, told', async () => {
  const followed = await redrive(['invoke', 'orders-confirm', '-p', '{"id":"2"}', '--follow']);
  assert.equal(followed.code, 0, followed.stderr);
  assert.match(
    followed.stdout,
    /attempt 1 succeeded in .*\n.*sent to orders-confirmed \(OnSuccess\)\n.*Succeeded\n$/,
  );

  const charged = await json<{ requestId: string }>([
    'invoke',
    'orders-charge',
    '-p',
    '{"id":"3"}',
    '--event',
  ]);
  const dead = await json<{ requestId: string }>(['invoke', 'orders-warehouse', '--event']);
  const { now: before } = await json<{ now: number }>(['clock', 'now']);
  const { now } = await json<{ now: number }>(['clock', 'advance', '3m']);
  assert.equal(now - before, 180_000);

  const listed = await json<{ events: { requestId: string; fate?: { kind: string } }[] }>([
    'events',
    '--since',
    '1h',
  ]);
  const fateOf = (id: string) => listed.events.find((event) => event.requestId === id)?.fate?.kind;
  assert.equal(fateOf(charged.requestId), 'Succeeded');
  assert.equal(fateOf(dead.requestId), 'DeadLettered');
  const filtered = await redrive(['events', '--function', 'orders-warehouse', '--status', 'DeadLettered']);
  assert.match(filtered.stdout, /orders-warehouse:\$LATEST +DeadLettered \(RetriesExhausted\)/);
  assert.doesNotMatch(filtered.stdout, /orders-charge/);

  const story = await redrive(['events', dead.requestId]);
  assert.equal(story.stdout.match(/failed in \w+: WarehouseUnreachable/g)?.length, 3);
  assert.match(story.stdout, /\+3m {2}sent to orders-dead \(DeadLetterQueue\)/);
  const queues = await json<{ queues: { name: string; visible: number }[] }>(['queues', 'orders-d']);
  assert.deepEqual(
    queues.queues.map(({ name, visible }) => ({ name, visible })),
    [{ name: 'orders-dead', visible: 1 }],
  );
  assert.match((await redrive(['logs', 'orders-charge', '--since', '1d'])).stdout, /charging order 3/);
  assert.match((await redrive(['verify'])).stdout, /^unaccounted +0$/m);
  assert.equal((await redrive(['events', 'no-such-id'])).code, 1);
});

test('wrong usage exits with 2 and says what was expected', async () => {
  for (const [args, message] of [
    [['nonsense'], /unknown command 'nonsense'/],
    [['events', '--wat'], /unknown option '--wat'/],
    [['events', '--status', 'Odd'], /Allowed choices are Pending/],
    [['events', '--limit', '0'], /--limit: expected a number of at least 1, found '0'/],
    [['invoke', 'f', '-p', '{x'], /--payload: expected JSON/],
    [['clock', 'advance', '5'], /expected a duration such as 90s/],
    [['verify', '--data', '/nowhere/at/all'], /--data: expected a data folder, found nothing/],
    [
      ['start', '--port', 'x', '--clock', 'y'],
      /--port: expected a number.*\n.*--clock: expected real or virtual/,
    ],
    [['start', '/nowhere.yaml'], /\/nowhere\.yaml: expected a template or a folder, found nothing/],
    [['queues', '--endpoint', 'not a url'], /--endpoint: expected a URL/],
  ] as const) {
    const result = await redrive(args);
    assert.equal(result.code, 2, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, message);
  }
});

test('a server that is not there is told with its address, exit code 3', async () => {
  const result = await redrive(['queues', '--endpoint', 'http://127.0.0.1:65535']);
  assert.equal(result.code, 3);
  assert.match(result.stderr, /No server at http:\/\/127\.0\.0\.1:65535 \(nothing listens there\)/);
});

test('help and version exit with 0', async () => {
  assert.equal((await redrive(['--version'])).code, 0);
  assert.match((await redrive(['start', '--help'])).stdout, /--clock <real\|virtual>/);
});

test('a server is started, stopped by SIGTERM, verified offline; a taken port is a usage error', async (t) => {
  const data = await tempFolder(t);
  const running = await startProcess(t, { data });
  const taken = await redrive([
    'start',
    '--port',
    new URL(running.endpoint).port,
    '--data',
    join(data, 'other'),
  ]);
  assert.equal(taken.code, 2);
  assert.match(taken.stderr, /is taken by another process/);
  assert.equal(await running.stop(), 0);
  const verified = await redrive(['verify', '--data', data, '--json']);
  assert.equal(verified.code, 0, verified.stderr);
  assert.equal(JSON.parse(verified.stdout).accepted, 0);
});

test('a wrong template ends the start with its line and column', async (t) => {
  const folder = await tempFolder(t);
  const { writeFile } = await import('node:fs/promises');
  await writeFile(join(folder, 'template.yaml'), 'Resources:\n  T:\n    Type: AWS::SNS::Subscriptions\n');
  const result = await redrive([
    'start',
    folder,
    '--port',
    '0',
    '--data',
    join(folder, 'data'),
    '--log-level',
    'silent',
  ]);
  assert.equal(result.code, 2);
  assert.match(result.stderr, /template\.yaml:3:11: Resources\.T: AWS::SNS::Subscriptions is not supported/);
});

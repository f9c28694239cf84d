/**
 * What must hold on a disk that breaks and comes back: no promise while it is broken, none of the refused events
 * exists, synchronous calls go on, and everything goes on by itself when the disk is back.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { InvokeCommand, PutFunctionEventInvokeConfigCommand } from '@aws-sdk/client-lambda';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { createClients } from '../support/clients.ts';
import { eventually } from '../support/eventually.ts';
import { createFunction, createQueue } from '../support/functions.ts';
import { startProcess } from '../support/server-process.ts';

export interface BrokenDisk {
  /** Where the server keeps its data. */
  readonly data: string;
  /** A folder on a sound disk. */
  readonly sound: string;
  readonly env?: Readonly<Record<string, string>>;
  breakIt(): Promise<void>;
  mendIt(): Promise<void>;
}

/** Refusals that are seen before the disk is mended. */
const REFUSALS = 20;
/** Commits that may still fit into space that the database has already. */
const MAX_CALLS = 5_000;
const BEFORE = 10;

/** Waits in its handler until a file exists. */
const GATED = `
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
export const handler = async () => {
  while (!existsSync(process.env.GATE)) await pause(20);
  return 'through';
};
`;
const QUICK = 'export const handler = async (event) => event;';

export async function checkBrokenDisk(t: TestContext, disk: BrokenDisk): Promise<void> {
  const gate = join(disk.sound, 'gate');
  await mkdir(disk.sound, { recursive: true });
  let server = await startProcess(t, { data: disk.data, env: disk.env });
  let clients = createClients(t, server.endpoint);
  const { url } = await createQueue(clients, 'work');
  await createFunction(clients, 'gated', GATED, { Environment: { Variables: { GATE: gate } }, Timeout: 120 });
  await createFunction(clients, 'quick', QUICK);
  for (const FunctionName of ['gated', 'quick']) {
    await clients.lambda.send(
      new PutFunctionEventInvokeConfigCommand({ FunctionName, MaximumRetryAttempts: 0 }),
    );
  }

  const accepted = new Set<string>();
  const refused = new Set<string>();
  const bodies = new Set<string>();
  const invoke = async (name: string): Promise<boolean> => {
    try {
      const answer = await clients.lambda.send(
        new InvokeCommand({
          FunctionName: name,
          InvocationType: 'Event',
          Payload: JSON.stringify({ note: 'x'.repeat(8_000) }),
        }),
      );
      assert.equal(answer.StatusCode, 202);
      accepted.add(answer.$metadata.requestId as string);
      return true;
    } catch (error) {
      const { name: code, $metadata } = error as {
        name: string;
        $metadata?: { httpStatusCode?: number; requestId?: string };
      };
      assert.equal(code, 'ServiceException', `${error}`);
      assert.ok(($metadata?.httpStatusCode ?? 0) >= 500);
      refused.add($metadata?.requestId as string);
      return false;
    }
  };
  const send = async (body: string): Promise<boolean> => {
    try {
      await clients.sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }));
      bodies.add(body);
      return true;
    } catch (error) {
      assert.ok(
        ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0) >= 500,
        `${error}`,
      );
      return false;
    }
  };
  const callQuick = async () =>
    (
      await clients.lambda.send(new InvokeCommand({ FunctionName: 'quick', Payload: '"now"' }))
    ).Payload?.transformToString();

  // Work of every kind before: some of it waits and will have to end while the disk is broken.
  for (let i = 0; i < BEFORE; i++) {
    assert.ok(await invoke('gated'));
    assert.ok(await invoke('quick'));
    assert.ok(await send(`before-${i}`));
  }
  assert.equal(await callQuick(), '"now"');

  await disk.breakIt();
  let calls = 0;
  while (refused.size < REFUSALS) {
    assert.ok(++calls < MAX_CALLS, 'a broken disk takes everything');
    await invoke('quick');
  }
  await send('while-broken');
  assert.equal(await callQuick(), '"now"', 'synchronous calls need no disk');
  // Runs that end now have outcomes that cannot be written yet.
  await writeFile(gate, '');

  await disk.mendIt();
  await eventually(() => invoke('quick'), { what: 'events are accepted again', timeoutMs: 30_000 });
  await eventually(() => send('after'), { what: 'messages are accepted again' });
  const drained = async () => (await clients.control.ledger()).pending === 0;
  await eventually(drained, { what: 'everything has its fate', timeoutMs: 60_000 });
  await check('in the same process');

  // What is on disk says the same.
  await server.kill9();
  server = await startProcess(t, { data: disk.data, env: disk.env });
  clients = createClients(t, server.endpoint);
  await eventually(drained, { what: 'everything still has its fate' });
  await check('after a restart');

  const received = new Set<string>();
  for (;;) {
    const { Messages = [] } = await clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: 600 }),
    );
    if (Messages.length === 0) break;
    for (const { Body = '' } of Messages) received.add(Body);
  }
  assert.deepEqual(received, bodies, 'exactly what was promised is received');
  t.diagnostic(`${accepted.size} events accepted, ${refused.size} refused`);
  assert.equal(await server.stop(), 0);

  async function check(when: string): Promise<void> {
    for (const id of accepted) {
      const event = await clients.control.event(id);
      assert.equal(event?.fate?.kind, 'Succeeded', `${when}: accepted event ${id}`);
    }
    for (const id of refused) {
      assert.equal(await clients.control.event(id), undefined, `${when}: refused event ${id} exists`);
    }
    const verification = await clients.control.verify();
    assert.ok(verification.balanced, `${when}: ${JSON.stringify(verification)}`);
    assert.equal(verification.ledger.accepted, accepted.size);
  }
}

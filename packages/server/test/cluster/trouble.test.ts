/**
 * Three nodes on one PostgreSQL, in processes of their own, with clients at all of them, while nodes are killed and
 * frozen and the database is restarted. Every event that got a 202 has exactly one fate and ran, every message that
 * got a 200 came, FIFO groups came in order, and the books balance.
 */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { SeededRandom } from '../../src/platform/random.ts';
import { createPromises, receiveAndDelete } from '../crash/load.ts';
import { deploy, EXPECTED_FATE, FUNCTIONS, type FunctionName, readEvidence } from '../crash/outcomes.ts';
import { type Clients, createClients } from '../support/clients.ts';
import { eventually } from '../support/eventually.ts';
import { createQueue } from '../support/functions.ts';
import { startPostgres } from '../support/postgres.ts';
import { type ServerProcess, startProcess } from '../support/server-process.ts';
import { processesUnder } from '../support/stray-processes.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { createFifoLoad } from './fifo-order.ts';

const SECONDS = Number(process.env.REDRIVE_CLUSTER_SECONDS ?? 25);
const SEED = Number(process.env.REDRIVE_CLUSTER_SEED ?? Date.now() % 1_000_000);
const NODES = 3;
/** Longer than the silence after which the others take a node for dead. */
const FREEZE_MS = 7_000;
const MAX_PEACE_MS = 2_500;
/** A frozen node does not answer. */
const CALL_TIMEOUT_MS = 4_000;
const GROUPS = ['red', 'green', 'blue', 'black'];

interface Node {
  readonly data: string;
  process: ServerProcess;
  clients: Clients;
}

test(`${SECONDS} s of trouble lose nothing (seed ${SEED})`, {
  timeout: SECONDS * 1000 + 240_000,
}, async (t) => {
  const random = new SeededRandom(SEED);
  const folder = await tempFolder(t);
  const evidence = join(folder, 'evidence');
  await mkdir(evidence);
  const postgres = await startPostgres(t);
  const args = ['--store', await postgres.schemaUrl('trouble')];

  const launch = async (data: string) => {
    const process = await startProcess(t, { data, args });
    return { process, clients: createClients(t, process.endpoint) };
  };
  const nodes: Node[] = await Promise.all(
    Array.from({ length: NODES }, async (_, i) => {
      const data = join(folder, `node${i}`);
      return { data, ...(await launch(data)) };
    }),
  );
  const first = nodes[0] as Node;
  const deployment = await deploy(first.clients, evidence);
  const ordered = await createQueue(first.clients, 'ordered.fifo', {
    FifoQueue: 'true',
    VisibilityTimeout: '5',
  });
  for (const { clients } of nodes) {
    await eventually(() =>
      clients.lambda.send(new InvokeCommand({ FunctionName: 'fail', InvocationType: 'DryRun' })),
    );
  }

  const promises = createPromises();
  const fifo = createFifoLoad();
  const stopping = new AbortController();
  const at = (node: Node, url: string) => node.process.endpoint + new URL(url).pathname;
  let calls = 0;
  let broken = 0;
  /** Goes on until told to stop, at whichever node the dice say; what fails promises nothing. */
  const forEver = async (call: (node: Node, signal: AbortSignal) => Promise<unknown>) => {
    while (!stopping.signal.aborted) {
      const node = nodes[Math.floor(random.next() * NODES)] as Node;
      try {
        await call(node, AbortSignal.timeout(CALL_TIMEOUT_MS));
        calls++;
      } catch {
        broken++;
        await pause(20);
      }
    }
  };
  let next = 0;
  const invoke =
    (name: FunctionName) =>
    async ({ clients }: Node, abortSignal: AbortSignal) => {
      const command = new InvokeCommand({
        FunctionName: name,
        InvocationType: 'Event',
        Payload: '{"note":"trouble"}',
      });
      const answer = await clients.lambda.send(command, { abortSignal });
      assert.equal(answer.StatusCode, 202);
      promises.accepted.set(answer.$metadata.requestId as string, name);
    };
  const send = async (node: Node, abortSignal: AbortSignal) => {
    const body = `message-${next++}`;
    const QueueUrl = at(node, deployment.work);
    await node.clients.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body }), { abortSignal });
    promises.sent.add(body);
  };
  const load = [
    ...FUNCTIONS.flatMap((name) => [forEver(invoke(name)), forEver(invoke(name))]),
    forEver(send),
    ...GROUPS.map((group) =>
      forEver((node, signal) => fifo.send(group, node.clients.sqs, at(node, ordered.url), signal)),
    ),
    ...GROUPS.map(() =>
      forEver((node, signal) => fifo.receive(node.clients.sqs, at(node, ordered.url), signal, 1)),
    ),
  ];

  const troubles = { killed: 0, frozen: 0, restarted: 0 };
  const until = performance.now() + SECONDS * 1000;
  for (let turn = 0; performance.now() < until; turn++) {
    await pause(random.next() * MAX_PEACE_MS);
    const node = nodes[Math.floor(random.next() * NODES)] as Node;
    // Each kind comes at least once in the first three turns.
    const kind = turn < 3 ? turn : Math.floor(random.next() * 4);
    if (kind === 1) {
      troubles.frozen++;
      node.process.child.kill('SIGSTOP');
      await pause(FREEZE_MS);
      node.process.child.kill('SIGCONT');
    } else if (kind === 2) {
      troubles.restarted++;
      await postgres.restart('immediate');
    } else {
      troubles.killed++;
      await node.process.kill9();
      Object.assign(node, await launch(node.data));
    }
  }
  stopping.abort();
  await Promise.all(load);
  for (const { process } of nodes) assert.equal(await process.stop(), 0, process.stderr());

  // The retries of minutes are brought about by a clock that can be moved.
  const judge = await startProcess(t, { data: first.data, args: [...args, '--clock', 'virtual'] });
  const clients = createClients(t, judge.endpoint);
  for (const by of ['0s', '10s', '1m', '2m']) await clients.control.advance(by);

  const verification = await clients.control.verify();
  assert.ok(verification.balanced, JSON.stringify(verification));
  assert.equal(verification.ledger.pending, 0, JSON.stringify(verification.ledger));
  assert.ok(verification.ledger.accepted >= promises.accepted.size);
  const ran = readEvidence(evidence);
  const wrong: string[] = [...fifo.wrong];
  for (const [id, name] of promises.accepted) {
    const event = await clients.control.event(id);
    const fates = event?.timeline.filter((entry) => entry.kind === 'fate').length;
    if (event?.fate?.kind !== EXPECTED_FATE[name] || fates !== 1) wrong.push(`${name} ${id}: ${fates} fates`);
    if (!ran.has(id)) wrong.push(`${name} ${id} never ran`);
  }
  const work = judge.endpoint + new URL(deployment.work).pathname;
  while ((await receiveAndDelete(clients, work, promises, { waitSeconds: 0, keepEverySecond: false })) > 0);
  for (const body of promises.sent) if (!promises.received.has(body)) wrong.push(`${body} never came`);
  assert.deepEqual(wrong, []);
  t.diagnostic(
    `${promises.accepted.size} events, ${promises.sent.size} messages, ` +
      `${[...fifo.sent.values()].reduce((a, b) => a + b, 0)} in order; ${calls} calls answered, ${broken} broken; ` +
      JSON.stringify(troubles),
  );
  assert.equal(await judge.stop(), 0);
  await eventually(() => processesUnder(folder).length === 0, { what: 'no process is left behind' });
});

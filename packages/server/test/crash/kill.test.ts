/**
 * Nothing is lost: a real server, killed again and again in the middle of its work and started on the same data.
 * Every event that got a 202 has exactly one fate, ran at least once and, where it was given up, left exactly one
 * dead letter; every message that got a 200 is received; what was deleted stays away; the books balance.
 */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { SeededRandom } from '../../src/platform/random.ts';
import { type Clients, createClients } from '../support/clients.ts';
import { eventually } from '../support/eventually.ts';
import { type ServerProcess, startProcess } from '../support/server-process.ts';
import { processesUnder } from '../support/stray-processes.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { createPromises, type Promises, receiveAndDelete, startClients } from './load.ts';
import { ATTEMPTS, deploy, EXPECTED_FATE, FUNCTIONS, type FunctionName, readEvidence } from './outcomes.ts';

const KILLS = Number(process.env.REDRIVE_CRASH_KILLS ?? 25);
const SEED = Number(process.env.REDRIVE_CRASH_SEED ?? Date.now() % 1_000_000);
/** A life ends after a random number of answers, and a random moment later: anywhere between two commits. */
const MAX_ANSWERS = 150;
const MAX_MOMENT_MS = 20;
/** Share of kills that hit a server that is still starting. */
const KILLED_AT_START = 0.2;
const MAX_START_MS = 900;
/** Concurrent invokers. */
const INVOKERS: readonly FunctionName[] = Array.from(
  { length: 12 },
  (_, i) => FUNCTIONS[i % 3] as FunctionName,
);
/** Look-ups at a time while checking. */
const CHECKERS = 16;

test(`${KILLS} kills under load lose nothing (seed ${SEED})`, { timeout: 300_000 }, async (t) => {
  const random = new SeededRandom(SEED);
  const folder = await tempFolder(t);
  const data = join(folder, 'data');
  const evidence = join(folder, 'evidence');
  await mkdir(evidence);
  const promises = createPromises();

  let server = await startProcess(t, { data });
  const deployment = await deploy(createClients(t, server.endpoint), evidence);
  for (let kill = 0; kill < KILLS; kill++) {
    const load = startClients(createClients(t, server.endpoint), deployment, promises, INVOKERS);
    const answers = 1 + Math.floor(random.next() * MAX_ANSWERS);
    await eventually(() => load.answers() >= answers, { what: `${answers} answers`, timeoutMs: 30_000 });
    // Not waiting for anything: the moment is the fault that is injected.
    await pause(random.next() * MAX_MOMENT_MS);
    await server.kill9();
    await load.stop();
    if (random.next() < KILLED_AT_START) await killWhileStarting(data, random.next() * MAX_START_MS);
    server = await startProcess(t, { data });
  }
  assert.deepEqual(promises.refusals, [], 'the server refused calls');
  assert.equal(await server.stop(), 0);

  // The retries of minutes are brought about by a clock that can be moved.
  server = await startProcess(t, { data, args: ['--clock', 'virtual'] });
  const clients = createClients(t, server.endpoint);
  for (const by of ['0s', '1m', '2m']) await clients.control.advance(by);
  await checkBooks(clients, promises);
  await checkEvents(clients, promises, evidence);
  await checkDeadLetters(clients, deployment.deadLetters, promises);
  await checkMessages(clients, deployment.work, promises);
  t.diagnostic(
    `${promises.accepted.size} events, ${promises.sent.size} messages, ${readEvidence(evidence).size} events ran`,
  );
  assert.equal(await server.stop(), 0);
  await eventually(() => processesUnder(folder).length === 0, { what: 'no process is left behind' });

  async function killWhileStarting(dataFolder: string, afterMs: number): Promise<void> {
    let started: ServerProcess | undefined;
    try {
      started = await startProcess(t, {
        data: dataFolder,
        onSpawn: (child) => setTimeout(() => child.kill('SIGKILL'), afterMs),
      });
    } catch {
      // Killed before it was ready, as intended.
    }
    await started?.kill9();
  }
});

async function checkBooks({ control }: Clients, promises: Promises): Promise<void> {
  const ledger = await control.ledger();
  assert.equal(ledger.unaccounted, 0);
  assert.equal(ledger.pending, 0);
  assert.ok(ledger.accepted >= promises.accepted.size, 'fewer events accepted than promised');
  const verification = await control.verify();
  assert.ok(verification.balanced, JSON.stringify(verification));
}

async function checkEvents({ control }: Clients, promises: Promises, evidence: string): Promise<void> {
  const runs = readEvidence(evidence);
  const wrong: string[] = [];
  const queue = [...promises.accepted];
  await Promise.all(
    Array.from({ length: CHECKERS }, async () => {
      for (let next = queue.pop(); next; next = queue.pop()) {
        const [id, name] = next;
        const event = await control.event(id);
        const fates = event?.timeline.filter((entry) => entry.kind === 'fate').length;
        if (event?.fate?.kind !== EXPECTED_FATE[name] || fates !== 1) {
          wrong.push(`${name} ${id}: ${fates} fates, ${JSON.stringify(event?.fate)}`);
        }
        if (!runs.has(id)) wrong.push(`${name} ${id}: has a fate and never ran`);
        const attempts = event?.attempts.length ?? 0;
        if (!ATTEMPTS[name].includes(attempts)) wrong.push(`${name} ${id}: ${attempts} attempts`);
      }
    }),
  );
  assert.deepEqual(wrong, []);
}

async function checkDeadLetters({ sqs }: Clients, queueUrl: string, promises: Promises): Promise<void> {
  const letters = new Map<string, number>();
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        VisibilityTimeout: 3_600,
      }),
    );
    if (Messages.length === 0) break;
    for (const { MessageAttributes } of Messages) {
      const id = MessageAttributes?.RequestID?.StringValue ?? 'unknown';
      letters.set(id, (letters.get(id) ?? 0) + 1);
    }
  }
  const twice = [...letters].filter(([, count]) => count > 1);
  assert.deepEqual(twice, [], 'events with more than one dead letter');
  const missing = [...promises.accepted].filter(([id, name]) => name === 'fail' && !letters.has(id));
  assert.deepEqual(missing, [], 'events without their dead letter');
}

async function checkMessages(clients: Clients, queueUrl: string, promises: Promises): Promise<void> {
  // What was handed out before a crash comes back when its visibility timeout has passed.
  for (const by of ['0s', '31s', '31s']) {
    await clients.control.advance(by);
    const options = { waitSeconds: 0, keepEverySecond: false };
    while ((await receiveAndDelete(clients, queueUrl, promises, options)) > 0);
  }
  const missing = [...promises.sent].filter((body) => !promises.received.has(body));
  assert.deepEqual(missing, [], 'messages that were promised and never received');
  assert.deepEqual([...promises.resurrected], [], 'messages that came back after their deletion');
}

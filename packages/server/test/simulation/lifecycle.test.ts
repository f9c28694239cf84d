/**
 * Hours of asynchronous invocations on a virtual clock, with random functions and outcomes from a seed, against a
 * whole server with real function processes. At every step the books hold exactly what has to have happened by
 * then; in the end every attempt was at its instant and every record says what happened.
 */
import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  InvokeCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda';
import { type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { SeededRandom } from '../../src/platform/random.ts';
import { type Clients, createClients } from '../support/clients.ts';
import { createFunction, createQueue } from '../support/functions.ts';
import { startInProcess } from '../support/server-inside.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { type EventPlan, type Expectation, expectationOf, type FunctionPlan } from './expectation.ts';

const SEED = Number(process.env.REDRIVE_SIMULATION_SEED ?? Date.now() % 1_000_000);
const FUNCTIONS = 10;
const STEPS = 40;
const MAX_EVENTS_PER_STEP = 12;
const MAX_STEP_SECONDS = 300;
const AGES = [60, 61, 90, 179, 180, 181, 3_600, 21_600];

/** Fails as often as the event says; each run leaves a file. */
const SOURCE = `
import { writeFileSync } from 'node:fs';
export const handler = async (event, context) => {
  let run = 1;
  for (;; run++) {
    try {
      writeFileSync(process.env.EVIDENCE + '/' + context.awsRequestId + '.' + run, '', { flag: 'wx' });
      break;
    } catch {}
  }
  if (run <= event.failures) throw new TypeError('failure ' + run);
  return { run };
};
`;

interface Accepted extends EventPlan {
  readonly id: string;
  readonly payload: string;
  readonly expected: Expectation;
}

test(`random lifecycles follow the rules (seed ${SEED})`, { timeout: 120_000 }, async (t) => {
  const random = new SeededRandom(SEED);
  const folder = await tempFolder(t);
  const evidence = join(folder, 'evidence');
  await mkdir(evidence);
  const { endpoint } = await startInProcess(t, { clock: 'virtual', dataDir: join(folder, 'data') });
  const clients = createClients(t, endpoint);
  const queues = {
    deadLetters: await createQueue(clients, 'dead-letters'),
    failures: await createQueue(clients, 'failures'),
    successes: await createQueue(clients, 'successes'),
  };
  const plans: FunctionPlan[] = [];
  for (let i = 0; i < FUNCTIONS; i++) plans.push(planFunction(random, i));
  for (const plan of plans) {
    await createFunction(clients, plan.name, SOURCE, {
      Environment: { Variables: { EVIDENCE: evidence } },
      DeadLetterConfig: plan.deadLetterQueue ? { TargetArn: queues.deadLetters.arn } : undefined,
    });
    await clients.lambda.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: plan.name,
        MaximumRetryAttempts: plan.maximumRetryAttempts,
        MaximumEventAgeInSeconds: plan.maximumEventAgeSeconds,
        DestinationConfig: {
          OnFailure: plan.onFailure ? { Destination: queues.failures.arn } : {},
          OnSuccess: plan.onSuccess ? { Destination: queues.successes.arn } : {},
        },
      }),
    );
    if (plan.closed) {
      await clients.lambda.send(
        new PutFunctionConcurrencyCommand({ FunctionName: plan.name, ReservedConcurrentExecutions: 0 }),
      );
    }
  }

  const accepted: Accepted[] = [];
  for (let step = 0; step < STEPS; step++) {
    const count = Math.floor(random.next() * MAX_EVENTS_PER_STEP);
    for (let i = 0; i < count; i++) accepted.push(await invoke(clients, random, plans));
    // Half of the steps end on a boundary of the delays, where rules tend to be off by one.
    const seconds = random.next() < 0.5 ? 60 : 1 + Math.floor(random.next() * MAX_STEP_SECONDS);
    await clients.control.advance(seconds * 1_000);
    await checkBooks(clients, accepted);
  }
  await clients.control.advance('10m');
  await checkBooks(clients, accepted);
  assert.equal((await clients.control.ledger()).pending, 0);

  const runs = await countRuns(evidence);
  for (const event of accepted) await checkEvent(clients, event, runs.get(event.id) ?? 0);
  await checkDeadLetters(clients, queues.deadLetters.url, accepted);
  await checkRecords(
    clients,
    queues.failures.url,
    accepted,
    (event) => event.expected.condition !== 'Success' && event.function.onFailure,
  );
  await checkRecords(
    clients,
    queues.successes.url,
    accepted,
    (event) => event.expected.condition === 'Success' && event.function.onSuccess,
  );
  assert.ok((await clients.control.verify()).balanced);
  summarize(t, accepted);
});

function planFunction(random: SeededRandom, index: number): FunctionPlan {
  const chance = (share: number) => random.next() < share;
  return {
    name: `f${index}`,
    maximumRetryAttempts: Math.floor(random.next() * 3),
    maximumEventAgeSeconds: AGES[Math.floor(random.next() * AGES.length)] as number,
    deadLetterQueue: chance(0.5),
    onFailure: chance(0.5),
    onSuccess: chance(0.5),
    closed: chance(0.1),
  };
}

async function invoke(
  { lambda, control }: Clients,
  random: SeededRandom,
  plans: readonly FunctionPlan[],
): Promise<Accepted> {
  const fn = plans[Math.floor(random.next() * plans.length)] as FunctionPlan;
  const failures = Math.floor(random.next() * 5);
  // Spacing and order of members must survive the way into a dead letter.
  const payload = `{ "failures":${failures},  "n": 1.50 }`;
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName: fn.name, InvocationType: 'Event', Payload: payload }),
  );
  assert.equal(answer.StatusCode, 202);
  const plan: EventPlan = { function: fn, failures, acceptedAt: await control.now() };
  return { ...plan, id: answer.$metadata.requestId as string, payload, expected: expectationOf(plan) };
}

/** The ledger is exactly what the events must have come to by now. */
async function checkBooks({ control }: Clients, accepted: readonly Accepted[]): Promise<void> {
  const now = await control.now();
  const fates = { Succeeded: 0, DeadLettered: 0, SentToDestination: 0, Discarded: 0 };
  let pending = 0;
  for (const { expected } of accepted) {
    if (expected.endsAt <= now) fates[expected.fate]++;
    else pending++;
  }
  assert.deepEqual(await control.ledger(), { accepted: accepted.length, pending, fates, unaccounted: 0 });
}

async function checkEvent({ control }: Clients, event: Accepted, runs: number): Promise<void> {
  const { expected, id } = event;
  const view = await control.event(id);
  assert.ok(view, id);
  const what = `${event.function.name} ${JSON.stringify(event.function)} ${id}`;
  assert.equal(view.fate?.kind, expected.fate, what);
  assert.equal(view.fate?.reason, expected.condition === 'Success' ? undefined : expected.condition, what);
  assert.equal(view.fate?.at, expected.endsAt, what);
  assert.deepEqual(
    view.attempts.map((attempt) => attempt.startedAt),
    expected.attemptsAt,
    what,
  );
  assert.equal(runs, expected.attemptsAt.length, `${what}: runs that really happened`);
  const age = event.function.maximumEventAgeSeconds * 1_000;
  for (const { startedAt } of view.attempts)
    assert.ok(startedAt - event.acceptedAt < age, `${what}: ran too old`);
  assert.ok(view.attempts.length <= event.function.maximumRetryAttempts + 1, what);
}

async function countRuns(evidence: string): Promise<Map<string, number>> {
  const runs = new Map<string, number>();
  for (const file of await readdir(evidence)) {
    const id = file.split('.')[0] as string;
    runs.set(id, (runs.get(id) ?? 0) + 1);
  }
  return runs;
}

async function receiveAll({ sqs }: Clients, queueUrl: string): Promise<Message[]> {
  const all: Message[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        VisibilityTimeout: 43_200,
      }),
    );
    if (Messages.length === 0) return all;
    all.push(...Messages);
  }
}

async function checkDeadLetters(clients: Clients, url: string, accepted: readonly Accepted[]): Promise<void> {
  const expected = accepted.filter((event) => event.expected.fate === 'DeadLettered');
  const letters = await receiveAll(clients, url);
  const found = new Map(letters.map((letter) => [letter.MessageAttributes?.RequestID?.StringValue, letter]));
  assert.equal(letters.length, expected.length, 'dead letters');
  for (const event of expected) {
    const letter = found.get(event.id);
    assert.ok(letter, `no dead letter of ${event.id}`);
    assert.equal(letter.Body, event.payload, 'the event byte for byte');
    const attributes = letter.MessageAttributes ?? {};
    if (event.expected.condition === 'ZeroReservedConcurrency') {
      assert.equal(attributes.ErrorCode, undefined);
      continue;
    }
    assert.equal(attributes.ErrorCode?.DataType, 'Number');
    assert.equal(attributes.ErrorCode?.StringValue, '200');
    assert.equal(attributes.ErrorMessage?.StringValue, `failure ${event.expected.attemptsAt.length}`);
  }
}

async function checkRecords(
  clients: Clients,
  url: string,
  accepted: readonly Accepted[],
  isRecorded: (event: Accepted) => boolean,
): Promise<void> {
  const expected = accepted.filter(isRecorded);
  const records = (await receiveAll(clients, url)).map((message) => JSON.parse(message.Body as string));
  const found = new Map(records.map((record) => [record.requestContext.requestId, record]));
  assert.equal(records.length, expected.length, 'records');
  for (const event of expected) {
    const { condition, attemptsAt, endsAt } = event.expected;
    const closed = condition === 'ZeroReservedConcurrency';
    const failed = condition !== 'Success' && !closed;
    const record = found.get(event.id);
    assert.ok(record, `no record of ${event.id}`);
    assert.equal(record.version, '1.0');
    assert.equal(record.timestamp, new Date(endsAt).toISOString());
    assert.deepEqual(record.requestContext, {
      requestId: event.id,
      functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${event.function.name}:$LATEST`,
      condition,
      approximateInvokeCount: condition === 'Success' ? 1 : attemptsAt.length,
    });
    assert.deepEqual(record.requestPayload, { failures: event.failures, n: 1.5 });
    assert.deepEqual(
      record.responseContext,
      closed
        ? undefined
        : { statusCode: 200, executedVersion: '$LATEST', ...(failed && { functionError: 'Unhandled' }) },
    );
    if (failed) {
      assert.equal(record.responsePayload.errorType, 'TypeError');
      assert.equal(record.responsePayload.errorMessage, `failure ${attemptsAt.length}`);
    } else {
      assert.deepEqual(record.responsePayload, closed ? undefined : { run: attemptsAt.length });
    }
  }
}

function summarize(t: TestContext, accepted: readonly Accepted[]): void {
  const counts = new Map<string, number>();
  for (const { expected } of accepted) {
    const key = `${expected.fate} (${expected.condition})`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  t.diagnostic(
    `${accepted.length} events: ${[...counts].map(([key, count]) => `${count} ${key}`).join(', ')}`,
  );
}

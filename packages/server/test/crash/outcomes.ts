/** Functions with known outcomes that leave evidence of every run in a file, and the reading of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutFunctionEventInvokeConfigCommand } from '@aws-sdk/client-lambda';
import type { Clients } from '../support/clients.ts';
import { createFunction, createQueue } from '../support/functions.ts';

/** Leaves a line for each run, then succeeds, fails the first time, or always fails. */
const SOURCE = `
import { appendFileSync, writeFileSync } from 'node:fs';
const { EVIDENCE, OUTCOME } = process.env;
export const handler = async (event, context) => {
  const id = context.awsRequestId;
  appendFileSync(EVIDENCE + '/runs', id + '\\n');
  if (OUTCOME === 'succeed') return { id };
  if (OUTCOME === 'fail') throw new Error('always');
  try {
    writeFileSync(EVIDENCE + '/first-' + id, '', { flag: 'wx' });
  } catch {
    return { id };
  }
  throw new Error('first time');
};
`;

export const FUNCTIONS = ['succeed', 'flaky', 'fail'] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** What each function's events must come to. */
export const EXPECTED_FATE: Readonly<Record<FunctionName, string>> = {
  succeed: 'Succeeded',
  flaky: 'Succeeded',
  fail: 'DeadLettered',
};

/**
 * Attempts on record. A run whose outcome was lost in a crash is made again and is no retry: what always fails is
 * always tried twice, and a first failure that nobody heard of is none.
 */
export const ATTEMPTS: Readonly<Record<FunctionName, readonly number[]>> = {
  succeed: [1],
  flaky: [1, 2],
  fail: [2],
};

export interface Deployment {
  readonly deadLetters: string;
  readonly work: string;
}

/** @param evidence existing folder that the functions write to */
export async function deploy(clients: Clients, evidence: string): Promise<Deployment> {
  const deadLetters = await createQueue(clients, 'dead-letters');
  const work = await createQueue(clients, 'work', { VisibilityTimeout: '30' });
  for (const name of FUNCTIONS) {
    await createFunction(clients, name, SOURCE, {
      Environment: { Variables: { EVIDENCE: evidence, OUTCOME: name } },
      Timeout: 30,
      DeadLetterConfig: name === 'fail' ? { TargetArn: deadLetters.arn } : undefined,
    });
    await clients.lambda.send(
      new PutFunctionEventInvokeConfigCommand({ FunctionName: name, MaximumRetryAttempts: 1 }),
    );
  }
  return { deadLetters: deadLetters.url, work: work.url };
}

/** Runs by request id. */
export function readEvidence(evidence: string): Map<string, number> {
  const runs = new Map<string, number>();
  for (const id of readFileSync(join(evidence, 'runs'), 'utf8').split('\n')) {
    if (id !== '') runs.set(id, (runs.get(id) ?? 0) + 1);
  }
  return runs;
}

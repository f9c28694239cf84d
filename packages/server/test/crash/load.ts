/**
 * Clients that go on through crashes and remember what they were promised: a request id with each 202, a message
 * with each 200. Calls that broke off promise nothing.
 */
import { setMaxListeners } from 'node:events';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import type { Clients } from '../support/clients.ts';
import type { Deployment, FunctionName } from './outcomes.ts';

export interface Promises {
  /** Function by request id. */
  readonly accepted: Map<string, FunctionName>;
  readonly sent: Set<string>;
  readonly received: Set<string>;
  readonly deleted: Set<string>;
  /** Messages that were received although their deletion had been answered before. */
  readonly resurrected: Set<string>;
  /** Answers that were neither a promise nor a broken connection. */
  readonly refusals: unknown[];
}

export function createPromises(): Promises {
  return {
    accepted: new Map(),
    sent: new Set(),
    received: new Set(),
    deleted: new Set(),
    resurrected: new Set(),
    refusals: [],
  };
}

/** Errors that mean: the server went away. Anything else is an answer. */
const BROKEN = /ECONNREFUSED|ECONNRESET|EPIPE|socket hang up|aborted|other side closed/i;

function isBroken(error: unknown): boolean {
  const { code, name, message } = error as { code?: string; name?: string; message?: string };
  return BROKEN.test(`${code} ${name} ${message}`);
}

let nextMessage = 0;

/**
 * Starts clients against one life of the server; they end when it does.
 * @param names which function each of them invokes
 */
export function startClients(
  clients: Clients,
  deployment: Deployment,
  promises: Promises,
  names: readonly FunctionName[],
): { readonly answers: () => number; stop(): Promise<void> } {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  let answers = 0;
  const forEver = async (call: () => Promise<void>) => {
    while (!stopping.signal.aborted) {
      try {
        await call();
        answers++;
      } catch (error) {
        if (stopping.signal.aborted || isBroken(error)) return;
        promises.refusals.push(error);
        return;
      }
    }
  };
  const invoke = (name: FunctionName) => async () => {
    const answer = await clients.lambda.send(
      new InvokeCommand({ FunctionName: name, InvocationType: 'Event', Payload: '{"note":"crash"}' }),
    );
    if (answer.StatusCode !== 202) throw new Error(`answered ${answer.StatusCode}`);
    promises.accepted.set(answer.$metadata.requestId as string, name);
  };
  const send = async () => {
    const body = `message-${nextMessage++}`;
    await clients.sqs.send(new SendMessageCommand({ QueueUrl: deployment.work, MessageBody: body }));
    promises.sent.add(body);
  };
  const receive = async () => {
    await receiveAndDelete(clients, deployment.work, promises, { waitSeconds: 1, keepEverySecond: true });
  };
  const running = [
    ...names.map((name) => forEver(invoke(name))),
    forEver(send),
    forEver(send),
    forEver(receive),
  ];
  return {
    answers: () => answers,
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

/** One receive and the deletion of what came, or of half of it. Answers how many came. */
export async function receiveAndDelete(
  { sqs }: Pick<Clients, 'sqs'>,
  queueUrl: string,
  promises: Promises,
  { waitSeconds, keepEverySecond }: { waitSeconds: number; keepEverySecond: boolean },
): Promise<number> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: waitSeconds }),
  );
  for (const { Body: body = '' } of Messages) {
    if (promises.deleted.has(body)) promises.resurrected.add(body);
    promises.received.add(body);
  }
  for (const [index, message] of Messages.entries()) {
    if (keepEverySecond && index % 2 === 1) continue;
    await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle }));
    promises.deleted.add(message.Body as string);
  }
  return Messages.length;
}

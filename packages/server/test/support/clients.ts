/** The official SDK clients for an endpoint, and a small one for the control API. */
import assert from 'node:assert/strict';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SQSClient } from '@aws-sdk/client-sqs';
import { atEnd, type Cleanup } from './cleanup.ts';

/** A key pair that an open server accepts and a server with keys refuses. */
const ANY_CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

export interface Clients {
  readonly lambda: LambdaClient;
  readonly sqs: SQSClient;
  readonly logs: CloudWatchLogsClient;
  readonly control: Control;
}

/** Clients that never try again by themselves: a test sees every answer. Their connections end with the test. */
export function createClients(t: Cleanup, endpoint: string, credentials = ANY_CREDENTIALS): Clients {
  const config = { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 };
  const lambda = new LambdaClient(config);
  const sqs = new SQSClient(config);
  const logs = new CloudWatchLogsClient(config);
  atEnd(t, () => {
    for (const client of [lambda, sqs, logs]) client.destroy();
  });
  return { lambda, sqs, logs, control: createControlClient(endpoint) };
}

export interface EventView {
  readonly requestId: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly acceptedAt: number;
  readonly fate?: { readonly kind: string; readonly reason?: string; readonly at: number };
  readonly attempts: readonly {
    readonly number: number;
    readonly startedAt: number;
    readonly endedAt?: number;
    readonly outcome: string;
    readonly errorType?: string;
  }[];
  readonly timeline: readonly {
    readonly at: number;
    readonly kind: string;
    readonly data?: Readonly<Record<string, unknown>>;
  }[];
}

export interface Ledger {
  readonly accepted: number;
  readonly pending: number;
  readonly fates: Readonly<Record<string, number>>;
  readonly unaccounted: number;
}

export interface Verification {
  readonly balanced: boolean;
  readonly ledger: Ledger;
  readonly lost: { readonly count: number; readonly examples: readonly string[] };
  readonly drift: readonly unknown[];
}

export interface Control {
  /** `undefined` for an id that was never accepted. */
  event(requestId: string): Promise<EventView | undefined>;
  ledger(): Promise<Ledger>;
  verify(): Promise<Verification>;
  /** Moves a virtual clock; resolves when everything has settled. */
  advance(by: string | number): Promise<number>;
  now(): Promise<number>;
}

export function createControlClient(endpoint: string): Control {
  const call = async (path: string, body?: unknown): Promise<Response> =>
    fetch(`${endpoint}/_redrive/api${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  const read = async <T>(response: Response): Promise<T> => {
    const text = await response.text();
    assert.equal(response.status, 200, `${response.url}: ${text}`);
    return JSON.parse(text) as T;
  };
  return {
    async event(requestId) {
      const response = await call(`/events/${requestId}`);
      if (response.status !== 404) return read<EventView>(response);
      await response.body?.cancel();
      return undefined;
    },
    ledger: async () => read(await call('/ledger')),
    verify: async () => read(await call('/ledger/verify')),
    advance: async (by) => (await read<{ now: number }>(await call('/clock/advance', { by }))).now,
    now: async () => (await read<{ now: number }>(await call('/clock'))).now,
  };
}

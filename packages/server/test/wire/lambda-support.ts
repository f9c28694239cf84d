/** What the wire tests of Lambda share. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import {
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  type CreateFunctionCommandOutput,
} from '@aws-sdk/client-lambda';
import type { Cleanup } from '../support/cleanup.ts';
import { type Clients, createClients } from '../support/clients.ts';
import { startInProcess } from '../support/server-inside.ts';
import { makeZip } from '../support/zip.ts';

export const ROLE = 'arn:aws:iam::000000000000:role/test';
export const ARN = 'arn:aws:lambda:us-east-1:000000000000:function';
export const ECHO = 'export const handler = async (event) => event;';

const wholeFile = { after } as Cleanup;

export interface LambdaWire extends Clients {
  readonly endpoint: string;
  /** Zip of a function that answers with its event. */
  readonly zip: Buffer;
  /** `more` may be wrong on purpose. */
  create(name: string, more?: object): Promise<CreateFunctionCommandOutput>;
}

/** A server for all tests of a file. */
export async function startLambdaWire(
  config: Parameters<typeof startInProcess>[1] = {},
): Promise<LambdaWire> {
  const server = await startInProcess(wholeFile, config);
  const clients = createClients(wholeFile, server.endpoint);
  const zip = await makeZip({ 'index.mjs': ECHO });
  return {
    ...clients,
    endpoint: server.endpoint,
    zip,
    create: (name, more = {}) =>
      clients.lambda.send(
        new CreateFunctionCommand({
          FunctionName: name,
          Runtime: 'nodejs24.x',
          Handler: 'index.handler',
          Role: ROLE,
          Code: { ZipFile: zip },
          ...more,
        } as CreateFunctionCommandInput),
      ),
  };
}

/** Members and values, without what the client adds. */
export function plain<T extends object>(output: T): Omit<T, '$metadata'> {
  const { $metadata: _, ...rest } = output as T & { $metadata: unknown };
  return rest as Omit<T, '$metadata'>;
}

export type Refused = readonly [status: number | undefined, name: string, message: string];

/** The refusal of a call: status, name, message. */
export async function refusal(call: Promise<unknown>): Promise<Refused> {
  try {
    await call;
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    return [$metadata?.httpStatusCode, name, message];
  }
  return assert.fail('the call was not refused');
}

export const invalid = (message: string): Refused => [400, 'InvalidParameterValueException', message];
export const missing = (message: string): Refused => [404, 'ResourceNotFoundException', message];
export const violates = (message: string): Refused => [
  400,
  'ValidationException',
  `1 validation error detected: ${message}`,
];

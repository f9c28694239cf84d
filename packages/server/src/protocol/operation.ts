/** What a service offers to the wire: a table of operations and a table of errors. */
import type { ErrorTable } from './error.ts';

export interface RequestContext {
  /** Sent back as `x-amzn-RequestId`; of an asynchronous invocation it is the event's id. */
  readonly requestId: string;
  readonly region: string;
  readonly accountId: string;
  /** Who signed the request; absent when `--auth open` and no credentials were sent. */
  readonly accessKeyId?: string;
  /** ARN of the caller, as AWS words it in messages and `SenderId`s. */
  readonly callerArn: string;
  readonly sourceIp: string;
  /** Scheme and host as the client used them, for URLs that are sent back: `http://127.0.0.1:4566`. */
  readonly origin: string;
  /** `X-Amzn-Trace-Id` as received. */
  readonly traceHeader?: string;
  /** `json` or `query`: some messages differ by wire (SQS). */
  readonly wire: 'rest-json' | 'json' | 'query' | 'cbor';
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** Extra response headers that no model member carries (`Retry-After`). */
  setHeader(name: string, value: string): void;
}

/**
 * One operation. Input and output have the members of the model (PascalCase, blobs as Buffer,
 * timestamps as epoch seconds, possibly fractional). Fails by throwing an ApiError.
 */
// biome-ignore lint/suspicious/noExplicitAny: each handler narrows to the SDK's own types
export type Handler<I = any, O = any> = (input: I, context: RequestContext) => O | Promise<O>;

export type ServiceName = 'lambda' | 'sqs' | 'sns' | 'logs' | 'cloudwatch';

export interface Service {
  readonly name: ServiceName;
  readonly errors: ErrorTable;
  /** By operation name. Operations of the model that are missing here answer with a clear error. */
  readonly operations: Readonly<Record<string, Handler>>;
  /** Operations that people reach by a link in a message: a GET without a signature is let through. */
  readonly linked?: readonly string[];
}

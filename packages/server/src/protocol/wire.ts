/**
 * What the parts of the wire hand each other: a request and a reply as plain values, and what a protocol must
 * be able to do. Nothing here knows node:http or any service.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { ApiError, ErrorRow } from './error.ts';
import type { Form } from './form.ts';
import type { Operation } from './model.ts';
import type { RequestContext } from './operation.ts';

export interface HttpRequest {
  readonly method: string;
  /** Path as sent, still percent-encoded, without the query. */
  readonly path: string;
  /** Query as sent, without `?`; empty when there is none. */
  readonly search: string;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Decoded from `Content-Encoding`. */
  readonly body: Buffer;
  /** Parameters of the query protocol, when the router has read them. */
  readonly form?: Form | undefined;
  /** Values of the labels of the path, decoded, in order. */
  readonly labels?: readonly string[] | undefined;
}

export interface HttpReply {
  readonly status: number;
  /** The reply's own object: the front adds to it. */
  readonly headers: Record<string, string>;
  readonly body?: string | Buffer;
  /** Sent chunk by chunk in place of `body`. */
  readonly stream?: AsyncIterable<Uint8Array>;
}

export type WireName = RequestContext['wire'];
export type Members = Record<string, unknown>;

/** Both directions of one operation on one wire, compiled. */
export interface OperationCodec {
  /** Members of the input; fails with SerializationException. */
  decode(request: HttpRequest): Members;
  encode(output: Members, requestId: string): HttpReply;
}

export interface Wire {
  readonly name: WireName;
  compile(operation: Operation): OperationCodec;
  encodeError(error: ApiError, row: ErrorRow, requestId: string): HttpReply;
}

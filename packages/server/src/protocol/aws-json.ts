/**
 * AWS JSON 1.0 (SQS, CloudWatch) and 1.1 (Logs): one JSON document each way, the operation in `X-Amz-Target`.
 */
import type { Dialect } from './dialect.ts';
import type { ApiError, ErrorRow } from './error.ts';
import { encodeEventStream } from './event-stream.ts';
import { type JsonCodec, parseJsonBody } from './json-codec.ts';
import type { Operation } from './model.ts';
import type { HttpReply, Members, OperationCodec, Wire } from './wire.ts';

export function createAwsJson(codec: JsonCodec, dialect: Dialect): Wire {
  const contentType = `application/x-amz-json-${dialect.jsonVersion}`;
  return {
    name: 'json',
    compile: (operation) => compile(codec, operation, contentType),
    encodeError: (error, row) => encodeError(error, row, dialect, contentType),
  };
}

function compile(codec: JsonCodec, operation: Operation, contentType: string): OperationCodec {
  const decode = codec.decoder(operation.input);
  const encode = codec.encoder(operation.output);
  const streaming = operation.output.members.find(
    (member) => 'streaming' in member.shape && member.shape.streaming,
  );
  if (streaming && 'streaming' in streaming.shape) {
    const stream = encodeEventStream(codec, streaming.shape, { initialResponse: true });
    return {
      decode: (request) => decode(parseJsonBody(request.body)) as Members,
      encode: (output) => ({
        status: 200,
        headers: { 'Content-Type': 'application/vnd.amazon.eventstream' },
        stream: stream(output[streaming.name] as AsyncIterable<Members>),
      }),
    };
  }
  return {
    decode: (request) => decode(parseJsonBody(request.body)) as Members,
    encode: (output) => ({
      status: 200,
      headers: { 'Content-Type': contentType },
      // Operations without output answer with an empty body in JSON 1.1 and `{}` in 1.0; SDKs take both.
      body: operation.noOutput ? (contentType.endsWith('1.0') ? '{}' : '') : JSON.stringify(encode(output)),
    }),
  };
}

/** `__type` as each service sends it: with its own or the framework's namespace in 1.0, bare in 1.1. */
function errorType(error: ApiError, row: ErrorRow, dialect: Dialect): string {
  if (dialect.jsonVersion === '1.1') return error.name;
  if (row.jsonType) return row.jsonType;
  return dialect.errorNamespace ? `${dialect.errorNamespace}#${error.name}` : error.name;
}

/** `AWS.SimpleQueueService.NonExistentQueue;Sender`: SDKs of a service that once spoke query read the code here. */
export function queryErrorHeader(error: ApiError, row: ErrorRow): string {
  return `${row.queryCode ?? error.name};${row.fault === 'client' ? 'Sender' : 'Receiver'}`;
}

export function errorMembers(error: ApiError, row: ErrorRow, dialect: Dialect): Members {
  const body: Members = { __type: errorType(error, row, dialect), ...error.members };
  if (error.message !== '') body[row.messageMember ?? 'message'] = error.message;
  return body;
}

function encodeError(error: ApiError, row: ErrorRow, dialect: Dialect, contentType: string): HttpReply {
  return {
    status: row.status,
    headers: {
      'Content-Type': contentType,
      ...(dialect.queryCompatible ? { 'x-amzn-query-error': queryErrorHeader(error, row) } : {}),
      ...error.headers,
    },
    body: JSON.stringify(errorMembers(error, row, dialect)),
  };
}

/**
 * restJson1 (Lambda): members travel in the path, the query, headers, the status and a JSON or raw body.
 * The body of an operation with a blob payload is never parsed here.
 */
import { ApiError, type ErrorRow } from './error.ts';
import { encodeEventStream } from './event-stream.ts';
import { type JsonCodec, parseJsonBody, serializationError } from './json-codec.ts';
import type { Member, Operation, Shape } from './model.ts';
import { formatTimestamp, parseTimestamp } from './timestamp.ts';
import type { HttpReply, HttpRequest, Members, OperationCodec, Wire } from './wire.ts';

const JSON_TYPE = 'application/json';

/** Text of the path, the query or a header → value of the member. */
function textDecoder(shape: Shape, defaultFormat: 'date-time' | 'http-date'): (text: string) => unknown {
  switch (shape.kind) {
    case 'number':
      return (text) => {
        const value = Number(text);
        if (text.trim() === '' || !Number.isFinite(value)) {
          throw serializationError('STRING_VALUE can not be converted to an Integer');
        }
        return value;
      };
    case 'boolean':
      return (text) => {
        if (text === 'true') return true;
        if (text === 'false') return false;
        throw serializationError('STRING_VALUE can not be converted to a Boolean');
      };
    case 'timestamp':
      return (text) => {
        const value = parseTimestamp(text, shape.format ?? defaultFormat);
        if (value === undefined) throw serializationError('STRING_VALUE can not be converted to a Timestamp');
        return value;
      };
    default:
      return (text) => text;
  }
}

function textEncoder(shape: Shape): (value: unknown) => string {
  if (shape.kind === 'timestamp') {
    return (value) => String(formatTimestamp(value as number, shape.format ?? 'http-date'));
  }
  return String;
}

export function createRestJson(codec: JsonCodec): Wire {
  return {
    name: 'rest-json',
    compile: (operation) => compile(codec, operation),
    encodeError,
  };
}

function compile(codec: JsonCodec, operation: Operation): OperationCodec {
  return { decode: compileDecode(codec, operation), encode: compileEncode(codec, operation) };
}

/** Names of the labels of a URI, in order. */
export function labelsOf(uri: string): string[] {
  return [...uri.matchAll(/\{(\w+)\+?\}/g)].map((match) => match[1]!);
}

function compileDecode(codec: JsonCodec, operation: Operation): (request: HttpRequest) => Members {
  const { input } = operation;
  const byName = new Map(input.members.map((member) => [member.name, member]));
  const labels = labelsOf(operation.uri).map((name) => {
    const member = byName.get(name)!;
    return [name, textDecoder(member.shape, 'date-time')] as const;
  });
  const queries = input.members.filter((member) => member.query !== undefined).map(compileQuery);
  const headers = input.members
    .filter((member) => member.header !== undefined)
    .map(
      (member) =>
        [member.name, member.header!.toLowerCase(), textDecoder(member.shape, 'http-date')] as const,
    );
  const payload = input.members.find((member) => member.payload);
  const bodyMembers = input.members.filter(
    (member) => !member.label && !member.payload && member.query === undefined && member.header === undefined,
  );
  const body = bodyMembers.length > 0 ? codec.structure(input, bodyMembers) : undefined;
  const payloadDecoder = payload && payload.shape.kind !== 'blob' ? codec.decoder(payload.shape) : undefined;

  return (request) => {
    const members = (body ? body(parseJsonBody(request.body)) : {}) as Members;
    for (let i = 0; i < labels.length; i++) {
      const [name, decode] = labels[i]!;
      members[name] = decode(request.labels![i]!);
    }
    if (queries.length > 0 && request.search !== '') {
      const parameters = new URLSearchParams(request.search);
      for (const decode of queries) decode(parameters, members);
    }
    for (const [name, header, decode] of headers) {
      const text = request.headers[header];
      if (typeof text === 'string') members[name] = decode(text);
    }
    if (payload && request.body.length > 0) {
      members[payload.name] = payloadDecoder ? payloadDecoder(parseJsonBody(request.body)) : request.body;
    }
    return members;
  };
}

function compileQuery(member: Member): (parameters: URLSearchParams, members: Members) => void {
  const key = member.query!;
  if (member.shape.kind === 'list') {
    const decode = textDecoder(member.shape.member.shape, 'date-time');
    return (parameters, members) => {
      const values = parameters.getAll(key);
      if (values.length > 0) members[member.name] = values.map(decode);
    };
  }
  const decode = textDecoder(member.shape, 'date-time');
  return (parameters, members) => {
    const text = parameters.get(key);
    if (text !== null) members[member.name] = decode(text);
  };
}

function compileEncode(
  codec: JsonCodec,
  operation: Operation,
): (output: Members, requestId: string) => HttpReply {
  const { output } = operation;
  const statusMember = output.members.find((member) => member.statusCode);
  const headers = output.members
    .filter((member) => member.header !== undefined)
    .map((member) => [member.name, member.header!, textEncoder(member.shape)] as const);
  const payload = output.members.find((member) => member.payload);
  const bodyMembers = output.members.filter(
    (member) => !member.payload && !member.statusCode && member.header === undefined,
  );
  const body = payload ? undefined : codec.structureEncoder(bodyMembers);
  const stream =
    payload && 'streaming' in payload.shape && payload.shape.streaming
      ? encodeEventStream(codec, payload.shape)
      : undefined;
  const noBody = operation.noOutput || (payload === undefined && bodyMembers.length === 0);

  return (members) => {
    const status = (statusMember && (members[statusMember.name] as number | undefined)) ?? operation.status;
    const replyHeaders: Record<string, string> = {};
    for (const [name, header, encode] of headers) {
      const value = members[name];
      if (value !== undefined && value !== null) replyHeaders[header] = encode(value);
    }
    if (stream) {
      // The wire's own type replaces the one that describes the payload inside (`ResponseStreamContentType`).
      replyHeaders['Content-Type'] = 'application/vnd.amazon.eventstream';
      return {
        status,
        headers: replyHeaders,
        stream: stream(members[payload!.name] as AsyncIterable<Members>),
      };
    }
    if (status === 204 || noBody) return { status, headers: replyHeaders };
    replyHeaders['Content-Type'] = JSON_TYPE;
    if (payload) {
      const value = members[payload.name];
      if (value === undefined || value === null) return { status, headers: replyHeaders };
      return { status, headers: replyHeaders, body: typeof value === 'string' ? value : asBuffer(value) };
    }
    return { status, headers: replyHeaders, body: JSON.stringify(body!(members)) };
  };
}

function asBuffer(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  const bytes = value as Uint8Array;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Members in alphabetical order, as Lambda sends them (observed: `{"Reason":…,"Type":…,"message":…}`). */
function encodeError(error: ApiError, row: ErrorRow, _requestId: string): HttpReply {
  const body: Members = { ...error.members };
  if (row.type) body.Type = row.type;
  if (error.message !== '') body[row.messageMember ?? 'message'] = error.message;
  const sorted = Object.fromEntries(Object.entries(body).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    status: row.status,
    headers: { 'Content-Type': JSON_TYPE, 'x-amzn-ErrorType': error.name, ...error.headers },
    body: JSON.stringify(sorted),
  };
}

/** Refusal of a path that no operation of the service has. */
export function unknownPath(method: string, path: string): ApiError {
  return new ApiError('UnknownOperationException', `No operation of Lambda answers ${method} ${path}.`);
}

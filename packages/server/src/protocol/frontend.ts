/**
 * One request from bytes to bytes: route → authenticate → decode → validate → handle → encode.
 * Every reply carries the request's id; a bug of ours is logged with it and answered with a 500, never a 2xx.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, RealClock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import { decodeAwsChunked, isAwsChunked } from './aws-chunked.ts';
import { createAwsJson } from './aws-json.ts';
import { createAwsQuery } from './aws-query.ts';
import { comesFromForeignPage } from './browser.ts';
import { Context } from './context.ts';
import { DIALECTS } from './dialect.ts';
import { ApiError, COMMON_ERRORS, type ErrorRow } from './error.ts';
import {
  type BodyResult,
  closeAfterReply,
  decodeContent,
  readBody,
  writeReply,
  writeStream,
} from './http.ts';
import { JsonCodec } from './json-codec.ts';
import { type BodyLimit, bodyLimit, GENERAL_LIMIT } from './limits.ts';
import { loadModel } from './model.ts';
import type { Handler, Service, ServiceName } from './operation.ts';
import { createRestJson } from './rest-json.ts';
import { type OperationRoute, type RoutedRequest, routeForm, routeHead } from './router.ts';
import { createRpcCbor } from './rpc-cbor.ts';
import { assertServiceMatches } from './service-check.ts';
import { compileValidator } from './shape.ts';
import { type ChunkSigner, type Keys, Verifier } from './sigv4.ts';
import { readCredential } from './sigv4-authorization.ts';
import type { HttpReply, HttpRequest, Members, OperationCodec, Wire, WireName } from './wire.ts';

/** The part of the log that the front writes to. */
export interface FrontLog {
  error(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export interface FrontendOptions {
  readonly services: readonly Service[];
  /** `open`: signatures are not asked for, only their scope is read. `keys`: every AWS call must be signed. */
  readonly auth: { readonly mode: 'open' } | { readonly mode: 'keys'; readonly keys: Keys };
  /** Where the request names none. */
  readonly region: string;
  readonly accountId: string;
  /** Signatures are dated by the caller's clock: with a virtual one, real time is used for them. */
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: FrontLog;
  /** Takes what is not for AWS: console, control API, metrics, function URLs. */
  readonly fallback: (request: IncomingMessage, response: ServerResponse) => void;
}

export interface Frontend {
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** An operation on one wire, ready to run. */
interface Compiled {
  readonly handler: Handler;
  readonly codec: OperationCodec;
  readonly validate: (input: Members) => void;
}

/** One service with its wires and everything compiled for them. */
interface Mounted {
  readonly name: ServiceName;
  readonly service?: Service;
  readonly wires: ReadonlyMap<WireName, Wire>;
  readonly compiled: Map<string, Compiled>;
}

function wireOf(name: WireName, service: ServiceName): Wire {
  const model = loadModel(service);
  const dialect = DIALECTS[service];
  switch (name) {
    case 'rest-json':
      return createRestJson(new JsonCodec(model));
    case 'json':
      return createAwsJson(new JsonCodec(model), dialect);
    case 'query':
      return createAwsQuery(model, dialect);
    case 'cbor':
      return createRpcCbor(model, dialect);
  }
}

function mount(name: ServiceName, service: Service | undefined): Mounted {
  const wires = new Map(DIALECTS[name].wires.map((wire) => [wire, wireOf(wire, name)]));
  const compiled = new Map<string, Compiled>();
  for (const [operation, handler] of Object.entries(service?.operations ?? {})) {
    const model = loadModel(name).operations.get(operation)!;
    const validate = compileValidator(model);
    for (const [wire, codecs] of wires) {
      compiled.set(`${wire} ${operation}`, { handler, validate, codec: codecs.compile(model) });
    }
  }
  return { name, ...(service ? { service } : {}), wires, compiled };
}

export function createFrontend(options: FrontendOptions): Frontend {
  for (const service of options.services) assertServiceMatches(service);
  return new Front(options);
}

class Front implements Frontend {
  readonly #options: FrontendOptions;
  readonly #mounted: ReadonlyMap<ServiceName, Mounted>;
  readonly #verifier: Verifier | undefined;
  readonly #wallClock: Clock;

  constructor(options: FrontendOptions) {
    this.#options = options;
    const byName = new Map(options.services.map((service) => [service.name, service]));
    const names = Object.keys(DIALECTS) as ServiceName[];
    this.#mounted = new Map(names.map((name) => [name, mount(name, byName.get(name))]));
    this.#verifier = options.auth.mode === 'keys' ? new Verifier(options.auth.keys) : undefined;
    this.#wallClock = options.clock.virtual ? new RealClock() : options.clock;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    this.#handle(request, response).catch((error: unknown) => {
      this.#options.log.error({ err: error, url: request.url }, 'request failed outside of any operation');
      if (response.headersSent) response.destroy();
      else writeReply(response, 500, {}, undefined);
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const head = readHead(request);
    const credential = readCredential(head);
    let route = routeHead(head, credential);
    if (route.kind === 'fallback') {
      this.#options.fallback(request, response);
      return;
    }
    const requestId = this.#options.ids.ordered();

    if (route.kind === 'refused') {
      request.resume();
      this.#refuse(response, requestId, route.service, route.wire, route.error);
      return;
    }
    const limit = route.kind === 'operation' ? bodyLimit(route.operation, request.headers) : GENERAL_LIMIT;
    const reading = this.#readBody(request, response, limit);
    const read = reading instanceof Promise ? await reading : reading;
    if (read.kind === 'truncated') return;
    if (read.kind === 'too-large' && !read.ended) closeAfterReply(response);
    const raw = read.kind === 'complete' ? read.body : EMPTY;

    const context = new Context(this.#options, request, response, requestId, credential);
    if (route.kind === 'form') route = routeForm(head, raw, credential, context.origin);
    if (route.kind !== 'operation') {
      if (route.kind === 'refused') this.#refuse(response, requestId, route.service, route.wire, route.error);
      return;
    }
    context.wire = route.wire;
    try {
      if (read.kind === 'too-large') throw limit.refuse(read.received);
      const reply = await this.#serve(route, head, raw, limit, context);
      await this.#write(response, context, reply);
    } catch (error) {
      this.#fail(response, context, route, error);
    }
  }

  /** A client that waits for permission to send its body gets it only when the size is acceptable. */
  #readBody(
    request: IncomingMessage,
    response: ServerResponse,
    limit: BodyLimit,
  ): BodyResult | Promise<BodyResult> {
    if (request.headers.expect !== undefined) {
      const announced = Number(request.headers['content-length'] ?? 0);
      if (announced > limit.bytes) return { kind: 'too-large', received: announced, ended: false };
      response.writeContinue();
    }
    return readBody(request, limit.bytes);
  }

  async #serve(
    route: OperationRoute,
    head: RoutedRequest & Pick<HttpRequest, 'headers'>,
    raw: Buffer,
    limit: BodyLimit,
    context: Context,
  ): Promise<HttpReply> {
    const mounted = this.#mounted.get(route.service)!;
    const { headers } = head;
    let chunks: ChunkSigner | undefined;
    if (this.#verifier) {
      const { signingName } = DIALECTS[route.service];
      chunks = this.#verifier.verify(head, raw, signingName, this.#wallClock.now()).chunks;
    } else if (comesFromForeignPage(headers)) {
      throw new ApiError(
        'AccessDeniedException',
        'Web pages may not call this server while it asks for no signatures (--auth open).',
      );
    }
    const compiled = mounted.compiled.get(`${route.wire} ${route.operation}`);
    if (!compiled) {
      throw new ApiError(
        'UnsupportedOperationException',
        `Redrive does not support ${route.operation} of ${route.service}.`,
      );
    }
    const encoding = headers['content-encoding'];
    let body = raw;
    if (isAwsChunked(headers['x-amz-content-sha256'], encoding)) body = decodeAwsChunked(raw, chunks);
    if (encoding !== undefined) body = await decodeBody(body, encoding, limit);
    const request: HttpRequest = {
      method: head.method,
      path: head.path,
      search: head.search,
      headers,
      body,
      ...(route.labels ? { labels: route.labels } : {}),
      ...(route.form ? { form: route.form } : {}),
    };
    const input = compiled.codec.decode(request);
    compiled.validate(input);
    const output = (await compiled.handler(input, context)) ?? {};
    return compiled.codec.encode(output, context.requestId);
  }

  async #write(response: ServerResponse, context: Context, reply: HttpReply): Promise<void> {
    if (response.destroyed) return;
    const headers: Record<string, string> = {
      'x-amzn-RequestId': context.requestId,
      ...reply.headers,
      ...context.extraHeaders,
    };
    if (reply.stream) await writeStream(response, reply.status, headers, reply.stream);
    else writeReply(response, reply.status, headers, reply.body);
  }

  /** Turns what an operation threw into its reply. Only rows of a table are expected; the rest are bugs. */
  #fail(response: ServerResponse, context: Context, route: OperationRoute, error: unknown): void {
    const { requestId } = context;
    const { service, operation, wire } = route;
    if (response.headersSent) {
      this.#options.log.error({ err: error, requestId, service, operation }, 'stream broke off');
      response.destroy();
      return;
    }
    if (error instanceof ApiError && this.#rowOf(service, error.name)) {
      this.#refuse(response, requestId, service, wire, error, context.extraHeaders);
      return;
    }
    const dialect = DIALECTS[service];
    const unavailable = error instanceof Error && error.name === 'StoreUnavailable';
    this.#options.log.error(
      { err: error, requestId, service, operation },
      unavailable ? 'the store is unavailable' : 'operation failed',
    );
    const answer = unavailable
      ? new ApiError(dialect.unavailableError, 'The service is unavailable. Please try again shortly.')
      : new ApiError(dialect.internalError, `Internal error. Request id: ${requestId}`);
    this.#refuse(response, requestId, service, wire, answer);
  }

  #rowOf(service: ServiceName, name: string): ErrorRow | undefined {
    return (
      this.#mounted.get(service)!.service?.errors[name] ?? COMMON_ERRORS[name] ?? modelledRow(service, name)
    );
  }

  #refuse(
    response: ServerResponse,
    requestId: string,
    service: ServiceName,
    wire: WireName,
    error: ApiError,
    extraHeaders?: Record<string, string>,
  ): void {
    if (response.destroyed) return;
    const row = this.#rowOf(service, error.name)!;
    const reply = this.#mounted.get(service)!.wires.get(wire)!.encodeError(error, row, requestId);
    const headers: Record<string, string> = {
      'x-amzn-RequestId': requestId,
      ...reply.headers,
      ...extraHeaders,
    };
    writeReply(response, reply.status, headers, reply.body);
  }
}

/** The model alone says enough of most errors. */
function modelledRow(service: ServiceName, name: string): ErrorRow | undefined {
  const error = loadModel(service).errors.get(name);
  return error && { ...error, status: error.status ?? (error.fault === 'client' ? 400 : 500) };
}

const EMPTY = Buffer.alloc(0);

function readHead(request: IncomingMessage): RoutedRequest & Pick<HttpRequest, 'headers'> {
  const url = request.url!;
  const question = url.indexOf('?');
  return {
    method: request.method!,
    path: question === -1 ? url : url.slice(0, question),
    search: question === -1 ? '' : url.slice(question + 1),
    headers: request.headers,
  };
}

/** Encodings are undone from the last to the first. */
async function decodeBody(raw: Buffer, header: string, limit: BodyLimit): Promise<Buffer> {
  let body = raw;
  for (const encoding of header
    .split(',')
    .map((each) => each.trim().toLowerCase())
    .reverse()) {
    if (encoding === '' || encoding === 'identity' || encoding === 'aws-chunked') continue;
    const decoded = await decodeContent(body, encoding, limit.bytes);
    switch (decoded.kind) {
      case 'decoded':
        body = decoded.body;
        break;
      case 'too-large':
        throw limit.refuse(limit.bytes + 1);
      case 'malformed':
        throw new ApiError('SerializationException', `The body is not valid ${encoding}.`);
      case 'unsupported':
        throw new ApiError('SerializationException', `Content-Encoding '${encoding}' is not supported.`);
    }
  }
  return body;
}

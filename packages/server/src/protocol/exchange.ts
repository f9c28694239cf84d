/**
 * One request and its reply: route → authenticate → decode → validate → handle → encode. Every reply carries
 * the request's id. What an operation throws is a row of a table or a bug of ours; a bug is logged with the id
 * and answered with a 500, never a 2xx. Runs without a promise of its own as far as the handler allows.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pause } from '../platform/pause.ts';
import { decodeAwsChunked, isAwsChunked } from './aws-chunked.ts';
import { comesFromForeignPage } from './browser.ts';
import { decodeContent } from './content-encoding.ts';
import { Context } from './context.ts';
import { ApiError } from './error.ts';
import type { Front } from './frontend.ts';
import { type BodyResult, closeAfterReply, receiveBody, writeReply, writeStream } from './http.ts';
import type { Interceptor } from './interceptor.ts';
import { type BodyLimit, bodyLimit, GENERAL_LIMIT } from './limits.ts';
import type { MountedOperation } from './mounted-service.ts';
import type { ServiceName } from './operation.ts';
import { type OperationRoute, routeForm, routeHead } from './router.ts';
import type { ChunkSigner } from './sigv4.ts';
import { readCredential } from './sigv4-authorization.ts';
import type { HttpReply, HttpRequest, Members, WireName } from './wire.ts';

type Head = Pick<HttpRequest, 'method' | 'path' | 'search' | 'headers'>;

const EMPTY = Buffer.alloc(0);
/** Bodies up to this size, bytes, are read before anything is asked about their sender. */
const SMALL_BODY_BYTES = 65_536;

export class Exchange {
  readonly #front: Front;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #head: Head;
  /** Set once the request is known to be for AWS. */
  #context!: Context;
  #limit: BodyLimit = GENERAL_LIMIT;
  #route: OperationRoute | undefined;

  constructor(front: Front, request: IncomingMessage, response: ServerResponse) {
    this.#front = front;
    this.#request = request;
    this.#response = response;
    const url = request.url!;
    const question = url.indexOf('?');
    this.#head = {
      method: request.method!,
      path: question === -1 ? url : url.slice(0, question),
      search: question === -1 ? '' : url.slice(question + 1),
      headers: request.headers,
    };
  }

  start(): void {
    const { options } = this.#front;
    const credential = readCredential(this.#head);
    const route = routeHead(this.#head, credential);
    if (route.kind === 'fallback') {
      if (this.#head.headers.expect !== undefined) this.#response.writeContinue();
      options.fallback(this.#request, this.#response);
      return;
    }
    const requestId = options.ids.ordered();
    this.#context = new Context(options, this.#request, this.#response, requestId, credential);
    if (route.kind === 'refused') {
      this.#request.resume();
      this.#refuse(route.service, route.wire, route.error);
      return;
    }
    if (route.kind === 'operation') {
      this.#route = route;
      this.#limit = bodyLimit(route.operation, this.#head.headers);
    }
    if (this.#route && !this.#admit()) return;
    if (this.#head.headers.expect !== undefined) {
      // A client that waits for permission to send its body gets it only when the size is acceptable.
      const announced = Number(this.#head.headers['content-length'] ?? 0);
      if (announced > this.#limit.bytes) {
        this.#received({ kind: 'too-large', received: announced, ended: false });
        return;
      }
      this.#response.writeContinue();
    }
    receiveBody(this.#request, this.#limit.bytes, (result) => this.#received(result));
  }

  /** Strangers are turned away before they can fill the memory with a large body. */
  #admit(): boolean {
    const { verifier } = this.#front;
    const { headers } = this.#head;
    const length = headers['content-length'];
    const small = headers['transfer-encoding'] === undefined && Number(length ?? 0) <= SMALL_BODY_BYTES;
    if (!verifier || small) return true;
    try {
      verifier.requireKnownKey(this.#head);
      return true;
    } catch (error) {
      closeAfterReply(this.#response);
      this.#fail(error);
      return false;
    }
  }

  #received(read: BodyResult): void {
    if (read.kind === 'truncated') return;
    try {
      if (read.kind === 'too-large' && !read.ended) closeAfterReply(this.#response);
      if (read.kind === 'too-large') {
        this.#refuseLarge(this.#limit.refuse(read.received));
        return;
      }
      const route = this.#route ?? this.#routeForm(read.body);
      if (!route) return;
      this.#context.wire = route.wire;
      const reply = this.#serve(route, read.body);
      if (reply instanceof Promise) {
        reply.then((value) => this.#reply(value)).catch((error: unknown) => this.#fail(error));
      } else this.#reply(reply);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A form that was not kept still tells by its head whose it was. */
  #refuseLarge(error: ApiError): void {
    const { credential, origin } = this.#context;
    const { service, wire } = this.#route ?? routeForm(this.#head, EMPTY, credential, origin);
    this.#refuse(service, wire, error);
  }

  /** The query protocol names its operation in the body. Undefined when the request was refused. */
  #routeForm(raw: Buffer): OperationRoute | undefined {
    const { credential, origin } = this.#context;
    const route = routeForm(this.#head, raw, credential, origin);
    if (route.kind === 'refused') {
      this.#refuse(route.service, route.wire, route.error);
      return undefined;
    }
    this.#route = route;
    return route;
  }

  #serve(route: OperationRoute, raw: Buffer): HttpReply | Promise<HttpReply> {
    const { headers } = this.#head;
    const chunks = this.#isFollowedLink(route) ? undefined : this.#authenticate(route.service, raw);
    const operation = this.#front.service(route.service).operation(route.wire, route.operation);
    if (!operation) {
      throw new ApiError(
        'UnsupportedOperationException',
        `Redrive does not support ${route.operation} of ${route.service}.`,
      );
    }
    const encoding = headers['content-encoding'];
    let body = raw;
    if (isAwsChunked(headers['x-amz-content-sha256'], encoding)) body = decodeAwsChunked(raw, chunks);
    if (encoding === undefined) return this.#run(operation, route, body);
    return decodeContent(body, encoding, this.#limit).then((decoded) => this.#run(operation, route, decoded));
  }

  #isFollowedLink({ service, operation }: OperationRoute): boolean {
    const { method, headers, search } = this.#head;
    if (method !== 'GET' || headers.authorization !== undefined || search.includes('X-Amz-')) return false;
    return this.#front.service(service).isLinked(operation);
  }

  #authenticate(service: ServiceName, raw: Buffer): ChunkSigner | undefined {
    const { verifier, wallClock } = this.#front;
    if (verifier) {
      const { signingName } = this.#front.service(service).dialect;
      return verifier.verify(this.#head, raw, signingName, wallClock.now()).chunks;
    }
    if (comesFromForeignPage(this.#head.headers)) {
      throw new ApiError(
        'AccessDeniedException',
        'Web pages may not call this server while it asks for no signatures (--auth open).',
      );
    }
    return undefined;
  }

  #run(operation: MountedOperation, route: OperationRoute, body: Buffer): HttpReply | Promise<HttpReply> {
    const { method, path, search, headers } = this.#head;
    const { labels, form } = route;
    const { codec, validate, handler } = operation;
    const input = codec.decode({ method, path, search, headers, body, labels, form });
    validate(input);
    const { interceptor } = this.#front.options;
    if (interceptor !== undefined && (interceptor.active || headers['x-redrive-fault'] !== undefined)) {
      return this.#runIntercepted(interceptor, operation, route, input);
    }
    return this.#handle(codec, handler, input);
  }

  async #runIntercepted(
    interceptor: Interceptor,
    { codec, handler }: MountedOperation,
    { service, operation }: OperationRoute,
    input: Members,
  ): Promise<HttpReply> {
    const wish = this.#head.headers['x-redrive-fault'];
    const interception = await interceptor.intercept({
      service,
      operation,
      input,
      context: this.#context,
      wish: typeof wish === 'string' ? wish : undefined,
    });
    try {
      if (interception?.delayMs !== undefined) await pause(interception.delayMs);
      if (interception?.drop !== undefined) this.#response.destroy();
      // Nobody reads this reply.
      if (interception?.drop === 'request') return { status: 503, headers: {} };
      if (interception?.error) throw interception.error;
      return await this.#handle(codec, handler, input);
    } finally {
      await interception?.ended?.();
    }
  }

  #handle(
    codec: MountedOperation['codec'],
    handler: MountedOperation['handler'],
    input: Members,
  ): HttpReply | Promise<HttpReply> {
    const output = handler(input, this.#context);
    const { requestId } = this.#context;
    if (output instanceof Promise) return output.then((value) => codec.encode(value ?? {}, requestId));
    return codec.encode(output ?? {}, requestId);
  }

  #reply(reply: HttpReply): void {
    const { status, body, stream } = reply;
    if (this.#response.destroyed) return;
    const headers = this.#headersOf(reply);
    if (stream) {
      writeStream(this.#response, status, headers, stream).catch((error: unknown) => this.#fail(error));
    } else writeReply(this.#response, status, headers, body);
  }

  #headersOf(reply: HttpReply): Record<string, string> {
    const { requestId, extraHeaders } = this.#context;
    const headers = reply.headers;
    headers['x-amzn-RequestId'] = requestId;
    return extraHeaders ? Object.assign(headers, extraHeaders) : headers;
  }

  /** Turns what was thrown into the reply. */
  #fail(error: unknown): void {
    const { requestId } = this.#context;
    const { log } = this.#front.options;
    const route = this.#route;
    if (!route || this.#response.headersSent) {
      log.error({ err: error, requestId, ...route }, 'the reply broke off');
      this.#response.destroy();
      return;
    }
    const { service, operation, wire } = route;
    const mounted = this.#front.service(service);
    if (mounted.knows(error)) {
      this.#refuse(service, wire, error);
      return;
    }
    const unavailable = error instanceof Error && error.name === 'StoreUnavailable';
    const message = unavailable ? 'the store is unavailable' : 'operation failed';
    log.error({ err: error, requestId, service, operation }, message);
    const { unavailableError, internalError } = mounted.dialect;
    this.#refuse(
      service,
      wire,
      unavailable
        ? new ApiError(unavailableError, 'The service is unavailable. Please try again shortly.')
        : new ApiError(internalError, `Internal error. Request id: ${requestId}`),
    );
  }

  #refuse(service: ServiceName, wire: WireName, error: ApiError): void {
    this.#reply(this.#front.service(service).encodeError(wire, error, this.#context.requestId));
  }
}

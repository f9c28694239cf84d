/**
 * Answers requests to function URLs: HTTP in, an invocation, HTTP out. With `X-Amz-Invocation-Type: Event` the
 * event is accepted durably before the 202; else the function runs while the caller waits.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LAMBDA_COLLECTIONS } from '../../domain/lambda-function.ts';
import { ASYNC_PAYLOAD_BYTES, SYNC_PAYLOAD_BYTES } from '../../domain/lambda-limits.ts';
import { resolveTarget } from '../../domain/lambda-resolve.ts';
import {
  BAD_GATEWAY,
  corsHeaders,
  type FunctionUrlRecord,
  formatUrlEvent,
  isPreflight,
  permitsAnybody,
  readUrlResult,
  type UrlRequest,
  type UrlResponse,
} from '../../domain/lambda-url.ts';
import { isRecursive, RECURSION_MESSAGE } from '../../domain/lineage.ts';
import { traceHeaderOf } from '../../domain/trace-header.ts';
import { RealClock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import { ApiError } from '../../protocol/error.ts';
import { readBody } from '../../protocol/http.ts';
import { type Keys, Verifier } from '../../protocol/sigv4.ts';
import type { Resources } from '../../store/store.ts';
import type { LambdaDeps } from './deps.ts';
import { readFunctionUrl, type UrlAddress } from './function-url-address.ts';

const FORBIDDEN =
  'Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html';

export interface FunctionUrlDeps extends LambdaDeps {
  readonly log: Log;
  /** Keys whose signatures count; absent when the server checks no signatures: then being signed is enough. */
  readonly keys?: Keys;
}

/** Whether a request to a URL with auth type AWS_IAM is let through. */
type IsSigned = (request: IncomingMessage, body: Buffer) => boolean;

function createIsSigned({ keys, clock }: FunctionUrlDeps): IsSigned {
  if (!keys) return (request) => request.headers.authorization !== undefined;
  const verifier = new Verifier(keys);
  // Signatures are dated by the caller's clock.
  const wallClock = clock.virtual ? new RealClock() : clock;
  return (request, body) => {
    const [path = '/', search = ''] = splitOnce(request.url ?? '/', '?');
    const signed = { method: request.method ?? 'GET', path, search, headers: request.headers };
    try {
      verifier.verify(signed, body, 'lambda', wallClock.now());
      return true;
    } catch (error) {
      if (error instanceof ApiError) return false;
      throw error;
    }
  };
}

function say(status: number, message: object, errorType?: string): UrlResponse {
  return {
    status,
    headers: {
      'content-type': 'application/json',
      ...(errorType === undefined ? {} : { 'x-amzn-errortype': errorType }),
    },
    cookies: [],
    body: JSON.stringify(message),
  };
}

const forbidden = say(403, { Message: FORBIDDEN }, 'AccessDeniedException');

/** Takes a request if it is for a function URL; `false`: it is for somebody else. */
export function createFunctionUrlServer(
  deps: FunctionUrlDeps,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const find = createFinder(deps.store.resources);
  const isSigned = createIsSigned(deps);
  return (request, response) => {
    const [path = '/', search = ''] = splitOnce(request.url ?? '/', '?');
    const address = readFunctionUrl(request.headers.host, path);
    if (!address) return false;
    const requestId = deps.ids.ordered();
    serve(deps, isSigned, find(address.urlId), address, search, request, response, requestId)
      .catch((error: unknown): UrlResponse => {
        deps.log.error({ err: error, requestId, urlId: address.urlId }, 'function URL failed');
        return say(500, { Message: null }, 'ServiceException');
      })
      .then((reply) => reply && write(response, requestId, reply));
    return true;
  };
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** URLs by id, kept until one changes. */
function createFinder(resources: Resources): (urlId: string) => FunctionUrlRecord | undefined {
  let byId: Map<string, FunctionUrlRecord> | undefined;
  resources.onChange((collection) => {
    if (collection === LAMBDA_COLLECTIONS.functionUrls) byId = undefined;
  });
  return (urlId) => {
    byId ??= new Map(
      resources
        .list<FunctionUrlRecord>(LAMBDA_COLLECTIONS.functionUrls)
        .map(({ value }) => [value.urlId, value]),
    );
    return byId.get(urlId);
  };
}

async function serve(
  deps: FunctionUrlDeps,
  isSigned: IsSigned,
  url: FunctionUrlRecord | undefined,
  address: UrlAddress,
  search: string,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<UrlResponse | undefined> {
  const asynchronous = request.headers['x-amz-invocation-type'] === 'Event';
  const limit = asynchronous ? ASYNC_PAYLOAD_BYTES : SYNC_PAYLOAD_BYTES;
  const read = await readBody(request, limit);
  if (read.kind === 'truncated') return undefined;
  if (!url) return forbidden;
  if (read.kind === 'too-large') return say(413, { Message: 'Request Entity Too Large' });
  const urlRequest: UrlRequest = {
    method: request.method ?? 'GET',
    path: address.path,
    search,
    headers: readHeaders(request, requestId),
    body: read.body,
    sourceIp: request.socket.remoteAddress ?? '',
    domainName: (request.headers.host ?? '').replace(/:\d+$/, ''),
  };
  if (isPreflight(urlRequest)) {
    return { status: 200, headers: corsHeaders(url.cors, urlRequest, true), cookies: [], body: '' };
  }
  const allowed =
    url.authType === 'NONE' ? permitsAnybody(deps.store.resources, url) : isSigned(request, read.body);
  if (!allowed) return forbidden;
  const target = resolveTarget(deps.store.resources, url.functionName, url.qualifier, deps.random);
  if (target.kind === 'notFound') return forbidden;

  const payload = formatUrlEvent(url, urlRequest, requestId, deps.clock.now());
  const input = { requestId, functionName: url.functionName, qualifier: url.qualifier, payload };
  const traceHeader = urlRequest.headers['x-amzn-trace-id'];
  if (asynchronous) {
    if (Buffer.byteLength(payload) > ASYNC_PAYLOAD_BYTES)
      return say(413, { Message: 'Request Entity Too Large' });
    await deps.engine.accept({
      ...input,
      functionArn: target.qualifiedArn,
      source: 'FunctionUrl',
      traceHeader: request.headers['x-amzn-trace-id'] === undefined ? undefined : traceHeader,
    });
    return { status: 202, headers: corsHeaders(url.cors, urlRequest, false), cookies: [], body: '' };
  }
  const abort = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) abort.abort();
  });
  if (isRecursive(traceHeader, target.spec.arn, target.recursiveLoop)) {
    return say(400, { Type: 'User', Message: RECURSION_MESSAGE }, 'RecursiveInvocationException');
  }
  const outcome = await deps.engine.invoke({
    ...input,
    traceHeader,
    logTail: false,
    signal: abort.signal,
  });
  switch (outcome.kind) {
    case 'succeeded': {
      const result = readUrlResult(outcome.payload, url.invokeMode === 'RESPONSE_STREAM');
      return { ...result, headers: { ...result.headers, ...corsHeaders(url.cors, urlRequest, false) } };
    }
    case 'functionError':
      return BAD_GATEWAY;
    case 'throttled':
      return say(
        429,
        { Reason: outcome.reason, Type: 'User', message: 'Rate Exceeded.' },
        'TooManyRequestsException',
      );
    case 'gone':
      return forbidden;
    case 'systemError':
      return BAD_GATEWAY;
  }
}

/** Node joins repeated headers the way AWS does; what the edge adds is added. */
function readHeaders(request: IncomingMessage, requestId: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  }
  headers['x-forwarded-for'] ??= request.socket.remoteAddress ?? '';
  headers['x-forwarded-port'] ??= String(request.socket.localPort ?? '');
  headers['x-forwarded-proto'] ??= 'encrypted' in request.socket ? 'https' : 'http';
  headers['x-amzn-trace-id'] ??= traceHeaderOf(requestId);
  return headers;
}

function write(response: ServerResponse, requestId: string, reply: UrlResponse): void {
  if (response.destroyed) return;
  const bytes = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
  for (const [name, value] of Object.entries(reply.headers)) {
    try {
      response.setHeader(name, value);
    } catch {
      // The function gave a header that HTTP does not allow: AWS answers with a bad gateway.
      response.writeHead(BAD_GATEWAY.status, { 'x-amzn-RequestId': requestId }).end(BAD_GATEWAY.body);
      return;
    }
  }
  if (reply.cookies.length > 0) response.setHeader('set-cookie', reply.cookies);
  response.setHeader('x-amzn-RequestId', requestId);
  response.setHeader('content-length', bytes.length);
  response.writeHead(reply.status);
  response.end(bytes);
}

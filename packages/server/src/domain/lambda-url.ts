/**
 * Function URLs: an HTTP request becomes an event (payload format 2.0), what the function returns becomes the
 * response. Source: AWS "Invoking Lambda function URLs"; headers, statuses and texts observed.
 */

import type { Resources } from '../store/store.ts';
import { LAMBDA_COLLECTIONS } from './lambda-function.ts';
import { LATEST } from './lambda-names.ts';
import type { PolicyRecord, Statement } from './lambda-policy.ts';

export interface UrlCors {
  readonly allowCredentials?: boolean;
  readonly allowHeaders?: readonly string[];
  readonly allowMethods?: readonly string[];
  readonly allowOrigins?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  readonly maxAgeSeconds?: number;
}

export interface FunctionUrlRecord {
  /** First label of the host name AWS would give; names the URL for ever. */
  readonly urlId: string;
  readonly functionName: string;
  /** Alias; absent: `$LATEST`. */
  readonly qualifier?: string;
  readonly authType: 'NONE' | 'AWS_IAM';
  readonly cors?: UrlCors;
  /** As it was asked for; absent: BUFFERED. */
  readonly invokeMode?: 'BUFFERED' | 'RESPONSE_STREAM';
  /** Epoch ms. */
  readonly createdAt: number;
  readonly lastModifiedAt: number;
}

export interface UrlRequest {
  readonly method: string;
  /** As sent, without the query. */
  readonly path: string;
  /** Without the question mark. */
  readonly search: string;
  /** Names in lower case; repeated headers joined by commas, `cookie` by semicolons. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly sourceIp: string;
  /** Host name the URL is known by. */
  readonly domainName: string;
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** `12/Mar/2020:19:03:58 +0000` */
function formatAccessLogTime(atMs: number): string {
  const at = new Date(atMs);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  return `${day}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`;
}

const TEXT_TYPE = /^(text\/|application\/(json|javascript|xml|.*\+json|.*\+xml))/i;

/** The event as JSON text. */
export function formatUrlEvent(
  url: FunctionUrlRecord,
  request: UrlRequest,
  requestId: string,
  now: number,
): string {
  const { cookie, ...headers } = request.headers;
  const query = readQuery(request.search);
  const base64 = request.body.length > 0 && !TEXT_TYPE.test(request.headers['content-type'] ?? 'text/');
  return JSON.stringify({
    version: '2.0',
    routeKey: '$default',
    rawPath: request.path,
    rawQueryString: request.search,
    cookies: cookie === undefined ? undefined : cookie.split(/;\s*/),
    headers,
    queryStringParameters: query,
    requestContext: {
      accountId: 'anonymous',
      apiId: url.urlId,
      domainName: request.domainName,
      domainPrefix: url.urlId,
      http: {
        method: request.method,
        path: request.path,
        protocol: 'HTTP/1.1',
        sourceIp: request.sourceIp,
        userAgent: request.headers['user-agent'],
      },
      requestId,
      routeKey: '$default',
      stage: '$default',
      time: formatAccessLogTime(now),
      timeEpoch: now,
    },
    body: request.body.length === 0 ? undefined : request.body.toString(base64 ? 'base64' : 'utf8'),
    isBase64Encoded: base64,
  });
}

/** Repeated parameters are joined by commas. */
function readQuery(search: string): Record<string, string> | undefined {
  if (search === '') return undefined;
  const query: Record<string, string> = {};
  for (const [key, value] of new URLSearchParams(search)) {
    query[key] = query[key] === undefined ? value : `${query[key]},${value}`;
  }
  return query;
}

export interface UrlResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: string | Buffer;
}

/** What AWS says when the function failed or returned what is no response. */
export const BAD_GATEWAY: UrlResponse = {
  status: 502,
  headers: { 'content-type': 'application/json' },
  cookies: [],
  body: 'Internal Server Error',
};

const JSON_HEADERS = { 'content-type': 'application/json' };

/** Ends the JSON that a streaming function sends before its body (`HttpResponseStream.from`). */
const PRELUDE_END = '\0'.repeat(8);

/**
 * The response a function's result stands for. A result without `statusCode` is the body.
 * `streams`: the URL takes what a function streams, which need not be JSON.
 */
export function readUrlResult(payload: string, streams = false): UrlResponse {
  const end = payload.indexOf(PRELUDE_END);
  if (end !== -1) return readStreamed(payload.slice(0, end), payload.slice(end + PRELUDE_END.length));
  let result: unknown;
  try {
    result = JSON.parse(payload);
  } catch {
    if (!streams) return BAD_GATEWAY;
    return { status: 200, headers: STREAM_HEADERS, cookies: [], body: payload };
  }
  if (typeof result === 'string') return { status: 200, headers: JSON_HEADERS, cookies: [], body: result };
  if (typeof result !== 'object' || result === null || !('statusCode' in result)) {
    return { status: 200, headers: JSON_HEADERS, cookies: [], body: payload };
  }
  const { statusCode, headers, cookies, body, isBase64Encoded } = result as Record<string, unknown>;
  const status = Number(statusCode);
  if (!Number.isInteger(status) || status < 100 || status > 599) return BAD_GATEWAY;
  if (body !== undefined && body !== null && typeof body !== 'string') return BAD_GATEWAY;
  const text = body ?? '';
  return {
    status,
    headers: { ...JSON_HEADERS, ...readHeaders(headers) },
    cookies: Array.isArray(cookies) ? cookies.map(String) : [],
    body: isBase64Encoded === true ? Buffer.from(text, 'base64') : text,
  };
}

const STREAM_HEADERS = { 'content-type': 'application/octet-stream' };

function readStreamed(prelude: string, body: string): UrlResponse {
  try {
    const { statusCode = 200, headers, cookies } = JSON.parse(prelude) as Record<string, unknown>;
    const status = Number(statusCode);
    if (!Number.isInteger(status) || status < 100 || status > 599) return BAD_GATEWAY;
    return {
      status,
      headers: { ...STREAM_HEADERS, ...readHeaders(headers) },
      cookies: Array.isArray(cookies) ? cookies.map(String) : [],
      body,
    };
  } catch {
    return BAD_GATEWAY;
  }
}

function readHeaders(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) return {};
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}

/** CORS headers of a response; empty when the origin is not allowed or nothing is configured. */
export function corsHeaders(
  cors: UrlCors | undefined,
  request: Pick<UrlRequest, 'headers'>,
  preflight: boolean,
): Record<string, string> {
  const { origin } = request.headers;
  if (!cors || origin === undefined) return {};
  const any = cors.allowOrigins?.includes('*') === true;
  if (!any && !cors.allowOrigins?.includes(origin)) return {};
  const headers: Record<string, string> = { 'access-control-allow-origin': any ? '*' : origin };
  if (!any) headers.vary = 'Origin';
  if (cors.allowCredentials) headers['access-control-allow-credentials'] = 'true';
  if (!preflight) {
    if (cors.exposeHeaders?.length) headers['access-control-expose-headers'] = cors.exposeHeaders.join(',');
    return headers;
  }
  if (cors.allowMethods?.length) headers['access-control-allow-methods'] = cors.allowMethods.join(',');
  if (cors.allowHeaders?.length) headers['access-control-allow-headers'] = cors.allowHeaders.join(',');
  if (cors.maxAgeSeconds !== undefined) headers['access-control-max-age'] = String(cors.maxAgeSeconds);
  return headers;
}

export function isPreflight(request: UrlRequest): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.headers.origin !== undefined &&
    request.headers['access-control-request-method'] !== undefined
  );
}

/** Whether everybody may call a URL with auth type NONE: it takes a statement in the policy (observed). */
export function permitsAnybody(resources: Resources, url: FunctionUrlRecord): boolean {
  const policy = resources.get<PolicyRecord>(
    LAMBDA_COLLECTIONS.policies,
    `${url.functionName}:${url.qualifier ?? LATEST}`,
  )?.value;
  return policy?.statements.some(allowsAnybody) === true;
}

function allowsAnybody({ Principal, Action, Condition }: Statement): boolean {
  const authType = Condition?.StringEquals?.['lambda:FunctionUrlAuthType'];
  return (
    Principal === '*' &&
    (Action === 'lambda:InvokeFunctionUrl' || Action === 'lambda:*' || Action === '*') &&
    (authType === undefined || authType === 'NONE')
  );
}

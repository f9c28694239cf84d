/**
 * Signature Version 4, the server's side: who signed a request, and whether the signature is theirs.
 * A request is accepted only when the whole canonical form, the payload's hash, the scope and the time agree.
 * Source: AWS IAM User Guide, "Create a signed AWS API request"; wording of refusals as AWS sends it (observed).
 */
import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from './error.ts';

/** Secrets of the access keys this server knows. */
export interface Keys {
  /** Undefined for an unknown key. Called for every request: must not do I/O. */
  secretFor(accessKeyId: string): string | undefined;
}

/** `AKID/20260914/us-east-1/sqs/aws4_request`, taken apart. */
export interface Credential {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
}

/** What is signed, as it came over the wire. */
export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Verified {
  readonly credential: Credential;
  /** Set when the payload comes in signed chunks, for `decodeAwsChunked`. */
  readonly chunks?: ChunkSigner;
}

/** Signs the chunks of a streamed payload, each with the signature before it. */
export interface ChunkSigner {
  readonly seed: string;
  sign(previous: string, chunk: Buffer): string;
  signTrailer(previous: string, trailer: string): string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const TERMINATOR = 'aws4_request';
/** Tolerated difference between the signer's clock and ours. */
const SKEW_MS = 15 * 60_000;
/** A presigned URL lives for a week at most. */
const MAX_EXPIRES_SECONDS = 604_800;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

interface Authorization {
  readonly credential: Credential;
  readonly signedHeaders: string;
  readonly signature: string;
  /** `20260914T154716Z` */
  readonly timestamp: string;
  /** Of a presigned URL. */
  readonly expiresSeconds?: number;
  readonly presigned: boolean;
}

/** The credential a request names, without any check; undefined when it names none. */
export function readCredential(request: SignedRequest): Credential | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) {
    const start = header.indexOf('Credential=');
    if (start === -1) return undefined;
    const from = start + 11;
    let end = header.indexOf(',', from);
    if (end === -1) end = header.length;
    return parseCredential(header.slice(from, end).trim());
  }
  if (!request.search.includes('X-Amz-Credential=')) return undefined;
  const text = new URLSearchParams(request.search).get('X-Amz-Credential');
  return text === null ? undefined : parseCredential(text);
}

function parseCredential(text: string): Credential | undefined {
  const parts = text.split('/');
  if (parts.length < 5) return undefined;
  const [date, region, service, terminator] = parts.slice(-4) as [string, string, string, string];
  // An access key of temporary credentials may itself contain slashes.
  return { accessKeyId: parts.slice(0, -4).join('/'), date, region, service, terminator };
}

function incomplete(message: string): ApiError {
  return new ApiError('IncompleteSignatureException', message);
}

function invalid(message: string): ApiError {
  return new ApiError('InvalidSignatureException', message);
}

function readAuthorization(request: SignedRequest): Authorization {
  const header = request.headers.authorization;
  if (header === undefined) {
    if (request.search.includes('X-Amz-Signature=')) return readPresigned(request);
    throw new ApiError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  const space = header.indexOf(' ');
  const algorithm = space === -1 ? header : header.slice(0, space);
  if (algorithm !== ALGORITHM) {
    throw incomplete(`Unsupported AWS 'algorithm': '${algorithm}'. Only ${ALGORITHM} is supported.`);
  }
  let credentialText: string | undefined;
  let signedHeaders: string | undefined;
  let signature: string | undefined;
  for (const part of header.slice(space + 1).split(',')) {
    const text = part.trim();
    if (text.startsWith('Credential=')) credentialText = text.slice(11);
    else if (text.startsWith('SignedHeaders=')) signedHeaders = text.slice(14);
    else if (text.startsWith('Signature=')) signature = text.slice(10);
  }
  const amzDate = request.headers['x-amz-date'];
  const timestamp = typeof amzDate === 'string' ? amzDate : fromHttpDate(request.headers.date);
  const lacks: string[] = [];
  for (const [name, value] of [
    ['Credential', credentialText],
    ['Signature', signature],
    ['SignedHeaders', signedHeaders],
  ] as const) {
    if (value === undefined) lacks.push(`Authorization header requires '${name}' parameter.`);
  }
  if (timestamp === undefined) {
    lacks.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  }
  if (lacks.length > 0) throw incomplete(`${lacks.join(' ')} Authorization=${header}`);
  const credential = parseCredential(credentialText!);
  if (!credential) throw malformedCredential(credentialText!);
  return {
    credential,
    signedHeaders: signedHeaders!,
    signature: signature!,
    timestamp: timestamp!,
    presigned: false,
  };
}

function readPresigned(request: SignedRequest): Authorization {
  const parameters = new URLSearchParams(request.search);
  const algorithm = parameters.get('X-Amz-Algorithm');
  if (algorithm !== ALGORITHM) {
    throw incomplete(`Unsupported AWS 'algorithm': '${algorithm ?? ''}'. Only ${ALGORITHM} is supported.`);
  }
  const required = (name: string): string => {
    const value = parameters.get(name);
    if (value === null || value === '') {
      throw incomplete(
        `AWS query-string parameters must include '${name}'. Re-examine the query-string parameters.`,
      );
    }
    return value;
  };
  const credentialText = required('X-Amz-Credential');
  const credential = parseCredential(credentialText);
  if (!credential) throw malformedCredential(credentialText);
  const expiresSeconds = Number(parameters.get('X-Amz-Expires') ?? 'NaN');
  if (!Number.isInteger(expiresSeconds) || expiresSeconds < 0 || expiresSeconds > MAX_EXPIRES_SECONDS) {
    throw incomplete(`X-Amz-Expires must be a number of seconds from 0 to ${MAX_EXPIRES_SECONDS}.`);
  }
  return {
    credential,
    signedHeaders: required('X-Amz-SignedHeaders'),
    signature: required('X-Amz-Signature'),
    timestamp: required('X-Amz-Date'),
    expiresSeconds,
    presigned: true,
  };
}

function malformedCredential(text: string): ApiError {
  return incomplete(
    `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${text}'`,
  );
}

function fromHttpDate(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : formatBasic(ms);
}

/** `20260914T154716Z` of epoch ms. */
export function formatBasic(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

const BASIC = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

function parseBasic(text: string): number | undefined {
  const match = BASIC.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** RFC 3986: everything but unreserved characters, byte by byte, hex in capitals. */
export function escapeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const PLAIN_PATH = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+\/?$/;

/** Dot segments resolved, empty ones dropped, every segment encoded once more than it came. */
function canonicalPath(path: string): string {
  if (path === '/' || PLAIN_PATH.test(path)) return path;
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') segments.pop();
    else segments.push(escapeRfc3986(segment));
  }
  return `/${segments.join('/')}${segments.length > 0 && path.endsWith('/') ? '/' : ''}`;
}

function canonicalQuery(search: string): string {
  if (search === '') return '';
  const pairs: [string, string][] = [];
  for (const pair of search.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = reencode(equals === -1 ? pair : pair.slice(0, equals));
    if (name === 'X-Amz-Signature') continue;
    pairs.push([name, equals === -1 ? '' : reencode(pair.slice(equals + 1))]);
  }
  pairs.sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0));
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}

function reencode(text: string): string {
  try {
    return escapeRfc3986(decodeURIComponent(text));
  } catch {
    return escapeRfc3986(text);
  }
}

const NEEDS_FOLDING = /^[ \t]|[ \t]$|\t| {2}/;

function canonicalHeaders(headers: IncomingHttpHeaders, signedHeaders: string): string {
  let out = '';
  for (const name of signedHeaders.split(';')) {
    const value = headers[name];
    let text = value === undefined ? '' : typeof value === 'string' ? value : value.join(',');
    if (NEEDS_FOLDING.test(text)) text = text.trim().replace(/[ \t]+/g, ' ');
    out += `${name}:${text}\n`;
  }
  return out;
}

interface CachedKey {
  readonly secret: string;
  readonly key: KeyObject;
}

/** Derived keys are good for a day, a region and a service; a few hundred cover any real use. */
const MAX_CACHED_KEYS = 500;

function hmac(key: KeyObject | Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** Verifies signatures against `keys`; keeps the derived signing keys. */
export class Verifier {
  readonly #keys: Keys;
  readonly #derived = new Map<string, CachedKey>();

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  /**
   * Returns who signed; throws an ApiError otherwise. `body` is the payload as sent, before any decoding;
   * `service` is the signing name the request must be scoped to.
   */
  verify(request: SignedRequest, body: Buffer, service: string, nowMs: number): Verified {
    const authorization = readAuthorization(request);
    const { credential, timestamp } = authorization;
    const secret = this.#keys.secretFor(credential.accessKeyId);
    if (secret === undefined) {
      throw new ApiError(
        'UnrecognizedClientException',
        'The security token included in the request is invalid.',
      );
    }
    checkScope(credential, timestamp, service);
    if (!authorization.signedHeaders.split(';').includes('host')) {
      throw invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    }
    const declared = request.headers['x-amz-content-sha256'];
    const payloadHash = payloadHashOf(typeof declared === 'string' ? declared : undefined, body);
    const canonical = `${request.method}\n${canonicalPath(request.path)}\n${canonicalQuery(request.search)}\n${canonicalHeaders(request.headers, authorization.signedHeaders)}\n${authorization.signedHeaders}\n${payloadHash}`;
    const scope = `${credential.date}/${credential.region}/${credential.service}/${TERMINATOR}`;
    const stringToSign = `${ALGORITHM}\n${timestamp}\n${scope}\n${hash('sha256', canonical, 'hex')}`;
    const key = this.#signingKey(credential, secret);
    const expected = createHmac('sha256', key).update(stringToSign).digest('hex');
    if (!sameText(expected, authorization.signature)) {
      throw invalid(
        'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.' +
          `\n\nThe Canonical String for this request should have been\n'${canonical}'` +
          `\n\nThe String-to-Sign should have been\n'${stringToSign}'\n`,
      );
    }
    // After the signature: only its owner learns how far the clocks are apart.
    checkTime(authorization, nowMs);
    if (!payloadHash.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD')) return { credential };
    return { credential, chunks: chunkSigner(key, timestamp, scope, expected) };
  }

  #signingKey(credential: Credential, secret: string): KeyObject {
    const { accessKeyId, date, region, service } = credential;
    const name = `${accessKeyId}/${date}/${region}/${service}`;
    const known = this.#derived.get(name);
    if (known?.secret === secret) return known.key;
    const derived = hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), TERMINATOR);
    const key = createSecretKey(derived);
    if (this.#derived.size >= MAX_CACHED_KEYS) this.#derived.clear();
    this.#derived.set(name, { secret, key });
    return key;
  }
}

function sameText(expected: string, given: string): boolean {
  const a = Buffer.from(expected, 'latin1');
  const b = Buffer.from(given, 'latin1');
  return a.length === b.length && timingSafeEqual(a, b);
}

const HEX_SHA256 = /^[0-9a-f]{64}$/;

/** The hash that the signer must have signed: the declared one, once it agrees with the bytes that came. */
function payloadHashOf(declared: string | undefined, body: Buffer): string {
  if (declared === 'UNSIGNED-PAYLOAD' || declared?.startsWith('STREAMING-')) return declared;
  const actual = body.length === 0 ? EMPTY_SHA256 : hash('sha256', body, 'hex');
  if (declared !== undefined && HEX_SHA256.test(declared) && declared !== actual) {
    throw invalid("The provided 'x-amz-content-sha256' header does not match what was computed.");
  }
  return actual;
}

function checkScope(credential: Credential, timestamp: string, service: string): void {
  const { date, terminator } = credential;
  if (terminator !== TERMINATOR) {
    throw invalid(
      `Credential should be scoped with a valid terminator: '${TERMINATOR}', not '${terminator}'.`,
    );
  }
  if (credential.service !== service) {
    throw invalid(`Credential should be scoped to correct service: '${service}'. `);
  }
  if (!timestamp.startsWith(date)) {
    throw invalid(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${date}' != '${timestamp.slice(0, 8)}', from '${timestamp}'.`,
    );
  }
}

function checkTime({ timestamp, expiresSeconds }: Authorization, nowMs: number): void {
  const at = parseBasic(timestamp);
  if (at === undefined) {
    throw incomplete(
      `Date must be in ISO-8601 'basic format'. Got '${timestamp}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    );
  }
  const now = formatBasic(nowMs);
  if (at > nowMs + SKEW_MS) {
    throw invalid(
      `Signature not yet current: ${timestamp} is still later than ${formatBasic(nowMs + SKEW_MS)} (${now} + 15 min.)`,
    );
  }
  if (expiresSeconds !== undefined) {
    const end = at + expiresSeconds * 1000;
    if (nowMs > end) throw invalid(`Signature expired: ${formatBasic(end)} is now earlier than ${now}`);
  } else if (at < nowMs - SKEW_MS) {
    throw invalid(
      `Signature expired: ${timestamp} is now earlier than ${formatBasic(nowMs - SKEW_MS)} (${now} - 15 min.)`,
    );
  }
}

function chunkSigner(key: KeyObject, timestamp: string, scope: string, seed: string): ChunkSigner {
  const sign = (label: string, previous: string, rest: string) =>
    createHmac('sha256', key)
      .update(`${ALGORITHM}-${label}\n${timestamp}\n${scope}\n${previous}\n${rest}`)
      .digest('hex');
  return {
    seed,
    sign: (previous, chunk) => sign('PAYLOAD', previous, `${EMPTY_SHA256}\n${hash('sha256', chunk, 'hex')}`),
    signTrailer: (previous, trailer) => sign('TRAILER', previous, hash('sha256', trailer, 'hex')),
  };
}

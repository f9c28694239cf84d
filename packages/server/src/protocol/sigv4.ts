/**
 * Signature Version 4, the server's side: who signed a request, and whether the signature is theirs.
 * A request is accepted only when the whole canonical form, the payload's hash, the scope and the time agree.
 * Source: AWS IAM User Guide, "Create a signed AWS API request"; wording of refusals as AWS sends it (observed).
 */
import { createHmac, hash } from 'node:crypto';
import { ApiError } from './error.ts';
import { HmacSha256, sameText } from './hmac-sha256.ts';
import {
  type Authorization,
  type Credential,
  formatBasic,
  incomplete,
  invalid,
  parseBasic,
  readAuthorization,
  type SignedRequest,
} from './sigv4-authorization.ts';
import { canonicalHeaders, canonicalPath, canonicalQuery, signedNames } from './sigv4-canonical.ts';

/** Secrets of the access keys this server knows. */
export interface Keys {
  /** Undefined for an unknown key. Called for every request: must not do I/O. */
  secretFor(accessKeyId: string): string | undefined;
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
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

interface CachedKey {
  readonly secret: string;
  readonly key: HmacSha256;
}

/** Derived keys are good for a day, a region and a service; a few hundred cover any real use. */
const MAX_CACHED_KEYS = 500;

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** Verifies signatures against `keys`; keeps the derived signing keys. */
export class Verifier {
  readonly #keys: Keys;
  readonly #derived = new Map<string, CachedKey>();
  #last: (CachedKey & { readonly credential: Credential }) | undefined;

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
    const secret = this.#secretOf(credential);
    checkScope(credential, timestamp, service);
    if (!signedNames(authorization.signedHeaders).includes('host')) {
      throw invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    }
    const declared = request.headers['x-amz-content-sha256'];
    const payloadHash = payloadHashOf(typeof declared === 'string' ? declared : undefined, body);
    const canonical = `${request.method}\n${canonicalPath(request.path)}\n${canonicalQuery(request.search)}\n${canonicalHeaders(request.headers, authorization.signedHeaders)}\n${authorization.signedHeaders}\n${payloadHash}`;
    const stringToSign = `${ALGORITHM}\n${timestamp}\n${credential.scope}\n${hash('sha256', canonical, 'hex')}`;
    const key = this.#signingKey(credential, secret);
    const expected = key.hex(stringToSign);
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
    return { credential, chunks: chunkSigner(key, timestamp, credential.scope, expected) };
  }

  /** The part of `verify` that needs no body: throws unless the request names a key that is known. */
  requireKnownKey(request: SignedRequest): void {
    this.#secretOf(readAuthorization(request).credential);
  }

  #secretOf({ accessKeyId }: Credential): string {
    const secret = this.#keys.secretFor(accessKeyId);
    if (secret !== undefined) return secret;
    throw new ApiError(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    );
  }

  #signingKey(credential: Credential, secret: string): HmacSha256 {
    // Callers send the same credential all day, and its parsed form is the same object.
    if (credential === this.#last?.credential && secret === this.#last.secret) return this.#last.key;
    const { accessKeyId, date, region, service } = credential;
    const name = `${accessKeyId}/${date}/${region}/${service}`;
    let kept = this.#derived.get(name);
    if (kept?.secret !== secret) {
      const derived = hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), TERMINATOR);
      kept = { secret, key: new HmacSha256(derived) };
      if (this.#derived.size >= MAX_CACHED_KEYS) this.#derived.clear();
      this.#derived.set(name, kept);
    }
    this.#last = { credential, ...kept };
    return kept.key;
  }
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
  if (at > nowMs + SKEW_MS) {
    throw invalid(
      `Signature not yet current: ${timestamp} is still later than ${formatBasic(nowMs + SKEW_MS)} (${formatBasic(nowMs)} + 15 min.)`,
    );
  }
  if (expiresSeconds !== undefined) {
    const end = at + expiresSeconds * 1000;
    if (nowMs > end) {
      throw invalid(`Signature expired: ${formatBasic(end)} is now earlier than ${formatBasic(nowMs)}`);
    }
  } else if (at < nowMs - SKEW_MS) {
    throw invalid(
      `Signature expired: ${timestamp} is now earlier than ${formatBasic(nowMs - SKEW_MS)} (${formatBasic(nowMs)} - 15 min.)`,
    );
  }
}

function chunkSigner(key: HmacSha256, timestamp: string, scope: string, seed: string): ChunkSigner {
  const sign = (label: string, previous: string, rest: string) =>
    key.hex(`${ALGORITHM}-${label}\n${timestamp}\n${scope}\n${previous}\n${rest}`);
  return {
    seed,
    sign: (previous, chunk) => sign('PAYLOAD', previous, `${EMPTY_SHA256}\n${hash('sha256', chunk, 'hex')}`),
    signTrailer: (previous, trailer) => sign('TRAILER', previous, hash('sha256', trailer, 'hex')),
  };
}

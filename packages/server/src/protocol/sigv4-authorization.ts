/**
 * How a request names its signer: the `Authorization` header or the query of a presigned URL, read but not
 * believed. Source: AWS IAM User Guide, "Elements of an AWS API request signature".
 */
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from './error.ts';

const ALGORITHM = 'AWS4-HMAC-SHA256';
/** A presigned URL lives for a week at most. */
const MAX_EXPIRES_SECONDS = 604_800;

/** `AKID/20260914/us-east-1/sqs/aws4_request`, taken apart. */
export interface Credential {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
  /** `20260914/us-east-1/sqs/aws4_request` */
  readonly scope: string;
}

/** What is signed, as it came over the wire. */
export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly headers: IncomingHttpHeaders;
}

/** What a request says about its signature; nothing in it is verified. */
export interface Authorization {
  readonly credential: Credential;
  readonly signedHeaders: string;
  readonly signature: string;
  /** `20260914T154716Z` */
  readonly timestamp: string;
  /** Of a presigned URL. */
  readonly expiresSeconds?: number;
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

/** Callers send the same credential all day: the last one parsed is kept. */
let lastText = '';
let lastCredential: Credential | undefined;

function parseCredential(text: string): Credential | undefined {
  if (text === lastText) return lastCredential;
  const parts = text.split('/');
  if (parts.length < 5) return undefined;
  const [date, region, service, terminator] = parts.slice(-4) as [string, string, string, string];
  // An access key of temporary credentials may itself contain slashes.
  lastCredential = {
    accessKeyId: parts.slice(0, -4).join('/'),
    date,
    region,
    service,
    terminator,
    scope: `${date}/${region}/${service}/${terminator}`,
  };
  lastText = text;
  return lastCredential;
}

export function incomplete(message: string): ApiError {
  return new ApiError('IncompleteSignatureException', message);
}

export function invalid(message: string): ApiError {
  return new ApiError('InvalidSignatureException', message);
}

/** Fails with IncompleteSignature or MissingAuthenticationToken, as AWS words them. */
export function readAuthorization(request: SignedRequest): Authorization {
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

let lastTimestamp = '';
let lastAt: number | undefined;

/** Epoch ms of `20260914T154716Z`; undefined when it is something else. */
export function parseBasic(text: string): number | undefined {
  // Requests of the same second carry the same timestamp.
  if (text === lastTimestamp) return lastAt;
  const match = BASIC.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  lastTimestamp = text;
  lastAt = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  return lastAt;
}

/**
 * The canonical form of a request, the text both sides hash. Equal requests have equal forms, whatever the
 * clients and proxies did to order, case and encoding.
 * Source: AWS IAM User Guide, "Create a signed AWS API request", step 1.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** RFC 3986: everything but unreserved characters, byte by byte, hex in capitals. */
export function escapeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const PLAIN_PATH = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+\/?$/;

/** Dot segments resolved, empty ones dropped, every segment encoded once more than it came. */
export function canonicalPath(path: string): string {
  if (path === '/' || PLAIN_PATH.test(path)) return path;
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') segments.pop();
    else segments.push(escapeRfc3986(segment));
  }
  return `/${segments.join('/')}${segments.length > 0 && path.endsWith('/') ? '/' : ''}`;
}

export function canonicalQuery(search: string): string {
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

/** Lists of header names as they were signed; a client sends the same few all day. */
const namesBySignedHeaders = new Map<string, readonly string[]>();
const MAX_KEPT_LISTS = 200;

/** `a;b;c`, taken apart. */
export function signedNames(signedHeaders: string): readonly string[] {
  let names = namesBySignedHeaders.get(signedHeaders);
  if (!names) {
    names = signedHeaders.split(';');
    if (namesBySignedHeaders.size >= MAX_KEPT_LISTS) namesBySignedHeaders.clear();
    namesBySignedHeaders.set(signedHeaders, names);
  }
  return names;
}

/** Folds runs of blanks. The parser has trimmed values already, except where it joined several. */
function fold(value: string): string {
  if (!value.includes('  ') && !value.includes('\t') && value.trim().length === value.length) return value;
  return value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '');
}

export function canonicalHeaders(headers: IncomingHttpHeaders, signedHeaders: string): string {
  let out = '';
  for (const name of signedNames(signedHeaders)) {
    const value = headers[name];
    const text = value === undefined ? '' : typeof value === 'string' ? value : value.join(',');
    out += `${name}:${fold(text)}\n`;
  }
  return out;
}

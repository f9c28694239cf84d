/**
 * Web pages must not drive a server that asks for no signature: any page a developer opens could otherwise
 * post a function to localhost and run it. What a page of this server itself sends is fine.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** Names under which no foreign site can make itself known to the browser (DNS rebinding). */
const LOCAL_HOST = /^(?:localhost|[a-z0-9.-]+\.localhost|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])(?::\d+)?$/i;

/**
 * True when a browser sent the request for a page that is not this server's own. Browsers say so themselves
 * (`Origin`, `Sec-Fetch-Site`) and pages cannot forge it; other clients send neither header.
 */
export function comesFromForeignPage(headers: IncomingHttpHeaders): boolean {
  const { origin } = headers;
  const site = headers['sec-fetch-site'];
  if (origin === undefined && site === undefined) return false;
  const host = headers.host ?? '';
  if (!LOCAL_HOST.test(host)) return true;
  if (origin !== undefined && origin.replace(/^https?:\/\//, '') !== host) return true;
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

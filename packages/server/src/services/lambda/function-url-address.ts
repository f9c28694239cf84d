/**
 * Addresses of function URLs: a path below our own, which works with every client and host, and AWS's kind
 * of host name (`<id>.lambda-url.<region>.…`) for those who have such names resolved.
 */
const FUNCTION_URL_PATH = '/_redrive/url/';

const PATH = /^\/_redrive\/url\/([a-z0-9]+)(\/.*)?$/s;
const HOST = /^([a-z0-9]+)\.lambda-url\./i;

export function formatFunctionUrl(origin: string, urlId: string): string {
  return `${origin}${FUNCTION_URL_PATH}${urlId}/`;
}

export interface UrlAddress {
  readonly urlId: string;
  /** What the function sees as its path. */
  readonly path: string;
}

/** `undefined` when the request is not for a function URL. `path` is without the query. */
export function readFunctionUrl(host: string | undefined, path: string): UrlAddress | undefined {
  const below = PATH.exec(path);
  if (below) return { urlId: below[1] as string, path: below[2] ?? '/' };
  const named = host === undefined ? null : HOST.exec(host);
  return named ? { urlId: (named[1] as string).toLowerCase(), path } : undefined;
}

/** Pages of a listing: a token is the last key of the page before, so that pages stay right while things change. */
import { ApiError } from '../../protocol/error.ts';
import { invalidParameter } from './deps.ts';

/** AWS: at most 1,000 results a page. */
const MAX_RESULTS = 1000;

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken?: string;
}

/** `items` sorted by `keyOf`. A token comes only when `maxResults` was asked for, as on AWS. */
export function pageOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  maxResults: number | undefined,
  token: string | undefined,
): Page<T> {
  if (maxResults !== undefined && maxResults !== 0 && (maxResults < 1 || maxResults > MAX_RESULTS)) {
    throw invalidParameter(
      'Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer between 1 and 1000.',
    );
  }
  const after = token === undefined ? undefined : readToken(token);
  const rest = after === undefined ? items : items.filter((item) => keyOf(item) > after);
  const limit = maxResults || MAX_RESULTS;
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  if (!maxResults || rest.length <= limit || last === undefined) return { items: page };
  return { items: page, nextToken: Buffer.from(`1:${keyOf(last)}`).toString('base64url') };
}

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (!text.startsWith('1:')) {
    throw new ApiError('InvalidParameterValueException', 'Invalid or expired next token.');
  }
  return text.slice(2);
}

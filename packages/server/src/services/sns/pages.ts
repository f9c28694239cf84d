/** Pages of a listing; a token is the last key of the page before. */
import { invalidParameter } from './deps.ts';

/** AWS: lists come in pages of 100. */
const PAGE_SIZE = 100;

export function pageOf<T extends { readonly key: string }>(
  items: readonly T[],
  token: string | undefined,
): { readonly items: readonly T[]; readonly nextToken?: string } {
  const after = token ? readToken(token) : undefined;
  const rest = after === undefined ? items : items.filter(({ key }) => key > after);
  const page = rest.slice(0, PAGE_SIZE);
  const last = page.at(-1);
  if (rest.length <= PAGE_SIZE || !last) return { items: page };
  return { items: page, nextToken: Buffer.from(`1:${last.key}`).toString('base64url') };
}

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (!text.startsWith('1:')) throw invalidParameter('NextToken Reason: Failed to parse token');
  return text.slice(2);
}

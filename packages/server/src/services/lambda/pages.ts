/** Lists in pages. A marker names the last item shown, so items that come and go do not shift the pages. */
import { PAGE_SIZE } from '../../domain/lambda-limits.ts';
import { invalidParameter } from './errors.ts';

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextMarker?: string;
}

/**
 * The page after `marker`. `items` are sorted by `keyOf`, whose values compare as strings.
 * @param maxItems more than `limit` is `limit`, as on AWS
 */
export function paginate<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  marker: string | undefined,
  maxItems: number | undefined,
  limit = PAGE_SIZE,
): Page<T> {
  const after = marker ? decodeMarker(marker) : undefined;
  const start = after === undefined ? 0 : items.findIndex((item) => keyOf(item) > after);
  if (start === -1) return { items: [] };
  const size = Math.min(maxItems ?? limit, limit);
  const page = items.slice(start, start + size);
  const last = page.at(-1);
  const more = start + size < items.length && last !== undefined;
  return { items: page, nextMarker: more ? encodeMarker(keyOf(last)) : undefined };
}

function encodeMarker(key: string): string {
  return Buffer.from(JSON.stringify({ after: key })).toString('base64');
}

function decodeMarker(marker: string): string {
  try {
    const value: unknown = JSON.parse(Buffer.from(marker, 'base64').toString());
    const after = (value as { after?: unknown } | null)?.after;
    if (typeof after === 'string') return after;
  } catch {
    // Not one of ours: said below.
  }
  throw invalidParameter('The provided marker is invalid. Use the NextMarker of the previous page.');
}

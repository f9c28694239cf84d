/**
 * How many of a pool's slots each node may use: an equal share, the remainder going to the nodes that come first in an
 * order of the pool's own, so that no two nodes ever use more than the whole together.
 *
 * It holds while nodes come and go because a node that joins takes nothing until all others have seen it, and one
 * that the database has not heard of stops before the others count it out.
 */

/** Two heartbeats and room: by then every living node has counted the new one in. */
export const JOIN_WAIT_MS = 2_500;
/** Less than the silence after which the others take a node for dead. */
export const TRUST_MS = 3_000;

export interface Membership {
  readonly node: string;
  readonly others: readonly string[];
  /** Ms since this node joined others that were there already; absent when it was the first. */
  readonly joinedMs?: number | undefined;
  /** Ms since the database last heard of this node. */
  readonly silentMs: number;
}

/** Slots of `total` that this node may use now. */
export function shareOf(
  pool: string,
  total: number,
  { node, others, joinedMs, silentMs }: Membership,
): number {
  if (silentMs > TRUST_MS) return 0;
  if (joinedMs !== undefined && joinedMs < JOIN_WAIT_MS) return 0;
  if (others.length === 0) return total;
  const nodes = others.length + 1;
  const mine = rank(pool, node);
  let before = 0;
  for (const other of others) {
    const theirs = rank(pool, other);
    if (theirs < mine || (theirs === mine && other < node)) before++;
  }
  return Math.floor(total / nodes) + (before < total % nodes ? 1 : 0);
}

function rank(pool: string, node: string): number {
  let hash = 0x811c9dc5;
  for (const text of [pool, '/', node]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x85ebca6b) >>> 0;
}

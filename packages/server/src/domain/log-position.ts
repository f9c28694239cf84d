/**
 * Positions in a log as opaque tokens: a line (time and id), or an instant where no line is known yet.
 * Tokens are stateless: they survive a restart and are refused when they were not made here.
 */

export type Position =
  | { readonly kind: 'line'; readonly at: number; readonly id: string }
  /** Before the first line at or after the instant. */
  | { readonly kind: 'instant'; readonly at: number };

export function formatPosition(position: Position): string {
  const text = position.kind === 'line' ? `${position.at}~${position.id}` : `${position.at}`;
  return Buffer.from(text).toString('base64url');
}

export function parsePosition(token: string): Position | undefined {
  const text = Buffer.from(token, 'base64url').toString();
  if (Buffer.from(text).toString('base64url') !== token) return undefined;
  const parts = /^(-?\d{1,16})(?:~(.+))?$/s.exec(text);
  if (!parts) return undefined;
  const at = Number(parts[1]);
  return parts[2] === undefined ? { kind: 'instant', at } : { kind: 'line', at, id: parts[2] };
}

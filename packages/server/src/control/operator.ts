/** Who acts, as the audit trail names them: the key or session that was proved, else what the caller says. */
import type { Context } from 'hono';

const MAX_NAME = 64;

/** On an open server the name is a claim, and is marked as one. */
export function operatorOf(c: Context): string {
  const proved = c.get('operator') as string | undefined;
  if (proved !== undefined) return proved;
  const claimed = (c.req.header('x-redrive-operator') ?? '')
    .replace(/[^\p{L}\p{N}@._ -]/gu, '')
    .slice(0, MAX_NAME);
  return claimed === '' ? 'anonymous' : `${claimed} (unproved)`;
}

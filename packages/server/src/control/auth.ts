/** Who may use the control API when the server asks for keys: HTTP Basic with an access key and its secret. */
import type { MiddlewareHandler } from 'hono';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';

export function requireKey(authenticate: NonNullable<ControlDeps['authenticate']>): MiddlewareHandler {
  return async (c, next) => {
    const header = c.req.header('authorization') ?? '';
    const credentials = /^Basic\s+(\S+)$/i.exec(header)?.[1];
    const [id, ...secret] = Buffer.from(credentials ?? '', 'base64')
      .toString('utf8')
      .split(':');
    if (!credentials || !authenticate(id ?? '', secret.join(':'))) {
      throw controlError(
        'Unauthorized',
        'send an access key id and its secret as HTTP Basic credentials (the server runs with --auth keys)',
      );
    }
    await next();
  };
}

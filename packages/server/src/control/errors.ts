/** Refusals of the control API: a code for programs, a sentence for people. */
import { HTTPException } from 'hono/http-exception';

export type ControlErrorCode = 'NotFound' | 'InvalidRequest' | 'Conflict' | 'NotAllowed' | 'Unauthorized';

const STATUS: Readonly<Record<ControlErrorCode, 400 | 401 | 403 | 404 | 409>> = {
  NotFound: 404,
  InvalidRequest: 400,
  Conflict: 409,
  NotAllowed: 403,
  Unauthorized: 401,
};

/** @param message what was expected, what was found, what to do */
export function controlError(code: ControlErrorCode, message: string): HTTPException {
  const status = STATUS[code];
  const headers = new Headers({ 'content-type': 'application/json' });
  return new HTTPException(status, {
    message,
    res: new Response(JSON.stringify({ error: { code, message } }), { status, headers }),
  });
}

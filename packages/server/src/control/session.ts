/**
 * Who may use the control API when the server asks for keys: programs send HTTP Basic with an access key and its
 * secret; the console logs in with the same pair and gets a session. Invariants: a session's cookie alone changes
 * nothing (every change carries its token too), and a viewer changes nothing at all.
 */
import { timingSafeEqual } from 'node:crypto';
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { auditEffect } from './audit.ts';
import type { ControlDeps } from './deps.ts';
import { controlError } from './errors.ts';
import { body, json, refusal } from './schemas.ts';

export type Role = 'operator' | 'viewer';

interface Session {
  readonly operator: string;
  readonly role: Role;
  readonly csrf: string;
  /** Epoch ms on the wall's clock: a session is about real time. */
  endsAt: number;
}

const COOKIE = 'redrive-session';
const CSRF_HEADER = 'x-redrive-csrf';
/** A session that is not used for so long has ended. */
const IDLE_MS = 8 * 3_600_000;
const MAX_SESSIONS = 1_000;
/** Logins that may fail in a row before every further one has to wait. */
const FREE_FAILURES = 5;
const FAILURE_PAUSE_MS = 1_000;

const SessionBody = z
  .object({
    auth: z.enum(['open', 'keys']),
    operator: z.string().optional(),
    role: z.enum(['operator', 'viewer']),
    csrf: z.string().optional().describe(`to be sent as ${CSRF_HEADER} with every change`),
  })
  .openapi('Session');

const read = createRoute({
  method: 'get',
  path: '/session',
  responses: { 200: json(SessionBody, 'Who is logged in'), 401: refusal('Nobody is') },
});

const begin = createRoute({
  method: 'post',
  path: '/session',
  request: {
    body: body(z.object({ accessKeyId: z.string().max(256), secretAccessKey: z.string().max(256) })),
  },
  responses: {
    200: json(SessionBody, 'Logged in; the cookie is set'),
    401: refusal('No such key, or another secret'),
    409: refusal('The server asks nobody'),
  },
});

const end = createRoute({
  method: 'post',
  path: '/session/end',
  responses: { 200: json(z.object({ ended: z.boolean() }), 'Logged out') },
});

export class Sessions {
  readonly #deps: ControlDeps;
  readonly #sessions = new Map<string, Session>();
  #failures = 0;
  #mayTryAt = 0;

  constructor(deps: ControlDeps) {
    this.#deps = deps;
  }

  /** Lets through who has proved who they are; looks are for everybody who has, changes for operators. */
  guard(): MiddlewareHandler {
    return async (c, next) => {
      const { authenticate } = this.#deps;
      if (!authenticate) return next();
      // The login itself; it checks what it is given.
      if (c.req.method === 'POST' && c.req.path.endsWith('/api/session')) return next();
      const caller = this.#callerOf(c);
      if (!caller) {
        throw controlError(
          'Unauthorized',
          'log in, or send an access key id and its secret as HTTP Basic credentials (the server runs with --auth keys)',
        );
      }
      const changes = c.req.method !== 'GET' && c.req.method !== 'HEAD';
      if (changes && caller.csrf !== undefined && !same(c.req.header(CSRF_HEADER), caller.csrf)) {
        throw controlError('NotAllowed', `a change needs the session's token in the header ${CSRF_HEADER}`);
      }
      if (changes && caller.role !== 'operator' && !c.req.path.endsWith('/session/end')) {
        throw controlError('NotAllowed', `${caller.operator} may look, but not change anything`);
      }
      c.set('operator', caller.operator);
      c.set('role', caller.role);
      await next();
    };
  }

  #callerOf(c: Context): { operator: string; role: Role; csrf?: string } | undefined {
    const header = c.req.header('authorization');
    if (header !== undefined) {
      const credentials = /^Basic\s+(\S+)$/i.exec(header)?.[1] ?? '';
      const [id = '', ...secret] = Buffer.from(credentials, 'base64').toString('utf8').split(':');
      const role = this.#deps.authenticate?.(id, secret.join(':'));
      return role && { operator: id, role };
    }
    return this.#sessionOf(c);
  }

  #sessionOf(c: Context): Session | undefined {
    const id = getCookie(c, COOKIE);
    const session = id === undefined ? undefined : this.#sessions.get(id);
    if (!session) return undefined;
    const now = performance.now();
    if (session.endsAt < now) {
      this.#sessions.delete(id as string);
      return undefined;
    }
    session.endsAt = now + IDLE_MS;
    return session;
  }

  addRoutes(app: OpenAPIHono): void {
    const { authenticate, random, store, clock } = this.#deps;

    app.openapi(read, (c) => {
      if (!authenticate) return c.json({ auth: 'open' as const, role: 'operator' as const }, 200);
      const session = this.#sessionOf(c);
      const operator = c.get('operator' as never) as string;
      const role = c.get('role' as never) as Role;
      return c.json({ auth: 'keys' as const, operator, role, csrf: session?.csrf }, 200);
    });

    app.openapi(begin, async (c) => {
      if (!authenticate) throw controlError('Conflict', 'the server runs with --auth open: nobody logs in');
      const { accessKeyId, secretAccessKey } = c.req.valid('json');
      const now = performance.now();
      if (now < this.#mayTryAt) throw controlError('Unauthorized', 'too many wrong logins: wait a second');
      const role = authenticate(accessKeyId, secretAccessKey);
      if (!role) {
        if (++this.#failures >= FREE_FAILURES) this.#mayTryAt = now + FAILURE_PAUSE_MS;
        throw controlError('Unauthorized', 'no key has this id and secret');
      }
      this.#failures = 0;
      const token = () => random.bytes(32).toString('base64url');
      const session: Session = { operator: accessKeyId, role, csrf: token(), endsAt: now + IDLE_MS };
      const id = token();
      if (this.#sessions.size >= MAX_SESSIONS) {
        this.#sessions.delete(this.#sessions.keys().next().value as string);
      }
      this.#sessions.set(id, session);
      setCookie(c, COOKIE, id, {
        httpOnly: true,
        sameSite: 'Strict',
        path: '/_redrive/',
        secure: new URL(c.req.url).protocol === 'https:',
      });
      await store.commit([
        auditEffect(clock.now(), [{ by: accessKeyId, action: 'login', subject: 'console', role }]),
      ]);
      return c.json({ auth: 'keys' as const, operator: accessKeyId, role, csrf: session.csrf }, 200);
    });

    app.openapi(end, async (c) => {
      const id = getCookie(c, COOKIE);
      const session = id === undefined ? undefined : this.#sessions.get(id);
      if (id !== undefined) this.#sessions.delete(id);
      deleteCookie(c, COOKIE, { path: '/_redrive/' });
      if (session) {
        const line = { by: session.operator, action: 'logout' as const, subject: 'console' };
        await store.commit([auditEffect(clock.now(), [line])]);
      }
      return c.json({ ended: session !== undefined }, 200);
    });
  }
}

function same(given: string | undefined, expected: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

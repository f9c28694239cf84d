/**
 * Connections to PostgreSQL: how they are set up, and what an error of one means. Invariant: a session that stands
 * still inside a transaction (its process frozen or cut off) is ended by the server, so that it holds up nobody.
 */
import pg from 'pg';

/** A transaction that hears nothing from its client for so long is rolled back by the server. */
const IDLE_IN_TRANSACTION_MS = 5_000;
/** A statement that waits longer for a lock gives up; its transaction is tried again. */
const LOCK_TIMEOUT_MS = 8_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Silence after which the server is asked whether it is still there. */
const KEEP_ALIVE_MS = 5_000;

const INT8 = 20;
const NUMERIC = 1700;

/** Numbers of SQL that are wider than JavaScript's by type, and never by value here. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 || oid === NUMERIC
      ? Number
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

export type Role = 'writer' | 'reader' | 'listener';

export function clientConfig(url: string, role: Role): pg.ClientConfig {
  return {
    connectionString: url,
    types,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    application_name: `redrive ${role}`,
    // Statements go out without waiting for the answers of those before them: a batch costs few round trips.
    ...(role === 'writer' ? { pipeline: true } : {}),
  };
}

/**
 * Settings of one session. `synchronous_commit` is set although it is the default: a server that has it off would
 * answer commits that are not on disk.
 */
export const SESSION = `SET synchronous_commit = on;
  SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS};
  SET lock_timeout = ${LOCK_TIMEOUT_MS};
  SET client_min_messages = warning`;

/** A statement, prepared under its name when first used on a connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

let statements = 0;
/** Names a statement. To be called once for each, when its module is loaded. */
export function statement(text: string): Statement {
  statements++;
  return { name: `s${statements}`, text };
}

/** What an error says about its transaction. */
export type Trouble =
  /** Somebody else was faster, or memory was behind: the same again will go differently. */
  | 'again'
  /** The value cannot be stored, now or ever. */
  | 'invalid'
  /** The database is gone, full or does not answer. */
  | 'unavailable';

/** SQLSTATE: serialization failure, deadlock, lock not available, unique violation, not-null violation, division by zero. */
const AGAIN = new Set(['40001', '40P01', '55P03', '23505', '23502', '22012']);
/** Classes: data exception, integrity violation, program limit exceeded. */
const INVALID = new Set(['22', '23', '54']);

export function troubleOf(error: unknown): Trouble {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return 'unavailable';
  if (AGAIN.has(code)) return 'again';
  return INVALID.has(code.slice(0, 2)) ? 'invalid' : 'unavailable';
}

/** What every further statement of a failed transaction answers; never the cause. */
export const IN_FAILED_TRANSACTION = '25P02';

/** The first text after all that begin with `prefix`. */
export function after(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

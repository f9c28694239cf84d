/**
 * Flags and environment → Config. Every problem is reported at once, each with what was expected and found.
 * A flag wins over its `REDRIVE_…` variable, which wins over the default.
 */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { LogLevel } from './platform/log.ts';

export interface Config {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Absolute path: SQLite file, function code, keys. */
  readonly dataDir: string;
  /** `postgres://…` for all durable state; absent: SQLite in the data folder. */
  readonly storeUrl?: string;
  readonly clock: 'real' | 'virtual';
  /** `keys`: every AWS call needs a valid SigV4 signature of a known key. */
  readonly auth: 'open' | 'keys';
  /** Used in ARNs where the request names none. */
  readonly region: string;
  readonly account: string;
  /** Absolute paths of the templates to deploy before the server says that it is ready. */
  readonly templates: readonly string[];
  /** `smtp://…` or `smtps://…`: mail to subscribers of topics goes out through it. */
  readonly smtpUrl?: string;
  readonly mailFrom?: string;
  /** Takes text messages of topics; without it they go into the log. */
  readonly smsWebhook?: string;
  /** `reset` works on the real clock too. */
  readonly allowReset: boolean;
  /** Requests may bring a fault along (`x-redrive-fault`) on the real clock too. */
  readonly allowFaults?: boolean;
  /** Repeats ids and choices; for scenarios, not for secrets. */
  readonly seed?: number;
  /** Where a virtual clock begins on an empty store, epoch ms; now when absent. */
  readonly startAt?: number;
  readonly logLevel: LogLevel;
}

const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** One flag of `redrive start`: the source of the command's options, its help and the README's table. */
export interface FlagSpec {
  readonly name: keyof Flags;
  readonly flag: string;
  readonly placeholder?: string;
  readonly default: string;
  readonly meaning: string;
}

export interface Flags {
  host?: string;
  port?: string;
  data?: string;
  store?: string;
  clock?: string;
  auth?: string;
  region?: string;
  account?: string;
  smtp?: string;
  mailFrom?: string;
  smsWebhook?: string;
  logLevel?: string;
  allowReset?: boolean;
  allowFaults?: boolean;
  seed?: string;
  startAt?: string;
}

export const FLAGS: readonly FlagSpec[] = [
  {
    name: 'host',
    flag: 'host',
    placeholder: 'ADDRESS',
    default: '127.0.0.1',
    meaning: 'address to listen on',
  },
  {
    name: 'port',
    flag: 'port',
    placeholder: 'N',
    default: '4566',
    meaning: 'port to listen on; 0 picks a free one',
  },
  {
    name: 'data',
    flag: 'data',
    placeholder: 'DIR',
    default: '.redrive',
    meaning: 'SQLite file, function code, keys',
  },
  {
    name: 'store',
    flag: 'store',
    placeholder: 'URL',
    default: 'the data folder',
    meaning: 'postgres://… puts all durable state in PostgreSQL',
  },
  {
    name: 'clock',
    flag: 'clock',
    placeholder: 'real|virtual',
    default: 'real',
    meaning: 'virtual: time moves only when told',
  },
  {
    name: 'auth',
    flag: 'auth',
    placeholder: 'open|keys',
    default: 'open on loopback, keys elsewhere',
    meaning: 'keys: AWS calls need a valid SigV4 signature of a known key',
  },
  {
    name: 'region',
    flag: 'region',
    placeholder: 'NAME',
    default: 'us-east-1',
    meaning: 'region in ARNs where a request names none',
  },
  {
    name: 'account',
    flag: 'account',
    placeholder: 'ID',
    default: '000000000000',
    meaning: 'account in ARNs',
  },
  {
    name: 'smtp',
    flag: 'smtp',
    placeholder: 'URL',
    default: 'no mail',
    meaning: 'smtp://… server that mail to topic subscribers goes through',
  },
  {
    name: 'mailFrom',
    flag: 'mail-from',
    placeholder: 'ADDRESS',
    default: 'no-reply@sns.amazonaws.com',
    meaning: 'sender of that mail',
  },
  {
    name: 'smsWebhook',
    flag: 'sms-webhook',
    placeholder: 'URL',
    default: 'the log',
    meaning: 'http(s)://… that text messages are posted to',
  },
  {
    name: 'logLevel',
    flag: 'log-level',
    placeholder: 'LEVEL',
    default: 'info',
    meaning: `${LOG_LEVELS.join(', ')}; logs go to stderr`,
  },
  {
    name: 'allowReset',
    flag: 'allow-reset',
    default: 'off',
    meaning: 'let the control API wipe everything on the real clock too',
  },
  {
    name: 'allowFaults',
    flag: 'allow-faults',
    default: 'off',
    meaning: 'let requests bring a fault along (x-redrive-fault) on the real clock too',
  },
  {
    name: 'seed',
    flag: 'seed',
    placeholder: 'N',
    default: 'chance',
    meaning: 'repeat ids and choices, for tests on a virtual clock',
  },
  {
    name: 'startAt',
    flag: 'start-at',
    placeholder: 'TIME',
    default: 'now',
    meaning: 'where a virtual clock begins: 2026-01-31T12:00:00Z',
  },
];

export type ConfigResult =
  | { readonly kind: 'config'; readonly config: Config }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/**
 * @param env the process environment; only `REDRIVE_…` is looked at
 * @param cwd folder that relative paths start from
 */
export function readConfig(
  flags: Flags,
  templates: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): ConfigResult {
  const problems: string[] = [];
  /** The value and what to call it in a complaint. */
  const read = (name: keyof Flags): { value: string | undefined; label: string } => {
    const spec = FLAGS.find((flag) => flag.name === name) as FlagSpec;
    if (typeof flags[name] === 'string') return { value: flags[name], label: `--${spec.flag}` };
    const variable = `REDRIVE_${spec.flag.replaceAll('-', '_').toUpperCase()}`;
    const value = env[variable];
    return { value: value === '' ? undefined : value, label: variable };
  };
  const text = (name: keyof Flags, fallback: string, pattern: RegExp, expected: string): string => {
    const { value, label } = read(name);
    if (value === undefined) return fallback;
    if (!pattern.test(value)) problems.push(`${label}: expected ${expected}, found '${value}'`);
    return value;
  };
  const oneOf = <T extends string>(name: keyof Flags, fallback: T, allowed: readonly T[]): T => {
    const { value, label } = read(name);
    if (value === undefined) return fallback;
    if (!allowed.includes(value as T)) {
      problems.push(`${label}: expected ${allowed.join(' or ')}, found '${value}'`);
    }
    return value as T;
  };

  const host = text('host', '127.0.0.1', /^[A-Za-z0-9.:_-]+$/, 'an address or host name');
  const { value: portText, label: portLabel } = read('port');
  const port = portText === undefined ? 4566 : /^\d+$/.test(portText) ? Number(portText) : Number.NaN;
  if (!(port >= 0 && port <= 65535)) {
    problems.push(`${portLabel}: expected a number from 0 to 65535, found '${portText}'`);
  }
  const { value: storeUrl, label: storeLabel } = read('store');
  if (storeUrl !== undefined && !/^postgres(ql)?:\/\/./.test(storeUrl)) {
    problems.push(`${storeLabel}: expected a postgres:// URL, found '${maskPassword(storeUrl)}'`);
  }
  const url = (name: keyof Flags, schemes: readonly string[]): string | undefined => {
    const { value, label } = read(name);
    if (value === undefined) return undefined;
    if (!schemes.some((scheme) => value.startsWith(`${scheme}://`)) || !URL.canParse(value)) {
      problems.push(`${label}: expected a ${schemes[0]}:// URL, found '${maskPassword(value)}'`);
    }
    return value;
  };
  const flag = (name: 'allowReset' | 'allowFaults'): boolean => {
    const { value, label } = read(name);
    if (value !== undefined && !['true', 'false', '1', '0'].includes(value)) {
      problems.push(`${label}: expected true or false, found '${value}'`);
    }
    return flags[name] ?? (value === 'true' || value === '1');
  };
  const seed = text('seed', '', /^\d{1,15}$/, 'a whole number');
  const startText = read('startAt').value;
  const startAt = startText === undefined ? undefined : Date.parse(startText);
  if (Number.isNaN(startAt)) {
    problems.push(
      `${read('startAt').label}: expected a time such as 2026-01-31T12:00:00Z, found '${startText}'`,
    );
  }
  const config: Config = {
    host,
    port,
    dataDir: resolve(cwd, read('data').value ?? '.redrive'),
    storeUrl,
    clock: oneOf('clock', 'real', ['real', 'virtual']),
    auth: oneOf('auth', isLoopback(host) ? 'open' : 'keys', ['open', 'keys']),
    region: text('region', 'us-east-1', /^[a-z]{2}(-[a-z]+)+-\d$/, 'a region such as us-east-1'),
    account: text('account', '000000000000', /^\d{12}$/, 'an account id of 12 digits'),
    templates: templates.map((path) => resolve(cwd, path)),
    smtpUrl: url('smtp', ['smtp', 'smtps']),
    mailFrom: read('mailFrom').value,
    smsWebhook: url('smsWebhook', ['http', 'https']),
    allowReset: flag('allowReset'),
    allowFaults: flag('allowFaults'),
    seed: seed === '' ? undefined : Number(seed),
    startAt,
    logLevel: oneOf('logLevel', 'info', LOG_LEVELS),
  };
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'config', config };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function maskPassword(url: string): string {
  return url.replace(/:[^:@/]*@/, ':***@');
}

/**
 * How far functions are kept from each other and from this machine. Found out once by trying, not by asking who
 * we are: containers forbid in many ways.
 *
 * basic: own process group, own variables, own temporary folder by TMPDIR, memory watched.
 * namespaces: besides, a mount namespace in which `/tmp` is the environment's own, as on AWS.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export type IsolationTier = 'basic' | 'namespaces';

export interface Isolation {
  readonly tier: IsolationTier;
  /** Why it is not more. */
  readonly reason?: string;
  /** Layers can be at `/opt`, as on AWS. */
  readonly coversOpt: boolean;
  /** The command that runs `command` with `tmp` as its temporary folder and, where that can be, `opt` as `/opt`. */
  wrap(command: readonly string[], tmp: string, opt?: string): string[];
}

const run = promisify(execFile);
const PROBE_TIMEOUT_MS = 5_000;

const BASIC: Isolation = { tier: 'basic', coversOpt: false, wrap: (command) => [...command] };

const COVER = 'mount --bind "$0" /tmp && { [ -z "$1" ] || mount --bind "$1" /opt; } && shift && exec "$@"';
/** As root, and as anybody where the system lets anybody have user namespaces. */
const WAYS = [
  ['unshare', '--mount', '--propagation', 'private'],
  ['unshare', '--user', '--map-root-user', '--mount', '--propagation', 'private'],
] as const;

/**
 * The most that is possible here. `root` is the folder of all environments; `needed` are paths that functions must
 * see: below `/tmp` they would be covered. Never rejects.
 */
export async function probeIsolation(
  wanted: IsolationTier | 'auto',
  root: string,
  needed: readonly string[],
): Promise<Isolation> {
  if (wanted === 'basic') return { ...BASIC, reason: 'asked for' };
  const covered = [root, ...needed].find((path) => `${path}/`.startsWith('/tmp/'));
  if (covered !== undefined) {
    return { ...BASIC, reason: `${covered} lies below /tmp, which functions would not see` };
  }
  const coversOpt = existsSync('/opt') && !needed.some((path) => `${path}/`.startsWith('/opt/'));
  let reason = '';
  for (const way of WAYS) {
    const [file, ...flags] = way;
    const wrap = (command: readonly string[], tmp: string, opt = '') => [
      file,
      ...flags,
      '/bin/sh',
      '-c',
      COVER,
      tmp,
      coversOpt ? opt : '',
      ...command,
    ];
    try {
      await tryOut(wrap, root);
      return { tier: 'namespaces', coversOpt, wrap };
    } catch (error) {
      reason ||= firstLine((error as { stderr?: string }).stderr || (error as Error).message);
    }
  }
  return { ...BASIC, reason };
}

async function tryOut(wrap: Isolation['wrap'], root: string): Promise<void> {
  const tmp = await mkdtemp(join(root, 'probe-'));
  try {
    const [file, ...args] = wrap(['/bin/sh', '-c', 'echo x > /tmp/seen'], tmp);
    await run(file as string, args, { timeout: PROBE_TIMEOUT_MS });
    await run('/bin/cat', [join(tmp, 'seen')]);
  } finally {
    await rm(tmp, { recursive: true, force: true });
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] as string;
}

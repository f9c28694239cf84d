/** `redrive doctor`: what this machine offers to functions and to the store, and what is missing. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { readConfig } from '../config.ts';
import { createClient } from './client.ts';
import { endpointOf, type ServerOptions, withServer } from './endpoint.ts';
import { CliFailure } from './failure.ts';
import { formatTable, printJson, printLine } from './output.ts';

interface Finding {
  readonly what: string;
  /** `missing`: something optional is not there. `bad`: Redrive cannot work well like this. */
  readonly state: 'ok' | 'missing' | 'bad';
  readonly found: string;
}

const run = promisify(execFile);
const PROBE_TIMEOUT_MS = 10_000;
const FSYNC_ROUNDS = 20;
/** Slower than this, every accepted event waits noticeably. */
const SLOW_FSYNC_MS = 20;
const LITTLE_DISK_MB = 512;

export function doctorCommand(): Command {
  return withServer(
    new Command('doctor').description('what this machine offers: runtimes, isolation, disk, tools'),
  )
    .option('--data <dir>', 'data folder to look at', '.redrive')
    .action(async (options: ServerOptions & { data: string }) => {
      const findings = await Promise.all([
        node(),
        tool('Python runtime', 'python3', ['--version'], 'python functions cannot run'),
        tool('AWS CLI', 'aws', ['--version'], "'redrive aws' cannot run"),
        tool('PostgreSQL', 'postgres', ['--version'], 'only needed for a local --store postgres://…'),
        isolation(),
        disk(resolve(options.data)),
        memory(),
        configuration(),
        server(options),
      ]);
      if (options.json) printJson({ findings });
      else {
        printLine(
          formatTable(
            ['', 'WHAT', 'FOUND'],
            findings.map(({ what, state, found }) => [state === 'ok' ? 'ok' : state, what, found]),
          ),
        );
      }
      const bad = findings.filter((finding) => finding.state === 'bad');
      if (bad.length > 0) throw new CliFailure(`${bad.map(({ what }) => what).join(', ')}: see above`);
    });
}

async function node(): Promise<Finding> {
  const strips = process.features.typescript === 'strip' || process.features.typescript === 'transform';
  return {
    what: 'Node',
    state: strips ? 'ok' : 'bad',
    found: `${process.version} at ${process.execPath}${strips ? '' : '; it cannot run TypeScript'}`,
  };
}

async function tool(what: string, name: string, args: string[], without: string): Promise<Finding> {
  const path = (process.env.PATH ?? '').split(delimiter).find((folder) => existsSync(join(folder, name)));
  if (!path) return { what, state: 'missing', found: `no '${name}' on the PATH: ${without}` };
  try {
    const { stdout, stderr } = await run(name, args, { timeout: PROBE_TIMEOUT_MS });
    return { what, state: 'ok', found: (stdout || stderr).trim().split('\n')[0] ?? name };
  } catch (error) {
    return {
      what,
      state: 'missing',
      found: `'${name}' does not run: ${(error as Error).message.split('\n')[0]}`,
    };
  }
}

/** Whether functions could be given namespaces of their own. */
async function isolation(): Promise<Finding> {
  const what = 'Isolation';
  if (process.platform !== 'linux') {
    return { what, state: 'missing', found: `process groups only on ${process.platform}` };
  }
  const user = process.getuid?.() === 0 ? 'root' : `uid ${process.getuid?.()}`;
  try {
    await run('unshare', ['--user', '--map-root-user', '--mount', '--pid', '--fork', 'true'], {
      timeout: PROBE_TIMEOUT_MS,
    });
    return {
      what,
      state: 'ok',
      found: `user, mount and process namespaces are possible (running as ${user})`,
    };
  } catch {
    // A refusal is the finding: containers and hardened kernels forbid namespaces.
    return {
      what,
      state: 'missing',
      found: `no namespaces for ${user}: functions run in process groups of their own`,
    };
  }
}

/** Free space, and what a durable commit costs at least. */
async function disk(dataDir: string): Promise<Finding> {
  const what = 'Disk';
  const folder = existsSync(dataDir) ? dataDir : tmpdir();
  try {
    const { bavail, bsize } = await statfs(folder);
    const freeMb = Math.floor((bavail * bsize) / 1_048_576);
    const fsyncMs = await measureFsync(folder);
    const bad = freeMb < LITTLE_DISK_MB || fsyncMs > SLOW_FSYNC_MS;
    return {
      what,
      state: bad ? 'bad' : 'ok',
      found: `${freeMb} MB free, ${fsyncMs.toFixed(2)} ms for an fsync in ${folder}`,
    };
  } catch (error) {
    return { what, state: 'bad', found: `cannot write to ${folder}: ${(error as Error).message}` };
  }
}

async function measureFsync(folder: string): Promise<number> {
  const scratch = await mkdtemp(join(folder, 'redrive-doctor-'));
  try {
    const file = await open(join(scratch, 'probe'), 'w');
    const began = process.hrtime.bigint();
    for (let round = 0; round < FSYNC_ROUNDS; round++) {
      await file.write(Buffer.alloc(4096));
      await file.datasync();
    }
    const ms = Number(process.hrtime.bigint() - began) / 1e6 / FSYNC_ROUNDS;
    await file.close();
    return ms;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function memory(): Promise<Finding> {
  return {
    what: 'Machine',
    state: 'ok',
    found: `${availableParallelism()} processors, ${Math.round(totalmem() / 1_048_576)} MB of memory`,
  };
}

async function configuration(): Promise<Finding> {
  const result = readConfig({}, [], process.env, process.cwd());
  return result.kind === 'config'
    ? { what: 'Environment', state: 'ok', found: 'REDRIVE_… variables are valid or absent' }
    : { what: 'Environment', state: 'bad', found: result.problems.join('; ') };
}

async function server(options: ServerOptions): Promise<Finding> {
  const endpoint = endpointOf(options);
  try {
    const clock = await createClient(endpoint).readClock();
    return {
      what: 'Server',
      state: 'ok',
      found: `running at ${endpoint} on a ${clock.virtual ? 'virtual' : 'real'} clock`,
    };
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    return { what: 'Server', state: 'missing', found: `none at ${endpoint}` };
  }
}

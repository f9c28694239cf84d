/**
 * Makes a zip of a folder (or of one file) for code that is deployed from a work tree. The same names, contents
 * and executable bits give the same bytes, so unchanged code keeps its hash.
 */
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ZipFile } from 'yazl';

/** Time stamps would make every zip different; this is the earliest a zip can hold. */
const FIXED_TIME = new Date(1980, 0, 1);
const EXECUTABLE = 0o111;

interface Found {
  readonly name: string;
  readonly path: string;
  readonly mode: number;
  readonly target?: string;
}

/** Links are kept as links; sockets, devices and the like are left out. Rejects when something cannot be read. */
export async function zipFolder(path: string): Promise<Buffer> {
  const stats = await lstat(path);
  const found = stats.isDirectory()
    ? await walk(path, '')
    : [{ name: basename(path), path, mode: modeFor(stats.mode) }];
  found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const zip = new ZipFile();
  const chunks: Buffer[] = [];
  const done = new Promise<void>((resolve, reject) => {
    zip.outputStream.on('data', (chunk: Buffer) => chunks.push(chunk));
    zip.outputStream.on('end', resolve);
    zip.outputStream.on('error', reject);
    zip.on('error', reject);
  });
  for (const file of found) {
    const options = { mtime: FIXED_TIME, mode: file.mode, forceDosTimestamp: true };
    if (file.target !== undefined) zip.addBuffer(Buffer.from(file.target), file.name, options);
    else {
      zip.addReadStreamLazy(file.name, options, (callback) => callback(null, createReadStream(file.path)));
    }
  }
  zip.end();
  await done;
  return Buffer.concat(chunks);
}

/** Only executable or not is kept of the permissions: the rest depends on the umask of whoever checked it out. */
function modeFor(mode: number): number {
  return 0o100000 | (mode & EXECUTABLE ? 0o755 : 0o644);
}

async function walk(folder: string, prefix: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    const name = prefix + entry.name;
    if (entry.isDirectory()) found.push(...(await walk(path, `${name}/`)));
    else if (entry.isSymbolicLink()) {
      found.push({ name, path, mode: 0o120777, target: await readlink(path) });
    } else if (entry.isFile()) found.push({ name, path, mode: modeFor((await lstat(path)).mode) });
  }
  return found;
}

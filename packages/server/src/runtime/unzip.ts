/**
 * Unpacks an uploaded zip into a folder. Nothing is ever written outside that folder, no link inside leads out
 * of it, and no more than the permitted bytes are written, whatever the zip says about itself.
 */
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { InvalidZip, MAX_UNZIPPED_BYTES, MAX_ZIPPED_BYTES } from './executor.ts';

/** Chosen: keeps a zip of empty files from eating all inodes. */
const MAX_ENTRIES = 100_000;

const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;
const DIRECTORY = 0o040000;
const SYMLINK = 0o120000;
/** Functions read their code, they do not write it. */
const READ_AND_EXECUTE = 0o555;
const MADE_BY_UNIX = 3;

interface Links {
  readonly path: string;
  readonly target: string;
}

/** Writes the content of `zip` under `folder`, which must exist and be empty. Rejects with InvalidZip. */
export async function unzip(zip: Buffer, folder: string): Promise<void> {
  if (zip.length === 0) throw new InvalidZip('Empty', 'no bytes');
  if (zip.length > MAX_ZIPPED_BYTES) throw new InvalidZip('ZippedTooLarge', `${zip.length} bytes`);
  const file = await openZip(zip);
  try {
    if (file.entryCount === 0) throw new InvalidZip('Empty', 'no entries');
    if (file.entryCount > MAX_ENTRIES) throw new InvalidZip('Malformed', `${file.entryCount} entries`);
    const names = new Set<string>();
    const links: Links[] = [];
    let written = 0;
    const count = (bytes: number) => {
      written += bytes;
      if (written > MAX_UNZIPPED_BYTES)
        throw new InvalidZip('UnzippedTooLarge', `over ${MAX_UNZIPPED_BYTES} bytes`);
    };
    for await (const entry of entriesOf(file)) {
      const name = posix.normalize(entry.fileName).replace(/\/$/, '');
      if (name === '.' || name === '') continue;
      if (names.has(name)) throw new InvalidZip('Malformed', `two entries named ${name}`);
      names.add(name);
      const mode = modeOf(entry);
      if (mode.type === DIRECTORY) {
        await mkdir(join(folder, name), { recursive: true });
      } else if (mode.type === SYMLINK) {
        const target = await readTarget(file, entry, count);
        if (!staysInside(name, target))
          throw new InvalidZip('Malformed', `${name} links to ${target}, outside`);
        links.push({ path: name, target });
      } else if (mode.type === REGULAR) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeEntry(file, entry, join(folder, name), mode.permissions, count);
      } else {
        throw new InvalidZip('Malformed', `${name} is neither a file, a folder nor a link`);
      }
    }
    // Last, so that nothing was ever written through a link.
    for (const link of links) {
      await mkdir(dirname(join(folder, link.path)), { recursive: true });
      await symlink(link.target, join(folder, link.path));
    }
  } catch (error) {
    throw asInvalidZip(error);
  } finally {
    file.close();
  }
}

/** A zip that cannot be read and a full disk are different things: only the first is the uploader's fault. */
function asInvalidZip(error: unknown): unknown {
  if (error instanceof InvalidZip) return error;
  const code = (error as NodeJS.ErrnoException).code;
  const clashes = code === 'ENOTDIR' || code === 'EISDIR' || code === 'EEXIST' || code === 'ENAMETOOLONG';
  const isSystem = code?.startsWith('E') && !code.startsWith('ERR_') && !clashes;
  return isSystem ? error : new InvalidZip('Malformed', (error as Error).message, error);
}

function openZip(zip: Buffer): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.fromBuffer(
      zip,
      { lazyEntries: true, validateEntrySizes: true, decodeStrings: true, autoClose: false },
      (error, file) => (error ? reject(new InvalidZip('Malformed', error.message, error)) : resolve(file)),
    );
  });
}

async function* entriesOf(file: ZipFile): AsyncGenerator<Entry> {
  for (;;) {
    const entry = await new Promise<Entry | undefined>((resolve, reject) => {
      const settle = () => {
        file.off('entry', onEntry);
        file.off('end', onEnd);
        file.off('error', onError);
      };
      const onEntry = (found: Entry) => {
        settle();
        resolve(found);
      };
      const onEnd = () => {
        settle();
        resolve(undefined);
      };
      const onError = (error: Error) => {
        settle();
        reject(error);
      };
      file.on('entry', onEntry);
      file.on('end', onEnd);
      file.on('error', onError);
      file.readEntry();
    });
    if (!entry) return;
    yield entry;
  }
}

function modeOf(entry: Entry): { readonly type: number; readonly permissions: number } {
  const unix = entry.versionMadeBy >>> 8 === MADE_BY_UNIX ? entry.externalFileAttributes >>> 16 : 0;
  const type = unix & FILE_TYPE;
  const isFolder = entry.fileName.endsWith('/');
  return {
    type: isFolder ? DIRECTORY : type === 0 ? REGULAR : type,
    // Zips made without Unix modes say nothing; 0 would make a file nobody can read.
    permissions: (unix & 0o777) === 0 ? 0o444 : (unix & READ_AND_EXECUTE) | 0o400,
  };
}

/** A relative target whose climbing comes first and does not leave the root; then no chain of links can leave it. */
function staysInside(name: string, target: string): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false;
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const climbs = parts.findIndex((part) => part !== '..');
  const leading = climbs === -1 ? parts.length : climbs;
  if (parts.slice(leading).includes('..')) return false;
  return leading <= name.split('/').length - 1;
}

async function readTarget(file: ZipFile, entry: Entry, count: (bytes: number) => void): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of await openEntry(file, entry)) {
    count((chunk as Buffer).length);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function writeEntry(
  file: ZipFile,
  entry: Entry,
  path: string,
  permissions: number,
  count: (bytes: number) => void,
): Promise<void> {
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        count(chunk.length);
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
  await pipeline(
    await openEntry(file, entry),
    counter,
    createWriteStream(path, { flags: 'wx', mode: 0o600 }),
  );
  await chmod(path, permissions);
}

function openEntry(file: ZipFile, entry: Entry): Promise<NodeJS.ReadableStream> {
  return new Promise((resolve, reject) => {
    file.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
}

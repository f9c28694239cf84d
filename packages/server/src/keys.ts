/**
 * Access keys that the server knows: one for its operator, made at the first start and kept in the data folder
 * in the form of an AWS credentials file, and one for the functions, made anew at every start.
 */

import { timingSafeEqual } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from './platform/random.ts';

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
}

const FILE = 'credentials';
const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

function createKey(random: Random): AccessKey {
  const letters = [...random.bytes(16)].map((byte) => ID_ALPHABET[byte % ID_ALPHABET.length]);
  return { id: `AKIA${letters.join('')}`, secret: random.bytes(30).toString('base64') };
}

export class KeyRing {
  readonly #secrets = new Map<string, string>();
  /** Given to function processes. */
  readonly functions: AccessKey;

  constructor(random: Random) {
    this.functions = createKey(random);
    this.add(this.functions);
  }

  add(key: AccessKey): void {
    this.#secrets.set(key.id, key.secret);
  }

  secretFor(id: string): string | undefined {
    return this.#secrets.get(id);
  }

  knows(id: string, secret: string): boolean {
    const known = Buffer.from(this.#secrets.get(id) ?? '');
    const given = Buffer.from(secret);
    return known.length > 0 && known.length === given.length && timingSafeEqual(known, given);
  }
}

/** Reads the operator's key, or makes and keeps one (readable by its owner alone). */
export async function readOperatorKey(dataDir: string, random: Random): Promise<AccessKey> {
  const path = join(dataDir, FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text !== undefined) {
    const id = /^aws_access_key_id\s*=\s*(\S+)$/m.exec(text)?.[1];
    const secret = /^aws_secret_access_key\s*=\s*(\S+)$/m.exec(text)?.[1];
    if (!id || !secret) {
      throw new Error(`${path}: expected aws_access_key_id and aws_secret_access_key, found something else`);
    }
    return { id, secret };
  }
  const key = createKey(random);
  await writeFile(path, `[default]\naws_access_key_id = ${key.id}\naws_secret_access_key = ${key.secret}\n`, {
    mode: 0o600,
  });
  await chmod(path, 0o600);
  return key;
}

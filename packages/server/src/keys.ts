/**
 * Access keys that the server knows: one for its operator and one for those who only look, made at the first start
 * and kept in the data folder in the form of an AWS credentials file, and one for the functions, made anew at every
 * start.
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
  /** Who may do what in the control API. Viewers have no access to AWS's API, functions none to ours. */
  readonly #people = new Map<string, AccessKey & { readonly role: 'operator' | 'viewer' }>();
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

  addPerson(key: AccessKey, role: 'operator' | 'viewer'): void {
    this.#people.set(key.id, { ...key, role });
    if (role === 'operator') this.add(key);
  }

  /** What a pair may do in the control API; `undefined` when it is unknown. */
  roleOf(id: string, secret: string): 'operator' | 'viewer' | undefined {
    const person = this.#people.get(id);
    const known = Buffer.from(person?.secret ?? '');
    const given = Buffer.from(secret);
    const right = known.length > 0 && known.length === given.length && timingSafeEqual(known, given);
    return right ? person?.role : undefined;
  }
}

/** Keys of the people: `[default]` of the file may do everything, `[viewer]` may look at the console. */
export interface PeopleKeys {
  readonly operator: AccessKey;
  readonly viewer: AccessKey;
}

/** Reads the keys, or makes and keeps them (readable by their owner alone). */
export async function readPeopleKeys(dataDir: string, random: Random): Promise<PeopleKeys> {
  const path = join(dataDir, FILE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const operator = readSection(text, 'default', path) ?? createKey(random);
  const viewer = readSection(text, 'viewer', path) ?? createKey(random);
  const whole = [formatSection('default', operator), formatSection('viewer', viewer)];
  if (!whole.every((section) => text.includes(section))) {
    await writeFile(path, whole.join('\n'), { mode: 0o600 });
    await chmod(path, 0o600);
  }
  return { operator, viewer };
}

function formatSection(name: string, key: AccessKey): string {
  return `[${name}]\naws_access_key_id = ${key.id}\naws_secret_access_key = ${key.secret}\n`;
}

/** `undefined` when there is no such section yet. */
function readSection(text: string, name: string, path: string): AccessKey | undefined {
  const section = text.split(/^(?=\[)/m).find((part) => part.startsWith(`[${name}]`));
  if (section === undefined && (text.trim() === '' || text.includes('[default]'))) return undefined;
  const id = /^aws_access_key_id\s*=\s*(\S+)$/m.exec(section ?? '')?.[1];
  const secret = /^aws_secret_access_key\s*=\s*(\S+)$/m.exec(section ?? '')?.[1];
  if (id && secret) return { id, secret };
  throw new Error(
    `${path}: expected aws_access_key_id and aws_secret_access_key in [${name}], found something else`,
  );
}

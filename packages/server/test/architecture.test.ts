/** Imports point one way. The table is the rule; change it when the design changes. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/** Room → rooms it may import from, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  platform: [],
  store: ['platform'],
  domain: ['platform', 'store/store.ts'],
  runtime: ['platform', 'domain'],
  engine: ['platform', 'store/store.ts', 'domain', 'runtime/executor.ts'],
  protocol: ['platform'],
  services: ['platform', 'store/store.ts', 'domain', 'runtime/executor.ts', 'engine', 'protocol'],
  control: ['platform', 'store/store.ts', 'domain', 'runtime/executor.ts', 'engine', 'faults'],
  faults: [
    'platform',
    'store/store.ts',
    'store/sqlite/disk-fault.ts',
    'domain',
    'runtime/executor.ts',
    'runtime/failures.ts',
    'runtime/log-lines.ts',
    'engine/targets.ts',
    'protocol',
  ],
  scenario: ['platform', 'domain', 'faults/fault-schema.ts', 'testing'],
  template: ['platform', 'store/store.ts', 'domain', 'runtime/zip-folder.ts', 'protocol'],
};
/** These wire everything together and may import from anywhere. */
const WIRING = new Set(['server.ts', 'config.ts', 'keys.ts', 'cli', 'testing']);

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join(folder, name));
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    relative(SRC, resolve(dirname(file), match[1] as string)),
  );
}

const roomOf = (path: string) => path.split('/')[0] as string;

test('imports point one way', () => {
  const wrong: string[] = [];
  for (const file of sourceFiles(SRC)) {
    const path = relative(SRC, file);
    const room = roomOf(path);
    if (WIRING.has(room)) continue;
    const allowed = MAY_IMPORT[room];
    assert.ok(allowed, `${path}: the room "${room}" is not in the table`);
    for (const target of importsOf(file)) {
      const fine =
        roomOf(target) === room || allowed.some((rule) => target === rule || target.startsWith(`${rule}/`));
      if (!fine) wrong.push(`${path} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('no service imports another', () => {
  const wrong: string[] = [];
  for (const file of sourceFiles(join(SRC, 'services'))) {
    const [, service] = relative(SRC, file).split('/');
    for (const target of importsOf(file)) {
      const [room, other] = target.split('/');
      if (room === 'services' && other !== service) wrong.push(`${relative(SRC, file)} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('the pure rooms ask neither the system for the time nor for chance', () => {
  const wrong: string[] = [];
  for (const room of ['domain', 'engine', 'services', 'control']) {
    for (const file of sourceFiles(join(SRC, room))) {
      const text = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      if (/\bDate\.now\(|\bMath\.random\(|new Date\(\)/.test(text)) wrong.push(relative(SRC, file));
    }
  }
  assert.deepEqual(wrong, []);
});

/** docs/coverage.md says what the operation tables say. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { formatCoverage } from '../../tools/gen-coverage.ts';

test('docs/coverage.md is up to date (npm run gen-coverage --workspace redrive)', async () => {
  const page = await readFile(new URL('../../../../docs/coverage.md', import.meta.url), 'utf8');
  assert.equal(page, formatCoverage());
});

/** Folders that live as long as a test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd, type Cleanup } from './cleanup.ts';

/** A new folder, removed when the test ends. */
export async function tempFolder(t: Cleanup): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'redrive-test-'));
  // Processes that were told to end may still be writing: try again instead of failing the test.
  atEnd(t, () => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  return path;
}

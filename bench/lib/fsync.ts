/** What the disk asks for one durable write: every figure of a durable system has to be read with it. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './figures.ts';

const WRITES = 200;

/** Median time of one appended and synced page of 4 KiB, ms. */
export async function measureFsync(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'redrive-bench-fsync-'));
  const fd = openSync(join(folder, 'file'), 'w');
  const page = Buffer.alloc(4096);
  const times: number[] = [];
  for (let i = 0; i < WRITES; i++) {
    const startedAt = performance.now();
    writeSync(fd, page);
    fsyncSync(fd);
    times.push(performance.now() - startedAt);
  }
  closeSync(fd);
  await rm(folder, { recursive: true, force: true });
  return median(times);
}

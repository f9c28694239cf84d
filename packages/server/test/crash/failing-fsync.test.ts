/** A disk whose flushes fail: the system call itself answers an error, by a small library loaded before the C library. */
import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tempFolder } from '../support/temp-folder.ts';
import { checkBrokenDisk } from './broken-disk.ts';

const SOURCE = fileURLToPath(new URL('failing-fsync.c', import.meta.url));

test('failing flushes: no promise that is not kept, and work goes on when they succeed', {
  timeout: 180_000,
}, async (t) => {
  const folder = await tempFolder(t);
  const library = join(folder, 'failing-fsync.so');
  const built = spawnSync('gcc', ['-shared', '-fPIC', '-o', library, SOURCE, '-ldl'], { encoding: 'utf8' });
  if (built.status !== 0) {
    t.skip(`NOT TESTED: needs gcc to build the failing flush: ${built.error ?? built.stderr}`);
    return;
  }
  const flag = join(folder, 'failing');
  await checkBrokenDisk(t, {
    data: join(folder, 'data'),
    sound: join(folder, 'sound'),
    env: { LD_PRELOAD: library, FAIL_FSYNC_WHILE: flag },
    breakIt: () => writeFile(flag, ''),
    mendIt: () => rm(flag),
  });
});

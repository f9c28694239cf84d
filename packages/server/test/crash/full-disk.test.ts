/** A disk without room: a file system of its own, filled to the last byte and freed again. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { atEnd } from '../support/cleanup.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { checkBrokenDisk } from './broken-disk.ts';

const SIZE = '48m';

test('a full disk: no promise that is not kept, and work goes on when there is room', {
  timeout: 180_000,
}, async (t) => {
  const folder = await tempFolder(t);
  const disk = join(folder, 'disk');
  await mkdir(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', disk], {
    encoding: 'utf8',
  });
  if (mounted.status !== 0) {
    t.skip(
      `NOT TESTED: a small file system cannot be mounted here (needs root): ${mounted.stderr ?? mounted.error}`,
    );
    return;
  }
  atEnd(t, () => spawnSync('umount', ['--lazy', disk]));
  const ballast = join(disk, 'ballast');
  await checkBrokenDisk(t, {
    data: join(disk, 'data'),
    sound: join(folder, 'sound'),
    async breakIt() {
      const file = openSync(ballast, 'w');
      try {
        for (let size = 1_048_576; size >= 1; ) {
          try {
            writeSync(file, Buffer.alloc(size));
          } catch {
            size >>= 1;
          }
        }
      } finally {
        closeSync(file);
      }
    },
    mendIt: () => rm(ballast),
  });
});

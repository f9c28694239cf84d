/** Ends the function processes that a server left behind when it was killed, and removes their folders. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { killGroup, readStartTime } from './process.ts';

/** `root` is the folder of all environments. A pid is trusted only with the start time written beside it. */
export function endOrphans(root: string): void {
  mkdirSync(root, { recursive: true });
  for (const name of readdirSync(root)) {
    const folder = join(root, name);
    try {
      const [pid, startTime] = readFileSync(join(folder, 'pid'), 'utf8').split(' ');
      if (startTime && readStartTime(Number(pid)) === startTime) killGroup(Number(pid));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Processes of a function that left its process group (setsid) and so survived it. They are known by a variable
 * that every process of an environment carries and no other has.
 */
import { readdir, readFile } from 'node:fs/promises';

/** Ends every process whose environment holds `NAME=value`. Resolves with how many there were. */
export async function endStragglers(name: string, value: string): Promise<number> {
  const mark = `${name}=${value}`;
  let found = 0;
  const pids = await readdir('/proc').catch(() => []);
  for (const pid of pids) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    // Gone, a kernel thread, or another user's: not ours in any case.
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (!environment.split('\0').includes(mark)) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
      found++;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  return found;
}

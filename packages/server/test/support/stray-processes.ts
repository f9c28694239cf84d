/** Processes that have something to do with a folder: what a server left behind. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Ids of processes whose command line, variables or working folder name `folder`. */
export function processesUnder(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(folder) ||
          readFileSync(`/proc/${pid}/environ`, 'latin1').includes(folder) ||
          readlinkSync(`/proc/${pid}/cwd`).startsWith(folder)
        );
      } catch {
        // Gone in the meantime, or somebody else's.
        return false;
      }
    })
    .map(Number);
}

/** Processor time of a process, threads included: a figure that other work on the machine does not change much. */
import { readFileSync } from 'node:fs';

/** `USER_HZ`: 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** User and system time so far, ms. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

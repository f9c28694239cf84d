/** Waiting in real time, for things that no virtual clock governs: a disk, a database, a process. */
import { setTimeout as timeout } from 'node:timers/promises';

export async function pause(delayMs: number): Promise<void> {
  await timeout(delayMs, undefined, { ref: false });
}

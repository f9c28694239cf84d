/** What a rule can break outside of the program's own decisions: its disk and its process. */
import type { FaultRule } from '../domain/fault-rule.ts';
import type { DiskFault } from '../store/sqlite/disk-fault.ts';
import type { Surroundings } from './fault-rules.ts';

export function createSurroundings(options: {
  readonly injectDiskFault: (fault: DiskFault | undefined) => Promise<void>;
  /** Ends this process at once, as a power cut would. */
  readonly kill: () => void;
}): Surroundings {
  return {
    async begin(rule) {
      if (rule.effect === 'kill') options.kill();
      else if (rule.effect === 'freeze') freeze(rule.delayMs ?? 0);
      else await options.injectDiskFault(diskFault(rule));
    },
    async end(rule) {
      if (rule.target === 'store') await options.injectDiskFault(undefined);
    },
  };
}

function diskFault({ effect, delayMs = 0 }: FaultRule): DiskFault {
  switch (effect) {
    case 'diskFull':
      return { kind: 'full' };
    case 'failingFsync':
      return { kind: 'failingFlush' };
    case 'slowDisk':
      return { kind: 'slow', delayMs };
    default:
      return { kind: 'lostConnection' };
  }
}

/** Nothing of this process moves meanwhile, as under a stopped virtual machine. */
function freeze(delayMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delayMs);
}

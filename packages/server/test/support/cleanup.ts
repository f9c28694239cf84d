/**
 * What has to end when a test ends, last begun first ended: a server stops before its folder goes.
 * (Hooks of node:test run in the order in which they were set.)
 */
import { after } from 'node:test';

/** A test, or `endOfFile()`. */
export interface Cleanup {
  after(end: () => Promise<void>): void;
}

/** For what a whole file uses. To be called at its top level: within a hook, `after` means the end of the hook. */
export function endOfFile(): Cleanup {
  let endAll: () => Promise<void> = async () => undefined;
  after(() => endAll());
  return {
    after(end) {
      endAll = end;
    },
  };
}

const stacks = new WeakMap<Cleanup, (() => unknown)[]>();

/** Runs `end` when the test ends, before everything that was registered earlier. */
export function atEnd(t: Cleanup, end: () => unknown): void {
  const known = stacks.get(t);
  if (known) {
    known.push(end);
    return;
  }
  const stack = [end];
  stacks.set(t, stack);
  t.after(async () => {
    const failures: unknown[] = [];
    for (let next = stack.pop(); next; next = stack.pop()) {
      try {
        await next();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'a test did not clean up after itself');
  });
}

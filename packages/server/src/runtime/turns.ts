/**
 * Waiting until everything a process wrote before a certain moment has been read, whichever descriptor it
 * came on. What was in the kernel at that moment is read, at the latest, in the next poll of the event loop;
 * the second of two immediates runs after that poll.
 */

/** Calls back once the descriptors that are readable now have been read. Callbacks of one turn share the wait. */
export function createTurns(): (callback: () => void) => void {
  let waiting: (() => void)[] | undefined;
  return (callback) => {
    if (waiting) {
      waiting.push(callback);
      return;
    }
    const batch = [callback];
    waiting = batch;
    setImmediate(() => {
      // Later callers saw later bytes.
      waiting = undefined;
      setImmediate(() => {
        for (const ready of batch) ready();
      });
    });
  };
}

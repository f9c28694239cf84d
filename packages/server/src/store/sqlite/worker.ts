/**
 * A database thread: SQL and flushes happen here, so the thread that serves HTTP never waits for a disk. The
 * writer takes all that has arrived by the time it is free into one transaction.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Checkpointer } from './checkpointer.ts';
import { lockFolder } from './connection.ts';
import type { FromThread, ThreadData, ThreadError, ToThread } from './protocol.ts';
import { Reader } from './reader.ts';
import { encodeResults } from './result-codec.ts';
import type { Cell, StoredWork } from './stored.ts';
import { decodeBatch } from './work-codec.ts';
import { type BatchOutcome, Writer } from './writer.ts';

const port = parentPort as MessagePort;
const { role, path } = workerData as ThreadData;

type Call = ToThread & { kind: 'call' };
type Posted = ToThread & { kind: 'batch' };

/** One transaction takes no more than that: a longer one would keep its first caller waiting. */
const MAX_WORKS = 1000;

function send(message: FromThread): void {
  port.postMessage(message);
}

function toThreadError(error: unknown): ThreadError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  return { name: error.name, message: error.message, stack: error.stack };
}

function flatten(changes: ReadonlyMap<string, number>): Cell[] {
  const cells: Cell[] = [];
  for (const [queue, dueAt] of changes) cells.push(queue, dueAt);
  return cells;
}

function answer(call: Call, run: () => { value: unknown; changes?: ReadonlyMap<string, number> }): void {
  try {
    const { value, changes } = run();
    send({ kind: 'returned', id: call.id, value, changes: changes ? flatten(changes) : [] });
  } catch (error) {
    send({ kind: 'failed', ids: [call.id], error: toThreadError(error) });
  }
}

function runReader(): void {
  const reader = new Reader(path);
  let checkpointer: Checkpointer | undefined;
  port.on('message', (call: Call) => {
    if (call.method === 'close') {
      checkpointer?.close();
      reader.close();
      port.close();
      return;
    }
    if (call.method === 'checkpoint') {
      checkpointer ??= new Checkpointer(path);
      const made = checkpointer;
      answer(call, () => ({ value: made.checkpoint() }));
      return;
    }
    const method = reader[call.method as keyof Reader] as (...args: unknown[]) => unknown;
    answer(call, () => ({ value: method.apply(reader, [...call.args]) }));
  });
  send({ kind: 'opened', resources: [] });
}

function runWriter(): void {
  const lock = lockFolder(path);
  let writer: Writer;
  try {
    writer = new Writer(path);
  } catch (error) {
    lock.release();
    throw error;
  }

  /** Applies batches that arrived together in one transaction. */
  function execute(batches: readonly Posted[]): void {
    const ids = batches.map((batch) => batch.id);
    let outcome: BatchOutcome;
    try {
      const works: StoredWork[] = [];
      for (const batch of batches) works.push(...decodeBatch(batch.cells));
      outcome = writer.execute(works);
    } catch (error) {
      send({ kind: 'failed', ids, error: toThreadError(error) });
      return;
    }
    const cells: Cell[] = [];
    encodeResults(cells, outcome.results);
    send({ kind: 'done', ids, cells, changes: flatten(outcome.queueChanges) });
  }

  function call(message: Call): void {
    const { method, args } = message;
    answer(message, () => {
      switch (method) {
        case 'readDepth':
          return { value: writer.readDepth(...(args as [string, number])) };
        case 'readBooks':
          return { value: writer.readBooks(...(args as [string])) };
        case 'releaseHolders': {
          const { released, queueChanges } = writer.releaseHolders(...(args as [string[], number]));
          return { value: released, changes: queueChanges };
        }
        case 'pruneStep':
          return { value: writer.pruneStep(...(args as [number, number])) };
        case 'rollUp':
          return { value: writer.rollUp(...(args as Parameters<Writer['rollUp']>)) };
        case 'pragmas':
          return { value: writer.pragmas() };
        case 'inject':
          return { value: writer.inject(...(args as Parameters<Writer['inject']>)) };
        case 'resources':
          return { value: writer.resources() };
        case 'close':
          closed = true;
          writer.close();
          lock.release();
          port.close();
          return { value: undefined };
        default:
          throw new Error(`The writer knows no ${method}.`);
      }
    });
  }

  let closed = false;
  port.on('message', (first: ToThread) => {
    let batches: Posted[] = [];
    let works = 0;
    const flush = () => {
      if (batches.length > 0) execute(batches);
      batches = [];
      works = 0;
    };
    for (let next: ToThread | undefined = first; next; ) {
      if (next.kind === 'call') {
        flush();
        call(next);
        if (closed) return;
      } else {
        batches.push(next);
        works += next.works;
        if (works >= MAX_WORKS) flush();
      }
      next = receiveMessageOnPort(port)?.message as ToThread | undefined;
    }
    flush();
    sweepWhenFree();
  });

  let sweeping = false;
  /** Between messages, a little at a time. */
  function sweepWhenFree(): void {
    if (sweeping || writer.sweeperIdle) return;
    sweeping = true;
    setImmediate(() => {
      sweeping = false;
      if (closed) return;
      try {
        if (!writer.sweepStep()) return;
      } catch {
        // The disk is in trouble; the commit that clears or erases next tries again.
        return;
      }
      sweepWhenFree();
    });
  }

  send({ kind: 'opened', resources: writer.resources() });
  sweepWhenFree();
}

try {
  if (role === 'writer') runWriter();
  else runReader();
} catch (error) {
  send({ kind: 'refused', error: toThreadError(error) });
  port.close();
}

/** The main thread's end of one database thread: posts, and matches answers with questions. */
import { Worker } from 'node:worker_threads';
import { StoreInUse, StoreTooNew, StoreUnavailable } from '../store.ts';
import type { FromThread, Role, ThreadError, ToThread } from './protocol.ts';
import type { ResourceCells } from './resource-table.ts';
import type { Cell } from './stored.ts';

export interface ThreadEvents {
  /** Earliest instants, as pairs of queue and epoch ms. */
  readonly onQueueChanges: (changes: readonly Cell[]) => void;
  /** The thread is gone without having been asked; what it was asked has been rejected. */
  readonly onCrash: (error: Error) => void;
}

interface Question {
  /** Takes what it needs of the cells from `start`; returns where the next answer begins. */
  readonly resolve: (cells: readonly Cell[], start: number) => number;
  readonly reject: (error: Error) => void;
}

/** Sources run as they are, or as emitted JavaScript. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

export class DatabaseThread {
  readonly #worker: Worker;
  readonly #events: ThreadEvents;
  readonly #questions = new Map<number, Question>();
  readonly #calls = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #nextId = 1;
  #ended: Error | undefined;
  #closing = false;

  private constructor(worker: Worker, events: ThreadEvents) {
    this.#worker = worker;
    this.#events = events;
  }

  /** @throws StoreInUse, StoreTooNew, or what else kept the database from opening */
  static async start(
    role: Role,
    path: string,
    events: ThreadEvents,
  ): Promise<{ thread: DatabaseThread; resources: readonly ResourceCells[] }> {
    const worker = new Worker(new URL(`./worker.${EXTENSION}`, import.meta.url), {
      workerData: { role, path },
      name: `store-${role}`,
    });
    const thread = new DatabaseThread(worker, events);
    const resources = await new Promise<readonly ResourceCells[]>((resolve, reject) => {
      worker.on('message', (message: FromThread) => {
        if (message.kind === 'opened') resolve(message.resources);
        else if (message.kind === 'refused') reject(toError(message.error));
        else thread.#receive(message);
      });
      const end = (error: Error) => {
        reject(error);
        thread.#end(error);
      };
      worker.on('error', (error) => end(error as Error));
      worker.on('exit', () => end(new Error('The database thread ended.')));
    });
    return { thread, resources };
  }

  post(works: number, cells: Cell[], resolve: Question['resolve'], reject: Question['reject']): void {
    if (this.#ended) {
      reject(unavailable(this.#ended));
      return;
    }
    const id = this.#nextId++;
    this.#questions.set(id, { resolve, reject });
    this.#tell({ kind: 'batch', id, works, cells });
  }

  call<T>(method: string, ...args: unknown[]): Promise<T> {
    if (this.#ended) return Promise.reject(unavailable(this.#ended));
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      this.#tell({ kind: 'call', id, method, args });
    });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#closing = true;
    const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    this.#tell({ kind: 'call', id: this.#nextId++, method: 'close', args: [] });
    await exited;
  }

  #tell(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #receive(message: Exclude<FromThread, { kind: 'opened' | 'refused' }>): void {
    switch (message.kind) {
      case 'done': {
        // Before the callers go on: a loop that is told may find the work already begun.
        if (message.changes.length > 0) this.#events.onQueueChanges(message.changes);
        let at = 0;
        for (const id of message.ids) at = this.#take(id)?.resolve(message.cells, at) ?? at;
        break;
      }
      case 'failed': {
        for (const id of message.ids) {
          const question = this.#take(id) ?? this.#calls.get(id);
          this.#calls.delete(id);
          question?.reject(toError(message.error));
        }
        break;
      }
      case 'returned': {
        if (message.changes.length > 0) this.#events.onQueueChanges(message.changes);
        this.#calls.get(message.id)?.resolve(message.value as never);
        this.#calls.delete(message.id);
        break;
      }
    }
  }

  #take(id: number): Question | undefined {
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    return question;
  }

  #end(cause: Error): void {
    if (this.#ended) return;
    this.#ended = cause;
    for (const { reject } of [...this.#questions.values(), ...this.#calls.values()])
      reject(unavailable(cause));
    this.#questions.clear();
    this.#calls.clear();
    if (!this.#closing) this.#events.onCrash(cause);
  }
}

function unavailable(cause: Error): StoreUnavailable {
  return new StoreUnavailable(`The database thread is gone: ${cause.message}`, { cause });
}

function toError({ name, message, stack }: ThreadError): Error {
  if (name === 'StoreInUse') return new StoreInUse(message);
  if (name === 'StoreTooNew') return new StoreTooNew(message);
  const cause = Object.assign(new Error(message), { stack });
  return new StoreUnavailable(`The database failed: ${message}`, { cause });
}

/**
 * The engine on a real store and a virtual clock, with function runs that a test decides: for what cannot be
 * brought about with real processes (no slot for hours, a house that fails, a server that freezes for a while).
 */
import { join } from 'node:path';
import type { Outcome, RunReport, RunRequest } from '../../src/domain/invocation.ts';
import { balanceBooks, type Ledger } from '../../src/domain/journal.ts';
import { createRecord } from '../../src/domain/lambda-configuration.ts';
import {
  type EventInvokeConfigRecord,
  LAMBDA_COLLECTIONS,
  toValue,
} from '../../src/domain/lambda-function.ts';
import { FUNCTION_QUEUE_PREFIX } from '../../src/domain/lifecycle.ts';
import { QUEUES, queueArn, queueMessagesName } from '../../src/domain/sqs-queue.ts';
import { Engine } from '../../src/engine/engine.ts';
import { Activity } from '../../src/platform/activity.ts';
import { VirtualClock } from '../../src/platform/clock.ts';
import { createIds } from '../../src/platform/ids.ts';
import { SeededRandom } from '../../src/platform/random.ts';
import type { Executor } from '../../src/runtime/executor.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { type Entry, LEDGER_PREFIX, type Store, type Subject } from '../../src/store/store.ts';
import { atEnd, type Cleanup } from '../support/cleanup.ts';
import { tempFolder } from '../support/temp-folder.ts';

const PLACE = { region: 'us-east-1', accountId: '000000000000' };
const START_AT = Date.UTC(2030, 0, 1);
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const ROOM = 64;

export interface NodeOptions {
  readonly run: (request: RunRequest) => Outcome;
  readonly accountConcurrency?: number;
  /** Runs that the executor takes at a time; what finds neither room nor a slot is throttled. */
  readonly room?: number;
}

/** One server: an engine that can be frozen, as by a long pause of its process or a partition. */
export interface Node {
  readonly engine: Engine;
  freeze(): void;
  /** Goes on with what it was doing, not knowing that time has passed. */
  thaw(): void;
}

export interface EngineWorld {
  readonly clock: VirtualClock;
  readonly store: SqliteStore;
  readonly random: SeededRandom;
  startNode(options: NodeOptions): Promise<Node>;
  addFunction(name: string, config?: Omit<EventInvokeConfigRecord, 'lastModifiedAt'>): Promise<void>;
  /** Answers the request id; rejects when the event was not accepted. */
  accept(node: Node, functionName: string): Promise<string>;
  ledger(): Promise<Ledger>;
  read(requestId: string): Promise<{ subject: Subject; entries: Entry[] } | undefined>;
  /** Bodies and attributes in the dead-letter queue that every function has. */
  deadLetters(): Promise<readonly { requestId: string; code?: string; message?: string }[]>;
}

export async function createEngineWorld(t: Cleanup, seed: number): Promise<EngineWorld> {
  const random = new SeededRandom(seed);
  const activity = new Activity();
  const clock = new VirtualClock(START_AT, activity);
  const ids = createIds(clock, random);
  const store = await openSqliteStore({ path: join(await tempFolder(t), 'redrive.db'), activity });
  atEnd(t, () => store.close());
  const deadLetterArn = queueArn(PLACE.region, PLACE.accountId, 'dead-letters');
  await store.commit([
    {
      kind: 'put',
      collection: QUEUES,
      key: 'dead-letters',
      value: {
        name: 'dead-letters',
        arn: deadLetterArn,
        createdAt: 0,
        modifiedAt: 0,
        attributes: {},
        tags: {},
      },
    },
  ]);
  return {
    clock,
    store,
    random,
    async startNode(options) {
      const gate = new Gate();
      const engine = new Engine({
        store: freezable(store, gate),
        clock,
        ids,
        random,
        // A frozen node must not keep the clock of the others.
        activity: new Activity(),
        log: SILENT,
        executor: scriptedExecutor(gate, options),
        accountConcurrency: options.accountConcurrency,
      });
      await engine.start();
      atEnd(t, async () => {
        gate.open();
        await engine.stop();
      });
      return { engine, freeze: () => gate.close(), thaw: () => gate.open() };
    },
    async addFunction(name, config) {
      const record = createRecord(
        { name, ...PLACE, revisionId: ids.uuid(), lastModifiedAt: clock.now() },
        { codeSha256: '0'.repeat(64), codeSize: 1 },
        { runtime: 'nodejs24.x', handler: 'index.handler', role: 'role', deadLetterTargetArn: deadLetterArn },
      );
      await store.commit([
        { kind: 'put', collection: LAMBDA_COLLECTIONS.functions, key: name, value: toValue(record) },
        {
          kind: 'put',
          collection: LAMBDA_COLLECTIONS.eventInvokeConfigs,
          key: `${name}:$LATEST`,
          value: toValue({ ...config, lastModifiedAt: clock.now() }),
        },
      ]);
    },
    async accept({ engine }, functionName) {
      const requestId = ids.ordered();
      await engine.accept({
        requestId,
        functionName,
        functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}:$LATEST`,
        payload: '{"n":1}',
        source: 'Invoke',
      });
      return requestId;
    },
    async ledger() {
      const books = await store.readBooks(FUNCTION_QUEUE_PREFIX);
      assertPrefix(books.counters);
      return balanceBooks(books.counters, books.messages);
    },
    read: (requestId) => store.readSubject(requestId),
    async deadLetters() {
      const messages = await store.browse(queueMessagesName('dead-letters'), { limit: 100_000 });
      return messages.map((message) => {
        const text = JSON.stringify(message.attributes);
        const value = (name: string) =>
          new RegExp(`"${name}":\\{[^}]*"StringValue":"([^"]*)"`).exec(text)?.[1];
        return {
          requestId: value('RequestID') ?? '',
          code: value('ErrorCode'),
          message: value('ErrorMessage'),
        };
      });
    },
  };
}

function assertPrefix(counters: Readonly<Record<string, number>>): void {
  for (const name of Object.keys(counters)) {
    if (!name.startsWith(LEDGER_PREFIX)) throw new Error(`${name} is no counter of the ledger`);
  }
}

class Gate {
  #opened = Promise.resolve();
  #open: () => void = () => undefined;

  close(): void {
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open();
  }

  /** Resolves when the gate is open. */
  pass(): Promise<void> {
    return this.#opened;
  }
}

/** The store as a node sees it that may be frozen: what it asks for while frozen happens when it thaws. */
function freezable(store: Store, gate: Gate): Store {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (name === 'onQueueChange') {
        return (listener: (changes: never) => void) =>
          target.onQueueChange((changes) => void gate.pass().then(() => listener(changes as never)));
      }
      return (...args: unknown[]) => gate.pass().then(() => method(...args));
    },
  });
}

function scriptedExecutor(gate: Gate, { run, room = ROOM }: NodeOptions): Executor {
  let running = 0;
  return {
    async run(request) {
      running++;
      try {
        await gate.pass();
        const outcome = run(request);
        // The process ran; whether its server still lives to hear of it is another matter.
        await gate.pass();
        return outcome;
      } finally {
        running--;
      }
    },
    capacity: () => ({ runs: Math.max(0, room - running), concurrency: running, waiting: 0 }),
    limit: () => undefined,
    concurrency: () => running,
    retire: () => undefined,
    stop: async () => undefined,
    describe: () => ({
      environments: 0,
      busy: running,
      starting: 0,
      waiting: 0,
      isolation: { tier: 'unknown' },
    }),
  };
}

export function report(at: number): RunReport {
  return {
    durationMs: 1,
    billedMs: 1,
    maxMemoryMb: 1,
    environmentId: 'scripted',
    logGroup: '/aws/lambda/scripted',
    logStream: 'scripted',
    startedAt: at,
    endedAt: at,
  };
}

export const succeeded = (at: number): Outcome => ({
  kind: 'succeeded',
  payload: 'null',
  executedVersion: '$LATEST',
  report: report(at),
});

export const failed = (at: number): Outcome => ({
  kind: 'functionError',
  errorType: 'Error',
  errorMessage: 'scripted',
  payload: '{"errorType":"Error","errorMessage":"scripted"}',
  executedVersion: '$LATEST',
  report: report(at),
});

export const systemError: Outcome = { kind: 'systemError', message: 'scripted' };

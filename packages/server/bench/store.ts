/**
 * What the durable store can do on this machine: commits per second with the disk flushed, what the main thread
 * spends on each, whether a long queue slows it down, and how long a look takes.
 *
 *   node packages/server/bench/store.ts [pending messages, default 200000] [folder]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Activity } from '../src/platform/activity.ts';
import { RealClock } from '../src/platform/clock.ts';
import { createIds } from '../src/platform/ids.ts';
import { SystemRandom } from '../src/platform/random.ts';
import { openSqliteStore, type SqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import type { Unit } from '../src/store/store.ts';

const PENDING = Number(process.argv[2] ?? 200_000);
const CONCURRENCY = 64;
const RUN_UNITS = 60_000;
const BATCH = 10;
const QUEUE = 'function/arn:aws:lambda:us-east-1:000000000000:function:orders';
const TOPIC = 'arn:aws:lambda:us-east-1:000000000000:function:orders';
const PAYLOAD = JSON.stringify({ order: 'x'.repeat(1000) });

const clock = new RealClock();
const ids = createIds(clock, new SystemRandom());
const folder = mkdtempSync(join(process.argv[3] ?? tmpdir(), 'redrive-bench-'));
const path = join(folder, 'redrive.db');
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

function acceptUnit(): Unit {
  const at = clock.now();
  const subject = ids.ordered();
  return [
    {
      kind: 'open',
      subject,
      topic: TOPIC,
      at,
      payload: PAYLOAD,
      data: { functionName: 'orders', source: 'Invoke' },
    },
    { kind: 'append', subject, entries: [{ at, kind: 'accepted' }] },
    {
      kind: 'send',
      queue: QUEUE,
      message: { id: subject, subject, dueAt: at, sentAt: at, state: { attempts: 0 } },
    },
    { kind: 'count', counter: 'accepted', by: 1 },
  ];
}

interface Figures {
  readonly perSecond: number;
  /** CPU of the main thread for each, µs; the benchmark's own share included. */
  readonly mainUs: number;
  /** CPU of all other threads for each, µs: SQL, and the garbage collector's helpers. */
  readonly otherUs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Runs `step` until `total` are done, `concurrency` at a time; a step says how many it did. */
async function measure(total: number, concurrency: number, step: () => Promise<number>): Promise<Figures> {
  const latencies: number[] = [];
  let begun = 0;
  let done = 0;
  const cpu = process.threadCpuUsage();
  const allCpu = process.cpuUsage();
  const start = performance.now();
  const one = async () => {
    while (begun < total) {
      begun++;
      const from = performance.now();
      const did = await step();
      latencies.push(performance.now() - from);
      done += did;
      begun += did - 1;
      if (did === 0) return;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, one));
  const seconds = (performance.now() - start) / 1000;
  const used = process.threadCpuUsage(cpu);
  const all = process.cpuUsage(allCpu);
  latencies.sort((a, b) => a - b);
  return {
    perSecond: done / seconds,
    mainUs: (used.user + used.system) / done,
    otherUs: (all.user + all.system - used.user - used.system) / done,
    p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  };
}

function print(what: string, { perSecond, mainUs, otherUs, p50Ms, p99Ms }: Figures): void {
  const cells = [
    `${Math.round(perSecond).toLocaleString('en')}/s`.padStart(10),
    `main ${mainUs.toFixed(1)} µs`.padStart(14),
    `other ${otherUs.toFixed(1)} µs`.padStart(15),
    `p50 ${p50Ms.toFixed(2)} ms`.padStart(13),
    `p99 ${p99Ms.toFixed(2)} ms`.padStart(13),
    `rss ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MB`.padStart(11),
  ];
  console.log(`${what.padEnd(46)}${cells.join(' ')}`);
}

async function timed(what: string, run: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  await run();
  const first = performance.now() - start;
  const again = performance.now();
  await run();
  console.log(
    `${what.padEnd(46)}first ${first.toFixed(2)} ms, then ${(performance.now() - again).toFixed(2)} ms`,
  );
}

const accept = (store: SqliteStore, total = RUN_UNITS) =>
  measure(total, CONCURRENCY, async () => {
    await store.commit(acceptUnit());
    return 1;
  });

/** Receives and settles, as the engine does with events that succeed. */
const drain = (store: SqliteStore, total: number) =>
  measure(total, CONCURRENCY / BATCH, async () => {
    const messages = await store.receive({
      queue: QUEUE,
      max: BATCH,
      now: clock.now(),
      leaseMs: 60_000,
      holder: 'bench',
    });
    await Promise.all(
      messages.map((message) => {
        const at = clock.now();
        return store.commit([
          { kind: 'ack', receipt: message.receipt },
          {
            kind: 'append',
            subject: message.subject as string,
            entries: [
              { at, kind: 'attempt', data: { number: 1, outcome: 'succeeded', durationMs: 1.5 } },
              { at, kind: 'fate' },
            ],
            settle: { status: 'Succeeded' },
          },
        ]);
      }),
    );
    return messages.length;
  });

const send = (store: SqliteStore) =>
  measure(RUN_UNITS, CONCURRENCY, async () => {
    const at = clock.now();
    await store.commit([
      { kind: 'send', queue: 'sqs/jobs', message: { id: ids.uuid(), dueAt: at, sentAt: at, body: PAYLOAD } },
    ]);
    return 1;
  });

let store = await openSqliteStore({ path, activity: new Activity() });
await accept(store, 5000);
print('accept, empty queue', await accept(store));
await measure(1000, 1, async () => {
  await store.commit(acceptUnit());
  return 1;
}).then((figures) => print('accept, one at a time', figures));
print('receive + settle', await drain(store, RUN_UNITS + 6000));
print('send with a 1 KB body', await send(store));
if (PENDING > 0) {
  await accept(store, PENDING);
  print(`accept, ${PENDING.toLocaleString('en')} pending`, await accept(store));
  print(`receive + settle, ${PENDING.toLocaleString('en')} pending`, await drain(store, RUN_UNITS));
  await timed('readDepth', () => store.readDepth(QUEUE, clock.now()));
  await timed('readBooks', () => store.readBooks('function/'));
  await timed('readNextDue', () => store.readNextDue(''));
  await timed('listSubjects, newest 100', () => store.listSubjects({ limit: 100 }));
  await timed('browse 100', () => store.browse(QUEUE, { limit: 100 }));
  await timed('close and open', async () => {
    await store.close();
    store = await openSqliteStore({ path });
  });
  await timed('releaseHolders', () => store.releaseHolders([], clock.now()));
  await timed('audit', () => store.audit());
}
await store.close();
console.log(`database ${Math.round(statSync(path).size / 2 ** 20)} MB`);

/**
 * The executor by itself, with real function processes: cold starts, warm round trips, runs per second.
 * `node packages/server/bench/runtime.ts [runs]`. Prints one line a figure; compare on one machine only.
 */
import { availableParallelism } from 'node:os';
import type { FunctionSpec } from '../src/domain/invocation.ts';
import type { Executor } from '../src/runtime/executor.ts';
import { createHarness, type Harness } from '../test/runtime/harness.ts';

const TRIVIAL = 'export const handler = async () => "ok";';
const LOGGING = 'export const handler = async (event) => { console.log("got", event.n); return event; };';
const SLOW = 'export const handler = () => new Promise((resolve) => setTimeout(() => resolve("ok"), 50));';

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] as number;
}

function show(name: string, values: number[]): void {
  const sorted = values.toSorted((a, b) => a - b);
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((q) => quantile(sorted, q).toFixed(3));
  console.log(`${name.padEnd(44)} p50 ${p50} ms   p90 ${p90} ms   p99 ${p99} ms`);
}

async function measureCold(harness: Harness, name: string, rounds: number, spare: boolean): Promise<void> {
  const took: number[] = [];
  for (let i = 0; i < rounds; i++) {
    // A memory size of its own means a process that cannot have been started ahead.
    const spec = await harness.deploy({ 'index.mjs': TRIVIAL }, { memoryMb: spare ? 256 : 300 + i });
    const begin = performance.now();
    await harness.run(spec, {}, { urgent: true });
    took.push(performance.now() - begin);
    harness.executor.retire(spec.arn);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  show(name, took);
}

async function measureWarm(harness: Harness, rounds: number): Promise<void> {
  const spec = await harness.deploy({ 'index.mjs': TRIVIAL });
  const took: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const request = harness.request(spec, { n: i });
    const begin = performance.now();
    await harness.executor.run(request, { urgent: true });
    took.push(performance.now() - begin);
  }
  show('warm, one caller', took.slice(rounds / 4));
}

/** Keeps as many runs handed over as the executor asks for. */
async function drive(
  executor: Executor,
  harness: Harness,
  spec: FunctionSpec,
  runs: number,
): Promise<number> {
  let handed = 0;
  let done = 0;
  const begin = performance.now();
  await new Promise<void>((resolve) => {
    const fill = () => {
      for (let room = executor.capacity(spec).runs; room > 0 && handed < runs; room--) {
        handed++;
        void executor.run(harness.request(spec, { n: handed })).then(() => {
          done++;
          if (done === runs) resolve();
          else if (handed - done < 32) fill();
        });
      }
    };
    fill();
  });
  return runs / ((performance.now() - begin) / 1000);
}

async function measureThroughput(
  harness: Harness,
  name: string,
  source: string,
  runs: number,
): Promise<void> {
  const spec = await harness.deploy({ 'index.mjs': source });
  await drive(harness.executor, harness, spec, Math.min(runs, 500));
  harness.lines.length = 0;
  const perSecond = await drive(harness.executor, harness, spec, runs);
  harness.lines.length = 0;
  const { environments } = harness.executor.describe();
  console.log(`${name.padEnd(44)} ${Math.round(perSecond)} runs/s   (${environments} environments)`);
  harness.executor.retire(spec.arn);
}

const runs = Number(process.argv[2] ?? 20_000);
console.log(`node ${process.version}, ${availableParallelism()} processors`);
const harness = await createHarness();
try {
  await measureCold(harness, 'cold start, process from scratch', 15, false);
  await measureCold(harness, 'cold start, process started ahead', 15, true);
  await measureWarm(harness, 4_000);
  await measureThroughput(harness, 'throughput, trivial handler', TRIVIAL, runs);
  await measureThroughput(harness, 'throughput, handler that prints a line', LOGGING, runs);
  await measureThroughput(harness, 'throughput, handler of 50 ms', SLOW, 500);
} finally {
  await harness.close();
}

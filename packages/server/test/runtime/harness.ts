/** An executor with real processes, functions written as files in the test, and the log in memory. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { FunctionSpec, Outcome, RunRequest } from '../../src/domain/invocation.ts';
import { RealClock } from '../../src/platform/clock.ts';
import { createIds, type Ids } from '../../src/platform/ids.ts';
import { createLog } from '../../src/platform/log.ts';
import { SystemRandom } from '../../src/platform/random.ts';
import { createCodeStore } from '../../src/runtime/code-store.ts';
import type { CodeStore, Executor, RunOptions } from '../../src/runtime/executor.ts';
import { createExecutor, type ExecutorOptions } from '../../src/runtime/pool.ts';

export interface LoggedLine {
  readonly group: string;
  readonly stream: string;
  readonly text: string;
  readonly requestId: string | undefined;
}

export interface Harness {
  readonly executor: Executor;
  readonly codeStore: CodeStore;
  readonly ids: Ids;
  readonly lines: LoggedLine[];
  readonly dataDir: string;
  /** Stores the files and describes a function with them. */
  deploy(files: Record<string, string>, overrides?: Partial<FunctionSpec>): Promise<FunctionSpec>;
  request(spec: FunctionSpec, event?: unknown, overrides?: Partial<RunRequest>): RunRequest;
  run(spec: FunctionSpec, event?: unknown, options?: RunOptions): Promise<Outcome>;
  /** Text of the lines of one request. */
  logOf(requestId: string): string[];
  close(): Promise<void>;
}

export async function createHarness(
  overrides: Partial<ExecutorOptions> & { parentFolder?: string } = {},
): Promise<Harness> {
  const dataDir = await mkdtemp(join(overrides.parentFolder ?? tmpdir(), 'redrive-runtime-'));
  const clock = new RealClock();
  const random = new SystemRandom();
  const ids = createIds(clock, random);
  const codeStore = await createCodeStore(join(dataDir, 'code'));
  const lines: LoggedLine[] = [];
  const executor = createExecutor({
    codeStore,
    dataDir,
    clock,
    ids,
    random,
    log: createLog('warn'),
    endpoint: () => 'http://127.0.0.1:4566',
    logSink: {
      write(group, stream, written, requestId) {
        for (const { text } of written) lines.push({ group, stream, text, requestId });
      },
    },
    ...overrides,
  });
  let functions = 0;
  const harness: Harness = {
    executor,
    codeStore,
    ids,
    lines,
    dataDir,
    async deploy(files, specOverrides = {}) {
      const folder = await mkdtemp(join(dataDir, 'source-'));
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), content, { mode: content.startsWith('#!') ? 0o755 : 0o644 });
      }
      const { sha256 } = await codeStore.putFolder(folder);
      const name = specOverrides.name ?? `function-${++functions}`;
      return {
        name,
        arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
        version: '$LATEST',
        runtime: 'nodejs22.x',
        handler: 'index.handler',
        codeSha256: sha256,
        revisionId: ids.uuid(),
        timeoutMs: 3_000,
        memoryMb: 256,
        ephemeralStorageMb: 512,
        environment: {},
        region: 'us-east-1',
        accountId: '000000000000',
        logGroup: `/aws/lambda/${name}`,
        logFormat: 'Text',
        ...specOverrides,
      };
    },
    request(spec, event = {}, requestOverrides = {}) {
      return {
        requestId: ids.ordered(),
        spec,
        invokedFunctionArn: spec.arn,
        payload: JSON.stringify(event),
        ...requestOverrides,
      };
    },
    run: (spec, event, options) => executor.run(harness.request(spec, event), options),
    logOf: (requestId) => lines.filter((line) => line.requestId === requestId).map((line) => line.text),
    async close() {
      await executor.stop(0);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return harness;
}

/** The payload of a run that must have succeeded. */
export function payloadOf(outcome: Outcome): unknown {
  assert.equal(outcome.kind, 'succeeded', JSON.stringify(outcome));
  return JSON.parse((outcome as { payload: string }).payload);
}

/** The parsed error payload of a run that must have failed by the function's fault. */
export function errorOf(outcome: Outcome): Record<string, unknown> {
  assert.equal(outcome.kind, 'functionError', JSON.stringify(outcome));
  return JSON.parse((outcome as { payload: string }).payload) as Record<string, unknown>;
}

/** Looks every few milliseconds until `condition` holds; fails after `withinMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 5_000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Scenarios side by side, each in its own server; the results come in the order of the files. */
import { mkdir, mkdtemp, rmdir, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { formatHtml } from './report-html.ts';
import { formatJunit } from './report-junit.ts';
import { type Run, runScenario } from './run-scenario.ts';
import type { Scenario } from './scenario-schema.ts';

export interface RunAllOptions {
  /** Scenarios under way at once. */
  readonly parallel?: number;
  readonly seed?: number;
  /** Told of each as it ends. */
  readonly onEnd?: (run: Run) => void;
}

/** Servers and functions mostly wait for each other: two a core keep both busy. */
const PER_CORE = 2;

export async function runAll(
  scenarios: readonly Scenario[],
  { parallel = availableParallelism() * PER_CORE, seed, onEnd }: RunAllOptions = {},
): Promise<Run[]> {
  const tempDir = await mkdtemp(join(tmpdir(), 'redrive-scenarios-'));
  const runs: Run[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < scenarios.length; index = next++) {
      const run = await runScenario(scenarios[index] as Scenario, { tempDir, seed });
      runs[index] = run;
      onEnd?.(run);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, scenarios.length) }, worker));
  // What failed stays for a look.
  await rmdir(tempDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY') throw error;
  });
  return runs;
}

export async function writeReports(
  runs: readonly Run[],
  { junit, html }: { readonly junit?: string; readonly html?: string },
): Promise<void> {
  for (const [path, format] of [
    [junit, formatJunit],
    [html, formatHtml],
  ] as const) {
    if (path === undefined) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, format(runs));
  }
}

/** `redrive test`: scenarios on virtual clocks, expected against actual, and reports for CI. */
import { globSync, statSync, watch } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { readScenario } from '../scenario/read-scenario.ts';
import { formatFailure, formatVerdict } from '../scenario/report-text.ts';
import { runAll, writeReports } from '../scenario/run-all.ts';
import type { Run } from '../scenario/run-scenario.ts';
import type { Scenario } from '../scenario/scenario-schema.ts';
import { CliFailure, EXIT } from './failure.ts';
import { printable, printJson, printLine, remark } from './output.ts';

interface Options {
  readonly parallel?: string;
  readonly seed?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly watch?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** Where scenarios are looked for when none is named. */
const DEFAULT_PATTERN = '**/scenarios/*.{yaml,yml}';
/** Editors write a file in several steps. */
const SETTLE_MS = 100;

export function testCommand(): Command {
  return new Command('test')
    .description('run scenarios, each in a server of its own on a virtual clock')
    .argument('[files...]', `scenario files or folders (default: ${DEFAULT_PATTERN})`)
    .option('-p, --parallel <n>', 'scenarios at once (default: two a core)')
    .option('--seed <n>', 'in place of the seeds in the files')
    .option('--junit <path>', 'write JUnit XML')
    .option('--html <path>', 'write the plan as one page')
    .option('-v, --verbose', 'tell the story of those that pass too')
    .option('-w, --watch', 'run again when a file beside them changes')
    .option('--json', 'print JSON')
    .action(async (patterns: string[], options: Options) => {
      if (options.watch) return watchFiles(patterns, options);
      const runs = await runOnce(patterns, options);
      if (runs.some(({ passed }) => !passed)) process.exitCode = EXIT.failed;
    });
}

async function runOnce(patterns: readonly string[], options: Options): Promise<Run[]> {
  const scenarios = readAll(findFiles(patterns));
  const began = performance.now();
  const runs = await runAll(scenarios, {
    parallel: readCount('parallel', options.parallel, 1),
    seed: readCount('seed', options.seed, 0),
    onEnd: options.json ? undefined : (run) => printRun(run, options.verbose === true),
  });
  await writeReports(runs, options);
  const failed = runs.filter(({ passed }) => !passed).length;
  if (options.json) {
    printJson({
      passed: runs.length - failed,
      failed,
      scenarios: runs.map(({ scenario, passed, error, checks, timeline, tookMs, dataDir }) => ({
        name: scenario.name,
        file: scenario.file,
        passed,
        error,
        checks,
        timeline,
        tookMs,
        dataDir,
      })),
    });
  } else {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    remark(`${runs.length - failed} passed, ${failed} failed in ${seconds} s`);
  }
  return runs;
}

function printRun(run: Run, verbose: boolean): void {
  printLine(formatVerdict(run));
  const story = run.passed && verbose ? run.timeline : formatFailure(run);
  for (const line of story) printLine(`        ${printable(line)}`);
}

function findFiles(patterns: readonly string[]): string[] {
  const found = patterns.length === 0 ? glob(DEFAULT_PATTERN) : patterns.flatMap(expand);
  if (found.length === 0) {
    throw new CliFailure(`expected scenarios at ${DEFAULT_PATTERN}, found none`, EXIT.usage);
  }
  return [...new Set(found)].sort();
}

/** A folder stands for the scenarios right in it. */
function expand(pattern: string): string[] {
  const stats = statSync(pattern, { throwIfNoEntry: false });
  const found = stats?.isFile()
    ? [resolve(pattern)]
    : glob(stats?.isDirectory() ? `${pattern.replace(/\/$/, '')}/*.{yaml,yml}` : pattern);
  if (found.length === 0) throw new CliFailure(`${pattern}: expected scenarios, found none`, EXIT.usage);
  return found;
}

function glob(pattern: string): string[] {
  return globSync(pattern, { exclude: (name) => name.includes('node_modules') }).map((name) => resolve(name));
}

/** Every problem of every file at once. */
function readAll(files: readonly string[]): Scenario[] {
  const problems: string[] = [];
  const scenarios = files.flatMap((file) => {
    try {
      return readScenario(file, relative(process.cwd(), file));
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ScenarioError') throw error;
      problems.push(error.message);
      return [];
    }
  });
  if (problems.length > 0) throw new CliFailure(problems.join('\n'), EXIT.usage);
  return scenarios;
}

function readCount(flag: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < least) {
    throw new CliFailure(`--${flag}: expected a whole number from ${least}, found '${text}'`, EXIT.usage);
  }
  return count;
}

/** Until a signal: the files and the folders of the templates they name. */
async function watchFiles(patterns: readonly string[], options: Options): Promise<void> {
  for (;;) {
    const folders = new Set<string>();
    try {
      for (const { scenario } of await runOnce(patterns, options)) {
        folders.add(dirname(scenario.file));
        for (const template of scenario.templates) folders.add(dirname(template));
      }
    } catch (error) {
      if (!(error instanceof CliFailure)) throw error;
      for (const line of error.message.split('\n')) remark(`redrive: ${line}`);
      for (const file of findFiles(patterns)) folders.add(dirname(file));
    }
    remark('waiting for a change');
    await nextChange(folders);
  }
}

async function nextChange(folders: ReadonlySet<string>): Promise<void> {
  const { promise, resolve: changed } = Promise.withResolvers<void>();
  const watchers = [...folders].map((folder) => watch(folder, { recursive: true }, () => changed()));
  await promise;
  for (const watcher of watchers) watcher.close();
  await new Promise((settled) => setTimeout(settled, SETTLE_MS));
}

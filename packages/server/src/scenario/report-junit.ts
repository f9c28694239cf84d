/** JUnit's XML, as every CI reads it: a suite with one case for each scenario. */
import { relative } from 'node:path';
import { escapeMarkup } from './escape-markup.ts';
import { formatFailure } from './report-text.ts';
import type { Run } from './run-scenario.ts';

export function formatJunit(runs: readonly Run[]): string {
  const failures = runs.filter(({ passed }) => !passed).length;
  const seconds = (ms: number) => (ms / 1000).toFixed(3);
  const total = seconds(runs.reduce((sum, { tookMs }) => sum + tookMs, 0));
  const cases = runs.map((run) => {
    const { scenario, passed, tookMs } = run;
    const file = escapeMarkup(relative(process.cwd(), scenario.file));
    const head = `    <testcase name="${escapeMarkup(scenario.name)}" classname="${file}" file="${file}" time="${seconds(tookMs)}"`;
    if (passed) return `${head}/>`;
    const text = escapeMarkup(formatFailure(run).join('\n'));
    const message = escapeMarkup(run.error ?? 'not as expected');
    return `${head}>\n      <failure message="${message}">${text}</failure>\n    </testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${runs.length}" failures="${failures}" time="${total}">`,
    `  <testsuite name="redrive" tests="${runs.length}" failures="${failures}" time="${total}">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

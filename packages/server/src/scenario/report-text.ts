/** A run as text for people: what was expected, what was found, and the story behind it. */
import type { Run } from './run-scenario.ts';

export function formatVerdict({ passed, scenario, tookMs, checks }: Run): string {
  const count = `${checks.length} checks`;
  return `${passed ? 'ok  ' : 'FAIL'}  ${scenario.name}  (${count}, ${tookMs.toFixed(0)} ms)`;
}

/** Empty for a run that passed. */
export function formatFailure({ passed, checks, error, timeline, dataDir }: Run): string[] {
  if (passed) return [];
  return [
    ...(error === undefined ? [] : error.split('\n')),
    ...checks
      .filter((check) => !check.passed)
      .flatMap(({ what, expected, actual }) => [what, `  - expected ${expected}`, `  + found    ${actual}`]),
    ...(timeline.length === 0 ? [] : ['what happened:', ...timeline.map((line) => `  ${line}`)]),
    ...(dataDir === undefined ? [] : [`look inside: redrive start --clock virtual --data ${dataDir}`]),
  ];
}

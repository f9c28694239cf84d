/** The plan as one page that needs nothing else: case, what is proved, every expectation, pass or fail, the story. */
import { escapeMarkup } from './escape-markup.ts';
import type { Run } from './run-scenario.ts';

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--good:#1a7f37;--bad:#cf222e}
@media(prefers-color-scheme:dark){:root{--good:#3fb950;--bad:#f85149}}
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line)}
pre{overflow-x:auto;padding:.6rem;border:1px solid var(--line)}
.pass{color:var(--good)}.fail{color:var(--bad)}summary{cursor:pointer}td.verdict{white-space:nowrap;font-weight:600}`;

export function formatHtml(runs: readonly Run[]): string {
  const failed = runs.filter(({ passed }) => !passed).length;
  const verdict = failed === 0 ? `all ${runs.length} passed` : `${failed} of ${runs.length} failed`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Test plan: ${verdict}</title><style>${STYLE}</style></head>
<body><h1>Test plan</h1><p class="${failed === 0 ? 'pass' : 'fail'}">${verdict}</p>
<table><thead><tr><th>Outcome</th><th>Case</th><th>What is proved</th></tr></thead><tbody>
${runs.map(formatRun).join('\n')}
</tbody></table></body></html>
`;
}

function formatRun({ scenario, passed, checks, error, timeline, tookMs }: Run): string {
  const rows = checks.map(
    (check) =>
      `<tr><td class="${check.passed ? 'pass' : 'fail'}">${check.passed ? 'pass' : 'fail'}</td>` +
      `<td>${escapeMarkup(check.what)}</td><td>${escapeMarkup(check.expected)}</td><td>${escapeMarkup(check.actual)}</td></tr>`,
  );
  const word = passed ? 'pass' : 'fail';
  return `<tr><td class="verdict ${word}">${word}</td><td>${escapeMarkup(scenario.name)}<br><small>${tookMs.toFixed(0)} ms</small></td>
<td>${escapeMarkup(scenario.description)}${error === undefined ? '' : `<pre class="fail">${escapeMarkup(error)}</pre>`}
<details${passed ? '' : ' open'}><summary>${checks.length} expectations</summary>
<table><thead><tr><th></th><th>Expectation</th><th>Expected</th><th>Found</th></tr></thead><tbody>${rows.join('')}</tbody></table>
<pre>${escapeMarkup(timeline.join('\n'))}</pre></details></td></tr>`;
}

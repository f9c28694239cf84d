/** Which letters a command is about, and how its job is followed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlClient } from './control-client.ts';
import { formatProgress, type Job } from './dlq-format.ts';
import { CliFailure, EXIT } from './failure.ts';
import { printJson, printLine, remark } from './output.ts';

export type Selection =
  | { readonly kind: 'all' }
  | { readonly kind: 'group'; readonly fingerprint: string }
  | { readonly kind: 'messages'; readonly refs: readonly string[] };

export interface SelectionOptions {
  readonly group?: string;
  readonly all?: boolean;
}

/** Nothing is taken by default: what is meant must be said. */
export function selectionOf(refs: readonly string[], { group, all }: SelectionOptions): Selection {
  const said = [refs.length > 0, group !== undefined, all === true].filter(Boolean).length;
  if (said !== 1) {
    throw new CliFailure(
      `expected one of: letters by name, --group <id>, --all; found ${said === 0 ? 'none' : 'several'}`,
      EXIT.usage,
    );
  }
  if (refs.length > 0) return { kind: 'messages', refs };
  return group === undefined ? { kind: 'all' } : { kind: 'group', fingerprint: group };
}

const POLL_MS = 300;

/** Shows a job's progress until it ends. Interrupting stops the watching, not the job. */
export async function followJob(
  client: ControlClient,
  begun: Job,
  { detach, json }: { readonly detach?: boolean; readonly json?: boolean },
): Promise<void> {
  let job = begun;
  const terminal = process.stderr.isTTY && !json;
  const interrupted = () => {
    remark(`\nthe job goes on; 'redrive dlq jobs ${job.jobId} pause' pauses it`);
    process.exit(EXIT.failed);
  };
  process.once('SIGINT', interrupted);
  try {
    while (!detach && job.status === 'Running') {
      if (terminal) process.stderr.write(`\r\u001b[K${formatProgress(job)}`);
      await delay(POLL_MS);
      job = await client.get<Job>(`jobs/${job.jobId}`);
    }
  } finally {
    process.off('SIGINT', interrupted);
    if (terminal) process.stderr.write('\r\u001b[K');
  }
  if (json) printJson(job);
  else {
    printLine(`${job.jobId} ${job.status}: ${formatProgress(job)}`);
    if (job.statusReason) printLine(`  ${job.statusReason}`);
    for (const [reason, count] of Object.entries(job.refused)) printLine(`  ${count} × ${reason}`);
  }
  const wrong = job.status === 'Stopped' || job.status === 'Failed' || Object.keys(job.refused).length > 0;
  if (wrong && !detach) process.exitCode = EXIT.failed;
}

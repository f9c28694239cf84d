/** Dead letters and jobs as text. */
import type { z } from '@hono/zod-openapi';
import type { GroupBody, JobBody, LetterBody, LetterSummaryBody } from '../control/dead-letter-schemas.ts';
import { formatDuration } from '../platform/duration.ts';
import { formatInstant, formatTable, printable } from './output.ts';

export type Group = z.infer<typeof GroupBody>;
export type Letter = z.infer<typeof LetterBody>;
export type LetterSummary = z.infer<typeof LetterSummaryBody>;
export type Job = z.infer<typeof JobBody>;

const CLIP = 100;

export function clip(text: string, length = CLIP): string {
  const line = printable(text.split('\n', 1)[0] ?? '');
  return line.length > length ? `${line.slice(0, length)}…` : line;
}

export function formatGroups(groups: readonly Group[]): string {
  return formatTable(
    ['GROUP', 'COUNT', 'FIRST SEEN', 'LAST SEEN', 'FROM', 'FAILURE'],
    groups.map((group) => [
      group.fingerprint,
      String(group.count),
      formatInstant(group.firstSeenAt),
      formatInstant(group.lastSeenAt),
      Object.keys(group.sources).join(', '),
      clip(`${group.type}: ${group.message}${group.frames[0] ? ` at ${group.frames[0]}` : ''}`),
    ]),
  );
}

export function formatLetters(letters: readonly LetterSummary[]): string {
  return formatTable(
    ['MESSAGE', 'DEAD SINCE', 'REQUEST ID', 'FAILURE', 'PAYLOAD'],
    letters.map((letter) => [
      letter.ref,
      formatInstant(letter.deadLetteredAt),
      letter.requestId ?? '',
      clip(`${letter.errorType}: ${letter.errorMessage}`, 60),
      clip(letter.preview, 60),
    ]),
  );
}

export function formatLetter(letter: Letter): string {
  const lines = [`${letter.ref}  ${letter.messageId}`];
  const fact = (name: string, value: string | number | undefined) => {
    if (value !== undefined && value !== '') lines.push(`  ${name.padEnd(12)} ${printable(String(value))}`);
  };
  const origin =
    letter.origin && ('functionName' in letter.origin ? letter.origin.functionName : letter.origin.arn);
  fact('event', letter.requestId);
  fact('from', origin);
  fact('version', letter.version);
  fact('dead since', formatInstant(letter.deadLetteredAt));
  fact('condition', letter.condition);
  fact('attempts', letter.attempts);
  fact('failure', `${letter.errorType}: ${letter.errorMessage}`);
  for (const frame of letter.frames) fact('', `at ${frame}`);
  fact('group', letter.fingerprint);
  if (letter.held) fact('held', 'a consumer has it, or it is delayed');
  for (const edit of letter.edits) fact('edited', `${formatInstant(edit.at)} by ${edit.by}`);
  lines.push('', pretty(letter.payload));
  return lines.join('\n');
}

/** JSON with indentation, or the text as it is. */
export function pretty(text: string): string {
  try {
    return printable(JSON.stringify(JSON.parse(text), null, 2));
  } catch {
    // Not JSON.
    return printable(text);
  }
}

export function formatJobs(jobs: readonly Job[]): string {
  return formatTable(
    ['JOB', 'WHAT', 'QUEUE', 'STATUS', 'MOVED', 'OF', 'BY', 'STARTED'],
    jobs.map((job) => [
      job.jobId,
      job.action,
      job.queue,
      job.status,
      String(job.moved),
      String(job.total),
      job.by,
      formatInstant(job.startedAt),
    ]),
  );
}

/** `redriven 120 of 500 · 3 failed again · 2 left`. */
export function formatProgress(job: Job): string {
  const parts = [`${job.action === 'discard' ? 'discarded' : 'redriven'} ${job.moved} of ${job.total}`];
  if (job.succeeded > 0) parts.push(`${job.succeeded} succeeded`);
  if (job.failed > 0) parts.push(`${job.failed} failed again`);
  const left = job.skipped + Object.values(job.refused).reduce((sum, count) => sum + count, 0);
  if (left > 0) parts.push(`${left} left where they were`);
  if (job.endedAt !== undefined) parts.push(`in ${formatDuration(job.endedAt - job.startedAt)}`);
  return parts.join(' · ');
}

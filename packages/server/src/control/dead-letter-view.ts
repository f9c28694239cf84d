/** Dead letters and jobs as the control API shows them. */
import type { z } from '@hono/zod-openapi';
import { type DeadLetterState, readDeadLetter } from '../domain/dead-letter.ts';
import { type DeadLetterJob, formatRef } from '../domain/dead-letter-job.ts';
import type { SqsMessageAttributes } from '../domain/sqs-message.ts';
import type { Message } from '../store/store.ts';
import type { JobBody, LetterBody, LetterSummaryBody } from './dead-letter-schemas.ts';

const PREVIEW = 200;

export function summarizeLetter(message: Message, now: number): z.infer<typeof LetterSummaryBody> {
  const letter = readDeadLetter(message);
  return {
    ref: formatRef(message),
    messageId: message.id,
    kind: letter.kind,
    requestId: letter.requestId,
    origin: letter.origin,
    fingerprint: letter.fingerprint.id,
    errorType: letter.fingerprint.type,
    errorMessage: letter.failure.message,
    condition: letter.condition,
    attempts: letter.attempts,
    version: letter.version,
    deadLetteredAt: letter.deadLetteredAt,
    sentAt: message.sentAt,
    receiveCount: message.receiveCount,
    groupId: message.group,
    held: message.dueAt > now,
    edited: message.state.edited !== undefined,
    size: message.body.length,
    preview: letter.payload.slice(0, PREVIEW),
  };
}

export function viewLetter(message: Message, now: number): z.infer<typeof LetterBody> {
  const letter = readDeadLetter(message);
  const { edited } = message.state as DeadLetterState;
  return {
    ...summarizeLetter(message, now),
    payload: letter.payload,
    body: message.body,
    messageAttributes: { ...(message.attributes as SqsMessageAttributes).messageAttributes },
    frames: [...letter.fingerprint.frames],
    trace: letter.failure.trace && [...letter.failure.trace],
    statusCode: letter.statusCode,
    original: edited && readDeadLetter({ ...message, body: edited.original }).payload,
    edits: edited?.edits ?? [],
  };
}

export function viewJob(job: DeadLetterJob): z.infer<typeof JobBody> {
  const { undecided, cursor, nextRef, scanned, ...shown } = job;
  return { ...shown, watching: undecided.length };
}

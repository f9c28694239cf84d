/** The control API as the console calls it. Its shapes are the server's own schemas. */
import type { z } from 'zod';
import type { AlarmBody, AlarmHistoryBody, TopicBody } from '../../server/src/control/alarms.ts';
import type { AuditEntryBody } from '../../server/src/control/audit.ts';
import type {
  GroupBody,
  JobBody,
  LetterBody,
  LetterSummaryBody,
  SelectionBody,
} from '../../server/src/control/dead-letter-schemas.ts';
import type { DeadLetterQueueBody } from '../../server/src/control/dead-letters.ts';
import type { ChainBody } from '../../server/src/control/event-context.ts';
import type { FunctionBody, FunctionDetailBody } from '../../server/src/control/functions.ts';
import type { OverviewBody } from '../../server/src/control/overview.ts';
import type { QueueBody } from '../../server/src/control/queues.ts';
import type { EventBody, EventListBody } from '../../server/src/control/schemas.ts';

export type Alarm = z.infer<typeof AlarmBody>;
export type AlarmHistoryItem = z.infer<typeof AlarmHistoryBody>;
export type Topic = z.infer<typeof TopicBody>;
export type AuditEntry = z.infer<typeof AuditEntryBody>;
export type DeadLetterQueue = z.infer<typeof DeadLetterQueueBody>;
export type Group = z.infer<typeof GroupBody>;
export type Job = z.infer<typeof JobBody>;
export type Letter = z.infer<typeof LetterBody>;
export type LetterSummary = z.infer<typeof LetterSummaryBody>;
export type Selection = z.infer<typeof SelectionBody>;
export type Chain = z.infer<typeof ChainBody>;
export type FunctionInfo = z.infer<typeof FunctionBody>;
export type FunctionDetail = z.infer<typeof FunctionDetailBody>;
export type Overview = z.infer<typeof OverviewBody>;
export type QueueInfo = z.infer<typeof QueueBody>;
export type EventDetail = z.infer<typeof EventBody>;
export type EventItem = z.infer<typeof EventListBody>;
export type Fate = NonNullable<EventItem['fate']>;

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const API = '/_redrive/api';

let csrf: string | undefined;

/** Sent with every change: proof that a page of ours asks, not one that only rides on the session's cookie. */
export function setCsrf(token: string | undefined): void {
  csrf = token;
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`${API}/${path}`, {
      method,
      headers: {
        'x-redrive-operator': 'console',
        ...(csrf !== undefined && { 'x-redrive-csrf': csrf }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, 'Unreachable', 'The server does not answer. Is it running?');
  }
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as T;
  let refusal: { error?: { code?: string; message?: string } } = {};
  try {
    refusal = JSON.parse(text);
  } catch {
    // Something between us and the server answered.
  }
  throw new ApiError(
    response.status,
    refusal.error?.code ?? 'Error',
    refusal.error?.message ?? `The server answered ${response.status}.`,
  );
}

export const get = <T>(path: string): Promise<T> => call('GET', path);
export const post = <T>(path: string, body?: unknown): Promise<T> => call('POST', path, body);
export const put = <T>(path: string, body: unknown): Promise<T> => call('PUT', path, body);

/** A query string of what is not empty; nothing when all is. */
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  return entries.length === 0
    ? ''
    : `?${new URLSearchParams(entries.map(([name, value]): [string, string] => [name, String(value)]))}`;
}

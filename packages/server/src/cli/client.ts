/**
 * The server as the commands see it: the control API, and the AWS calls they need, over plain HTTP.
 * A server that is not there, or an answer that is an error, becomes a CliFailure in words.
 */

import type { AuditReport } from '../store/store.ts';
import { basicAuthorization, signRequest } from './credentials.ts';
import { CliFailure, EXIT } from './failure.ts';

export interface TimelineEntry {
  readonly at: number;
  readonly kind: string;
  readonly data?: Readonly<Record<string, unknown>>;
}
export interface AttemptInfo {
  readonly number: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: string;
  /** Handler time in real milliseconds. */
  readonly durationMs?: number;
  readonly errorType?: string;
  readonly errorMessage?: string;
}
/** One accepted event. Instants are epoch ms. */
export interface EventInfo {
  readonly requestId: string;
  readonly functionArn: string;
  readonly acceptedAt: number;
  /** Absent while the event is pending. */
  readonly fate?: { readonly kind: string; readonly reason?: string; readonly at: number };
}
export interface EventDetail extends EventInfo {
  readonly attempts: readonly AttemptInfo[];
  readonly timeline?: readonly TimelineEntry[];
  readonly payload?: string;
}
export interface LedgerInfo {
  readonly accepted: number;
  readonly pending: number;
  readonly fates: Readonly<Record<string, number>>;
  readonly unaccounted: number;
}
interface LedgerProof extends Pick<AuditReport, 'lost' | 'drift'> {
  readonly balanced: boolean;
  readonly ledger: LedgerInfo;
}
interface EventFilter {
  readonly function?: string;
  readonly fate?: string;
  readonly from?: number;
  readonly to?: number;
  readonly limit?: number;
}

/** How an AWS JSON service is addressed. */
const JSON_SERVICES = {
  sqs: { target: 'AmazonSQS', version: '1.0' },
  logs: { target: 'Logs_20140328', version: '1.1' },
  cloudwatch: { target: 'GraniteServiceVersion20100801', version: '1.0', signingName: 'monitoring' },
} as const;

interface JsonService {
  readonly target: string;
  readonly version: string;
  /** In the scope of signatures, where it is another name. */
  readonly signingName?: string;
}

/** Longest wait for an answer; a synchronous invocation may take 15 minutes. */
const TIMEOUT_MS = 16 * 60_000;

export interface Client {
  readonly endpoint: string;
  readEvent(requestId: string): Promise<EventDetail | undefined>;
  listEvents(filter: EventFilter): Promise<EventInfo[]>;
  readLedger(): Promise<LedgerInfo>;
  /** Has the server recount its stored rows. */
  verifyLedger(): Promise<LedgerProof>;
  /** The server's time, and whether it stands still until told. */
  readClock(): Promise<{ now: number; virtual: boolean }>;
  advanceClock(by: string): Promise<{ now: number }>;
  // biome-ignore lint/suspicious/noExplicitAny: answers are read member by member
  callAws(service: keyof typeof JSON_SERVICES, operation: string, input: object): Promise<any>;
  invoke(request: InvokeRequest): Promise<InvokeAnswer>;
  listFunctions(): Promise<{ FunctionName: string; Runtime?: string }[]>;
}

interface InvokeRequest {
  readonly functionName: string;
  readonly qualifier?: string;
  readonly payload: string;
  readonly type: 'RequestResponse' | 'Event' | 'DryRun';
}
interface InvokeAnswer {
  readonly status: number;
  readonly requestId: string;
  readonly functionError?: string;
  readonly executedVersion?: string;
  readonly logTail?: string;
  readonly payload: string;
}

export function createClient(endpoint: string): Client {
  async function send(
    path: string,
    init: { method?: string; body?: string; headers?: Record<string, string>; service?: string } = {},
  ): Promise<Response> {
    const url = new URL(path, endpoint);
    const method = init.method ?? (init.body === undefined ? 'GET' : 'POST');
    const body = init.body ?? '';
    const headers = init.service
      ? signRequest({ method, url, body, service: init.service, headers: init.headers ?? {} })
      : (init.headers ?? {});
    try {
      return await fetch(url, {
        method,
        headers,
        body: method === 'GET' ? undefined : body,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (cause) {
      throw unreachable(endpoint, cause);
    }
  }

  async function control<T>(path: string, body?: object): Promise<T | undefined> {
    const response = await send(`/_redrive/api/${path}`, {
      body: body && JSON.stringify(body),
      headers: {
        accept: 'application/json',
        ...(body && { 'content-type': 'application/json' }),
        ...basicAuthorization(process.env),
      },
    });
    if (response.status === 404 && !body) return undefined;
    const text = await response.text();
    if (!response.ok) throw new CliFailure(describeError(response, text));
    return parseAnswer(endpoint, text) as T;
  }

  async function mustControl<T>(path: string, body?: object): Promise<T> {
    const found = await control<T>(path, body);
    if (found === undefined) throw notRedrive(endpoint);
    return found;
  }

  return {
    endpoint,
    readEvent: (requestId) => control(`events/${encodeURIComponent(requestId)}`),
    async listEvents(filter) {
      const query = new URLSearchParams();
      for (const [key, value] of Object.entries(filter)) {
        if (value !== undefined) query.set(key, String(value));
      }
      const { events } = await mustControl<{ events: EventInfo[] }>(`events?${query}`);
      return events;
    },
    readLedger: () => mustControl('ledger'),
    verifyLedger: () => mustControl('ledger/verify'),
    readClock: () => mustControl('clock'),
    advanceClock: (by) => mustControl('clock/advance', { by }),

    async callAws(service, operation, input) {
      const { target, version, signingName = service }: JsonService = JSON_SERVICES[service];
      const response = await send('/', {
        body: JSON.stringify(input),
        service: signingName,
        headers: {
          'content-type': `application/x-amz-json-${version}`,
          'x-amz-target': `${target}.${operation}`,
        },
      });
      const text = await response.text();
      if (!response.ok) throw new CliFailure(`${operation}: ${describeError(response, text)}`);
      return text === '' ? {} : parseAnswer(endpoint, text);
    },

    async invoke({ functionName, qualifier, payload, type }) {
      const query = qualifier === undefined ? '' : `?Qualifier=${encodeURIComponent(qualifier)}`;
      const path = `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations${query}`;
      const response = await send(path, {
        method: 'POST',
        body: payload,
        service: 'lambda',
        headers: {
          'x-amz-invocation-type': type,
          ...(type === 'RequestResponse' && { 'x-amz-log-type': 'Tail' }),
        },
      });
      const text = await response.text();
      if (!response.ok) throw new CliFailure(`Invoke: ${describeError(response, text)}`);
      const header = (name: string) => response.headers.get(name) ?? undefined;
      const tail = header('x-amz-log-result');
      return {
        status: response.status,
        requestId: header('x-amzn-requestid') ?? '',
        functionError: header('x-amz-function-error'),
        executedVersion: header('x-amz-executed-version'),
        logTail: tail && Buffer.from(tail, 'base64').toString(),
        payload: text,
      };
    },

    async listFunctions() {
      const response = await send('/2015-03-31/functions/', { service: 'lambda' });
      const text = await response.text();
      if (!response.ok) throw new CliFailure(`ListFunctions: ${describeError(response, text)}`);
      const answer = parseAnswer(endpoint, text) as { Functions?: { FunctionName: string }[] };
      return answer.Functions ?? [];
    },
  };
}

export function parseAnswer(endpoint: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CliFailure(
      `${endpoint} answered something that is not JSON; is it a Redrive server?`,
      EXIT.failed,
      {
        cause,
      },
    );
  }
}

/** AWS and the control API put the message under different names. */
export function describeError(response: Response, text: string): string {
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    const inner = (body.error ?? body) as Record<string, unknown>;
    const code = String(response.headers.get('x-amzn-errortype') ?? inner.__type ?? inner.code ?? '')
      .replace(/^.*#/, '')
      .replace(/:.*$/, '');
    const message = inner.message ?? inner.Message ?? text;
    // A refused signature comes with a page of what it should have been; the first paragraph says it.
    const shown = typeof message === 'string' ? message.split('\n\n', 1)[0] : JSON.stringify(message);
    return [code, shown].filter(Boolean).join(': ');
  } catch {
    // Not JSON: an error page of something else, shown as far as a line goes.
    return text.slice(0, 200);
  }
}

function notRedrive(endpoint: string): CliFailure {
  return new CliFailure(
    `${endpoint} answers, but has no Redrive control API; check --endpoint`,
    EXIT.unreachable,
  );
}

export function unreachable(endpoint: string, cause: unknown): CliFailure {
  if (cause instanceof Error && cause.name === 'TimeoutError') {
    return new CliFailure(`${endpoint} gave no answer in time`, EXIT.unreachable, { cause });
  }
  // fetch() says only that it failed; why is in the cause of its error.
  const why = (cause as { cause?: { code?: string; message?: string } }).cause;
  const reason =
    why?.code === 'ECONNREFUSED' ? 'nothing listens there' : (why?.code ?? why?.message ?? String(cause));
  return new CliFailure(
    `No server at ${endpoint} (${reason}). Start one with 'redrive start', or name another with --endpoint or REDRIVE_ENDPOINT.`,
    EXIT.unreachable,
    { cause },
  );
}

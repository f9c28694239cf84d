/** The control API as commands call it: typed by its schemas, refusals as CliFailures, streams as they come. */
import { userInfo } from 'node:os';
import { describeError, parseAnswer, unreachable } from './client.ts';
import { basicAuthorization } from './credentials.ts';
import { CliFailure } from './failure.ts';

export interface ControlClient {
  readonly endpoint: string;
  get<T>(path: string): Promise<T>;
  send<T>(method: 'POST' | 'PUT', path: string, body?: unknown): Promise<T>;
  /** For bodies that are not JSON, in either direction. */
  open(path: string, init?: RequestInit): Promise<Response>;
  /** Server-sent events until the stream ends or `signal` says so. */
  listen(path: string, signal?: AbortSignal): AsyncGenerator<{ event: string; data: string }>;
}

export function createControlClient(endpoint: string): ControlClient {
  async function open(path: string, init: RequestInit = {}): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(new URL(`/_redrive/api/${path}`, endpoint), {
        ...init,
        headers: {
          'x-redrive-operator': operator(),
          ...basicAuthorization(process.env),
          ...(init.headers as Record<string, string>),
        },
      });
    } catch (cause) {
      throw unreachable(endpoint, cause);
    }
    if (!response.ok) throw new CliFailure(describeError(response, await response.text()));
    return response;
  }

  async function json<T>(path: string, init?: RequestInit): Promise<T> {
    return parseAnswer(endpoint, await (await open(path, init)).text()) as T;
  }

  return {
    endpoint,
    open,
    get: (path) => json(path),
    send: (method, path, body) =>
      json(path, {
        method,
        ...(body !== undefined && {
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        }),
      }),
    async *listen(path, signal) {
      const response = await open(path, { signal });
      const decoder = new TextDecoder();
      let rest = '';
      for await (const chunk of response.body ?? []) {
        const parts = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n\n');
        rest = parts.pop() as string;
        for (const part of parts) {
          const event = /^event: ?(.*)$/m.exec(part)?.[1] ?? 'message';
          const data = [...part.matchAll(/^data: ?(.*)$/gm)].map((match) => match[1]).join('\n');
          yield { event, data };
        }
      }
    },
  };
}

/** The name that an open server writes into its audit trail. */
function operator(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without a name, as in some containers.
    return 'unnamed';
  }
}

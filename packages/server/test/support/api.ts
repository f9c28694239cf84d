/** The control API for tests: JSON in, JSON out, statuses checked. */
import assert from 'node:assert/strict';

export interface Api {
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers member by member
  get(path: string, status?: number): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers member by member
  post(path: string, body?: unknown, status?: number): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers member by member
  put(path: string, body: unknown, status?: number): Promise<any>;
}

export function createApi(endpoint: string, headers: Readonly<Record<string, string>> = {}): Api {
  const call = async (method: string, path: string, body: unknown, status: number) => {
    const response = await fetch(`${endpoint}/_redrive/api${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    assert.equal(response.status, status, `${method} ${path}: ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  return {
    get: (path, status = 200) => call('GET', path, undefined, status),
    post: (path, body, status = 200) => call('POST', path, body, status),
    put: (path, body, status = 200) => call('PUT', path, body, status),
  };
}

/** What a handler learns of its request beside the input. Costly parts are made when first asked for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestContext } from './operation.ts';
import type { Credential } from './sigv4-authorization.ts';
import type { WireName } from './wire.ts';

export class Context implements RequestContext {
  readonly requestId: string;
  readonly region: string;
  readonly accountId: string;
  wire: WireName = 'json';
  /** Set by the handler; sent with the reply whether it succeeds or not. */
  extraHeaders: Record<string, string> | undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** As the request names it; verified only when the server asks for signatures. */
  readonly credential: Credential | undefined;
  #abort: AbortController | undefined;

  constructor(
    defaults: { readonly region: string; readonly accountId: string },
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    credential: Credential | undefined,
  ) {
    this.requestId = requestId;
    this.region = credential?.region || defaults.region;
    this.accountId = defaults.accountId;
    this.#request = request;
    this.#response = response;
    this.credential = credential;
  }

  get accessKeyId(): string | undefined {
    return this.credential?.accessKeyId;
  }

  get callerArn(): string {
    const name = this.credential ? `user/${this.credential.accessKeyId}` : 'root';
    return `arn:aws:iam::${this.accountId}:${name}`;
  }

  get sourceIp(): string {
    return this.#request.socket.remoteAddress ?? '';
  }

  get origin(): string {
    const forwarded = this.#request.headers['x-forwarded-proto'];
    const encrypted = 'encrypted' in this.#request.socket;
    const scheme = encrypted || forwarded === 'https' ? 'https' : 'http';
    return `${scheme}://${this.#request.headers.host ?? 'localhost'}`;
  }

  get traceHeader(): string | undefined {
    const value = this.#request.headers['x-amzn-trace-id'];
    return typeof value === 'string' ? value : undefined;
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = new AbortController();
      this.#abort = abort;
      if (this.#response.destroyed) abort.abort();
      else {
        this.#response.once('close', () => {
          if (!this.#response.writableFinished) abort.abort();
        });
      }
    }
    return this.#abort.signal;
  }

  setHeader(name: string, value: string): void {
    this.extraHeaders ??= {};
    this.extraHeaders[name] = value;
  }
}

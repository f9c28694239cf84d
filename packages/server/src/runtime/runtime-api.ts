/**
 * AWS's Runtime API (2018-06-01) for runtimes that bring their own bootstrap: the conversation of frames.ts over
 * HTTP. Every environment has its own port on the loopback address, so a request needs no further name.
 * Source: AWS "Using the Lambda runtime API for custom runtimes"; aws-lambda-runtime-interface-emulator.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAX_RESPONSE_BYTES } from './failures.ts';
import {
  BEGIN,
  END,
  END_ERROR,
  END_TOO_LARGE,
  INIT_ERROR,
  type ProcessFrame,
  READY,
  type RunFrame,
} from './frames.ts';
import type { FunctionProcess } from './process.ts';
import type { Session, SessionListener } from './session.ts';

const PREFIX = '/2018-06-01/runtime/';

/** The API without its process: started first, for the process must be told the port. */
export class RuntimeApi {
  readonly #server: Server;
  #take: ((frame: ProcessFrame) => void) | undefined;
  #early: ProcessFrame[] = [];
  /** The runtime waits for a run. */
  #asking: ServerResponse | undefined;
  #ready = false;
  #waiting: RunFrame[] = [];
  #current: { readonly run: RunFrame; readonly beganAt: number } | undefined;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
    // A runtime may wait for its next run for as long as it likes.
    this.#server.requestTimeout = 0;
    this.#server.keepAliveTimeout = 0;
  }

  static async start(): Promise<RuntimeApi> {
    const api = new RuntimeApi();
    await new Promise<void>((resolve, reject) => {
      api.#server.once('error', reject);
      api.#server.listen(0, '127.0.0.1', resolve);
    });
    return api;
  }

  /** `127.0.0.1:40123`, as AWS_LAMBDA_RUNTIME_API has it. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  listen(take: (frame: ProcessFrame) => void): void {
    this.#take = take;
    for (const frame of this.#early.splice(0)) take(frame);
  }

  send(runs: readonly RunFrame[]): void {
    this.#waiting.push(...runs);
    this.#serve();
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #tell(frame: ProcessFrame): void {
    if (this.#take) this.#take(frame);
    else this.#early.push(frame);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const rest = path.startsWith(PREFIX) ? path.slice(PREFIX.length) : '';
    if (request.method === 'GET' && rest === 'invocation/next') return this.#onNext(response);
    if (request.method === 'POST') {
      if (rest === 'init/error') return this.#onInitError(request, response);
      const [, id, what] = /^invocation\/([^/]+)\/(response|error)$/.exec(rest) ?? [];
      if (id !== undefined)
        return this.#onAnswer(request, response, decodeURIComponent(id), what === 'error');
    }
    refuse(
      response,
      404,
      'NotFound',
      `${request.method} ${path} is no operation of the Runtime API 2018-06-01`,
    );
  }

  #onNext(response: ServerResponse): void {
    this.#asking = response;
    response.on('close', () => {
      if (this.#asking === response) this.#asking = undefined;
    });
    if (!this.#ready) {
      this.#ready = true;
      this.#tell({ type: READY, rssKb: 0 });
    }
    this.#serve();
  }

  #serve(): void {
    const response = this.#asking;
    if (!response || this.#current) return;
    const run = this.#waiting.shift();
    if (!run) return;
    this.#asking = undefined;
    this.#current = { run, beganAt: performance.now() };
    // Real time: the runtime compares it with its own clock.
    const deadline = Date.now() + run.timeoutMs;
    const headers: Record<string, string> = {
      'Content-Type': 'application/json',
      'Lambda-Runtime-Aws-Request-Id': run.requestId,
      'Lambda-Runtime-Deadline-Ms': String(deadline),
      'Lambda-Runtime-Invoked-Function-Arn': run.invokedFunctionArn,
      'Content-Length': String(Buffer.byteLength(run.payload)),
    };
    if (run.traceHeader !== '') headers['Lambda-Runtime-Trace-Id'] = run.traceHeader;
    if (run.clientContext !== '') headers['Lambda-Runtime-Client-Context'] = headerOf(run.clientContext);
    this.#tell({ type: BEGIN, sequence: run.sequence });
    response.writeHead(200, headers).end(run.payload);
  }

  async #onAnswer(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    isError: boolean,
  ): Promise<void> {
    const current = this.#current;
    if (!current) {
      const to = isError ? 'InvocationErrorResponse' : 'InvocationResponse';
      return refuse(
        response,
        403,
        'InvalidStateTransition',
        `State transition from Ready to ${to} failed for runtime. Error: State transition is not allowed`,
      );
    }
    if (current.run.requestId !== requestId) {
      return refuse(response, 400, 'InvalidRequestID', 'Invalid request ID');
    }
    const body = await readBody(request);
    if (this.#current !== current) return refuse(response, 400, 'InvalidRequestID', 'Invalid request ID');
    this.#current = undefined;
    const durationMs = performance.now() - current.beganAt;
    const end = (flags: number, payload: string) =>
      this.#tell({ type: END, sequence: current.run.sequence, flags, durationMs, rssKb: 0, payload });
    if (body === undefined) {
      end(END_TOO_LARGE, '');
      const message = `Exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`;
      return refuse(response, 413, 'RequestEntityTooLarge', message);
    }
    const failure = isError ? body : streamError(request);
    if (failure !== undefined) end(END_ERROR, failure === '' ? errorOfHeader(request) : failure);
    else end(0, body);
    accept(response);
  }

  async #onInitError(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#ready) {
      return refuse(
        response,
        403,
        'InvalidStateTransition',
        'State transition from Ready to InitError failed for runtime. Error: State transition is not allowed',
      );
    }
    const body = (await readBody(request)) ?? '';
    accept(response);
    this.#tell({ type: INIT_ERROR, payload: body === '' ? errorOfHeader(request) : body });
  }
}

/** A process that speaks the Runtime API. It asks for its runs, so none is sent ahead. */
export class HttpSession implements Session {
  readonly process: FunctionProcess;
  readonly prefetches = false;
  readonly #api: RuntimeApi;

  constructor(process: FunctionProcess, api: RuntimeApi) {
    this.process = process;
    this.#api = api;
  }

  listen(listener: SessionListener): void {
    this.#api.listen((frame) => listener.frame(frame));
    this.process.listen({
      control: () => undefined,
      output: (descriptor, chunk) => listener.output(descriptor, chunk),
      exit: (exit) => listener.exit(exit),
    });
  }

  sendRuns(runs: readonly RunFrame[]): void {
    this.#api.send(runs);
  }

  close(): void {
    this.#api.close();
    this.process.release();
  }
}

/** The whole body, or undefined when it is larger than an answer may be (the rest is read and dropped). */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size <= MAX_RESPONSE_BYTES) chunks.push(chunk as Buffer);
  }
  return size > MAX_RESPONSE_BYTES ? undefined : Buffer.concat(chunks).toString('utf8');
}

/** A streamed answer that broke off says so in its trailers. */
function streamError(request: IncomingMessage): string | undefined {
  const type = request.trailers['lambda-runtime-function-error-type'];
  if (type === undefined) return undefined;
  const body = request.trailers['lambda-runtime-function-error-body'];
  return body === undefined ? '' : Buffer.from(body, 'base64').toString('utf8');
}

function errorOfHeader(request: IncomingMessage): string {
  const type = request.headers['lambda-runtime-function-error-type'];
  return JSON.stringify({ errorType: typeof type === 'string' ? type : 'Runtime.Unknown' });
}

/** Header values hold neither line breaks nor anything beyond Latin-1: UTF-8 travels as its bytes. */
function headerOf(json: string): string {
  return Buffer.from(JSON.stringify(JSON.parse(json))).toString('latin1');
}

function accept(response: ServerResponse): void {
  response.writeHead(202, { 'Content-Type': 'application/json' }).end('{"status":"OK"}\n');
}

function refuse(response: ServerResponse, status: number, errorType: string, errorMessage: string): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json' })
    .end(`${JSON.stringify({ errorMessage, errorType })}\n`);
}

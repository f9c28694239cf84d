/** A front on a free port with services that only remember what they were asked: the wire and nothing behind it. */
import type { AddressInfo } from 'node:net';
import { RealClock } from '../../src/platform/clock.ts';
import { createIds } from '../../src/platform/ids.ts';
import { SystemRandom } from '../../src/platform/random.ts';
import type { ErrorTable } from '../../src/protocol/error.ts';
import { createFrontend, type FrontendOptions } from '../../src/protocol/frontend.ts';
import { createHttpServer, type ServerTimeouts } from '../../src/protocol/http.ts';
import type { Handler, RequestContext, Service } from '../../src/protocol/operation.ts';

export const ACCESS_KEY = 'AKIATESTTESTTESTTEST';
export const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

export interface Call {
  readonly service: string;
  readonly operation: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into inputs freely
  readonly input: any;
  readonly context: RequestContext;
}

export interface Front {
  readonly port: number;
  readonly endpoint: string;
  /** Everything that reached a handler, oldest first. */
  readonly calls: Call[];
  readonly logged: { readonly details: object; readonly message: string }[];
  /** Configuration for any SDK client. */
  readonly client: {
    readonly region: string;
    readonly endpoint: string;
    readonly maxAttempts: number;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** The last call; fails when there was none. */
  last(): Call;
  close(): Promise<void>;
}

export interface FakeService {
  readonly name: Service['name'];
  readonly errors?: ErrorTable;
  /** A handler, or the output it gives. */
  readonly operations: Readonly<Record<string, Handler | object>>;
}

export async function startFront(
  services: readonly FakeService[],
  options: { readonly auth?: FrontendOptions['auth']; readonly timeouts?: ServerTimeouts } = {},
): Promise<Front> {
  const clock = new RealClock();
  const calls: Call[] = [];
  const logged: Front['logged'] = [];
  const note = (details: object, message: string) => void logged.push({ details, message });
  const front = createFrontend({
    services: services.map((service) => ({
      name: service.name,
      errors: service.errors ?? {},
      operations: Object.fromEntries(
        Object.entries(service.operations).map(([operation, answer]) => [
          operation,
          (input: unknown, context: RequestContext) => {
            calls.push({ service: service.name, operation, input, context });
            return typeof answer === 'function' ? (answer as Handler)(input, context) : answer;
          },
        ]),
      ),
    })),
    auth: options.auth ?? {
      mode: 'keys',
      keys: { secretFor: (id) => (id === ACCESS_KEY ? SECRET : undefined) },
    },
    region: 'us-east-1',
    accountId: '000000000000',
    clock,
    ids: createIds(clock, new SystemRandom()),
    log: { error: note },
    fallback: (request, response) => {
      response.writeHead(404, { 'x-fallback': request.url ?? '' }).end('not for AWS');
    },
  });
  const server = createHttpServer((request, response) => front.handle(request, response), options.timeouts);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    port,
    endpoint,
    calls,
    logged,
    client: {
      region: 'eu-west-1',
      endpoint,
      maxAttempts: 1,
      credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET },
    },
    last() {
      const call = calls.at(-1);
      if (!call) throw new Error('no call reached a handler');
      return call;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** An SDK error, as the tests look at it. */
export interface SdkError extends Error {
  readonly $metadata: { readonly httpStatusCode?: number; readonly requestId?: string };
  readonly $fault?: string;
}

/** Runs a call that must be refused. */
export async function refused(call: Promise<unknown>): Promise<SdkError> {
  try {
    await call;
  } catch (error) {
    return error as SdkError;
  }
  throw new Error('the call succeeded');
}

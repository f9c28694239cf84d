/** The front of the server: everything that all requests share, and one `Exchange` for each of them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, RealClock } from '../platform/clock.ts';
import type { Ids } from '../platform/ids.ts';
import { DIALECTS } from './dialect.ts';
import { Exchange } from './exchange.ts';
import { writeReply } from './http.ts';
import type { Interceptor } from './interceptor.ts';
import { MountedService } from './mounted-service.ts';
import type { Service, ServiceName } from './operation.ts';
import { assertServiceMatches } from './service-check.ts';
import { type Keys, Verifier } from './sigv4.ts';

/** The part of the log that the front writes to. */
interface FrontLog {
  error(details: object, message: string): void;
}

export interface FrontendOptions {
  readonly services: readonly Service[];
  /** `open`: signatures are not asked for, only their scope is read. `keys`: every AWS call must be signed. */
  readonly auth: { readonly mode: 'open' } | { readonly mode: 'keys'; readonly keys: Keys };
  /** Where the request names none. */
  readonly region: string;
  readonly accountId: string;
  /** Signatures are dated by the caller's clock: with a virtual one, real time is used for them. */
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: FrontLog;
  /** Comes between requests and their operations. */
  readonly interceptor?: Interceptor;
  /** Takes what is not for AWS: console, control API, metrics, function URLs. */
  readonly fallback: (request: IncomingMessage, response: ServerResponse) => void;
}

export interface Frontend {
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** Proves the services' tables against their models and compiles them; throws when they do not match. */
export function createFrontend(options: FrontendOptions): Frontend {
  for (const service of options.services) assertServiceMatches(service);
  return new Front(options);
}

export class Front implements Frontend {
  readonly options: FrontendOptions;
  readonly verifier: Verifier | undefined;
  readonly wallClock: Clock;
  readonly #services: ReadonlyMap<ServiceName, MountedService>;

  constructor(options: FrontendOptions) {
    this.options = options;
    this.verifier = options.auth.mode === 'keys' ? new Verifier(options.auth.keys) : undefined;
    this.wallClock = options.clock.virtual ? new RealClock() : options.clock;
    const offered = new Map(options.services.map((service) => [service.name, service]));
    const names = Object.keys(DIALECTS) as ServiceName[];
    this.#services = new Map(names.map((name) => [name, new MountedService(name, offered.get(name))]));
  }

  /** Every service of AWS that the front knows, offered or not. */
  service(name: ServiceName): MountedService {
    return this.#services.get(name)!;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    try {
      new Exchange(this, request, response).start();
    } catch (error) {
      this.options.log.error({ err: error, url: request.url }, 'request failed outside of any operation');
      if (response.headersSent) response.destroy();
      else writeReply(response, 500, {}, undefined);
    }
  }
}

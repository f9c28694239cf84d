/** What may come between a request and its operation: faults on demand. The front asks only where it is active. */
import type { ApiError } from './error.ts';
import type { RequestContext, ServiceName } from './operation.ts';

export interface InterceptedCall {
  readonly service: ServiceName;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly context: RequestContext;
  /** The request's own wish, `x-redrive-fault`. */
  readonly wish?: string;
}

export interface Interception {
  /** Real time: a connection lives in it whatever the clock says. */
  readonly delayMs?: number;
  /** Answered in place of the operation. */
  readonly error?: ApiError;
  /** The connection ends without an answer: before the operation runs, or after it. */
  readonly drop?: 'request' | 'answer';
  /** Called when the request is over. */
  readonly ended?: () => Promise<unknown>;
}

export interface Interceptor {
  /** Whether requests that wish for nothing have to be asked about. */
  readonly active: boolean;
  /** `undefined`: the operation runs. Fails with an ApiError for a wish that cannot be granted. */
  intercept(call: InterceptedCall): Promise<Interception | undefined>;
}

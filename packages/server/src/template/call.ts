/** Calls of the services' operations from inside the process, as their own account would make them. */
import type { Ids } from '../platform/ids.ts';
import { ApiError } from '../protocol/error.ts';
import type { RequestContext, Service } from '../protocol/operation.ts';
import type { Call } from './deploy.ts';

export interface CallPlace {
  readonly region: string;
  readonly accountId: string;
  /** Base of URLs that answers hold: `http://127.0.0.1:4566`. */
  readonly endpoint: string;
  readonly ids: Ids;
}

export function createCall(services: readonly Service[], place: CallPlace): Call {
  return async (service, operation, input) => {
    const handler = services.find(({ name }) => name === service)?.operations[operation];
    if (!handler) throw new ApiError('UnsupportedOperation', `${service} has no operation ${operation}`);
    const context: RequestContext = {
      requestId: place.ids.ordered(),
      region: place.region,
      accountId: place.accountId,
      callerArn: `arn:aws:iam::${place.accountId}:root`,
      sourceIp: '127.0.0.1',
      origin: place.endpoint,
      wire: service === 'lambda' ? 'rest-json' : 'json',
      signal: new AbortController().signal,
      setHeader: () => undefined,
    };
    return handler(input, context);
  };
}

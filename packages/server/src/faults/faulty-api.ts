/** AWS calls that fail on command, each with the code, status and words its service has for it. */
import type { FaultInput, FaultRule } from '../domain/fault-rule.ts';
import { ApiError } from '../protocol/error.ts';
import type { InterceptedCall, Interception, Interceptor } from '../protocol/interceptor.ts';
import type { ServiceName } from '../protocol/operation.ts';
import { parseFaultHeader } from './fault-header.ts';
import type { FaultRules } from './fault-rules.ts';

export interface FaultyApiDeps {
  readonly rules: FaultRules;
  /** Whether a request may bring its own fault along. */
  readonly allowHeader: boolean;
}

/** Names the rule that acted, on the answer of the request it acted on. */
export const FAULT_HEADER = 'x-redrive-fault';

export function createFaultyApi({ rules, allowHeader }: FaultyApiDeps): Interceptor {
  return {
    get active() {
      return rules.has('api');
    },
    async intercept(call) {
      const { context, wish } = call;
      const granted = wish === undefined ? undefined : await grant(wish, call);
      const acting = granted?.acting ?? pick(call);
      if (!acting) return granted;
      context.setHeader(FAULT_HEADER, `${acting.id}; target=${acting.target}; effect=${acting.effect}`);
      return { ...intercept(acting, call), ended: granted?.ended };
    },
  };

  function pick({ service, operation, input, context }: InterceptedCall): FaultRule | undefined {
    if (!rules.has('api')) return undefined;
    return rules.pick('api', {
      name: `${service}:${operation}`,
      requestId: context.requestId,
      payload: () => input,
    });
  }

  /**
   * A wish is a rule for this request alone, and goes with it. One for the function of an accepted event stays until
   * the event has its fate.
   */
  async function grant(
    wish: string,
    call: InterceptedCall,
  ): Promise<Interception & { readonly acting?: FaultRule }> {
    if (!allowHeader) {
      throw new ApiError(
        'AccessDeniedException',
        `The header ${FAULT_HEADER} is not allowed here: start the server with --allow-faults, or with --clock virtual.`,
      );
    }
    const input = parseFaultHeader(wish, `api:${call.service}:${call.operation}`);
    const { requestId } = call.context;
    const id = `request-${requestId}`;
    await rules.add({ ...input, id, requestId } satisfies FaultInput).catch((error: Error) => {
      throw new ApiError('ValidationException', `${FAULT_HEADER}: ${error.message}`);
    });
    const staysForEvent = call.input.InvocationType === 'Event' && !input.target.startsWith('api:');
    return {
      acting: input.target.startsWith('api:') ? pick(call) : undefined,
      ended: staysForEvent ? undefined : () => rules.remove(id),
    };
  }
}

function intercept(rule: FaultRule, call: InterceptedCall): Interception {
  switch (rule.effect) {
    case 'latency':
      return { delayMs: rule.delayMs };
    case 'dropConnection':
      return { drop: 'request' };
    case 'loseAnswer':
      return { drop: 'answer' };
    case 'throttle':
      return { error: THROTTLES[call.service]() };
    case 'unavailable':
      return {
        error: new ApiError(UNAVAILABLE[call.service], 'Service is unavailable. Please try again shortly.'),
      };
    case 'internalError':
      return {
        error: new ApiError(INTERNAL[call.service], 'We encountered an internal error. Please try again.'),
      };
    default:
      return { error: denied(call) };
  }
}

/** Sources: the service models; "Common errors" of each service's API reference. */
const THROTTLES: Readonly<Record<ServiceName, () => ApiError>> = {
  lambda: () =>
    new ApiError('TooManyRequestsException', 'Rate exceeded', {
      members: { Reason: 'CallerRateLimitExceeded' },
      headers: { 'Retry-After': '1' },
    }),
  sqs: () => new ApiError('RequestThrottled', 'Rate exceeded'),
  sns: () => new ApiError('ThrottledException', 'Rate exceeded'),
  logs: () => new ApiError('ThrottlingException', 'Rate exceeded'),
  cloudwatch: () => new ApiError('ThrottlingException', 'Rate exceeded'),
};

const UNAVAILABLE: Readonly<Record<ServiceName, string>> = {
  lambda: 'ServiceUnavailableException',
  sqs: 'ServiceUnavailableException',
  sns: 'ServiceUnavailableException',
  logs: 'ServiceUnavailableException',
  cloudwatch: 'ServiceUnavailableException',
};

const INTERNAL: Readonly<Record<ServiceName, string>> = {
  lambda: 'ServiceException',
  sqs: 'InternalFailure',
  sns: 'InternalErrorException',
  logs: 'InternalFailure',
  cloudwatch: 'InternalServiceFault',
};

function denied({ service, operation, context }: InterceptedCall): ApiError {
  const message =
    `User: ${context.callerArn} is not authorized to perform: ${service}:${operation} ` +
    `because no identity-based policy allows the ${service}:${operation} action`;
  return new ApiError(service === 'sns' ? 'AuthorizationErrorException' : 'AccessDeniedException', message);
}

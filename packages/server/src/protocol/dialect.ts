/**
 * Where the services differ on the wire: protocols, namespaces, and the words and codes of refusals that are
 * made before an operation runs. One row per service; everything else is the same code.
 */
import { ApiError } from './error.ts';
import type { ServiceName } from './operation.ts';
import type { WireName } from './wire.ts';

export interface Dialect {
  readonly wires: readonly WireName[];
  /** Name in the scope of signatures. */
  readonly signingName: string;
  /** Version of AWS JSON; also decides whether `__type` carries a namespace. */
  readonly jsonVersion?: '1.0' | '1.1';
  /** Namespace of `__type` for the service's own errors. */
  readonly errorNamespace?: string;
  /** Errors carry `x-amzn-query-error`. */
  readonly queryCompatible?: true;
  readonly xmlNamespace?: string;
  /** The query protocol's error has an empty `<Detail/>`. */
  readonly errorDetail?: true;
  /** Answer to a bug of ours. */
  readonly internalError: string;
  /** Answer when the store cannot take a commit. */
  readonly unavailableError: string;
  /** Errors that AWS sends and the model does not list, beside the common ones. */
  readonly unmodelledErrors: readonly string[];
  /** Violated constraints, each already worded. */
  invalid(violations: readonly string[]): ApiError;
  /** A top-level member that must be there and is not; absent where that is a constraint like others. */
  missing?(member: string, operation: string): ApiError;
}

/** `2 validation errors detected: …; …` (observed on Lambda, CloudWatch and Logs). */
function sentence(violations: readonly string[]): string {
  const noun = violations.length === 1 ? 'validation error' : 'validation errors';
  return `${violations.length} ${noun} detected: ${violations.join('; ')}`;
}

const invalidAs = (name: string) => (violations: readonly string[]) =>
  new ApiError(name, sentence(violations));

export const DIALECTS: Readonly<Record<ServiceName, Dialect>> = {
  lambda: {
    wires: ['rest-json'],
    signingName: 'lambda',
    internalError: 'ServiceException',
    unavailableError: 'ServiceException',
    unmodelledErrors: ['AccessDeniedException', 'ValidationException', 'RequestEntityTooLargeException'],
    invalid: invalidAs('ValidationException'),
  },
  sqs: {
    wires: ['json', 'query'],
    signingName: 'sqs',
    jsonVersion: '1.0',
    errorNamespace: 'com.amazonaws.sqs',
    queryCompatible: true,
    xmlNamespace: 'http://queue.amazonaws.com/doc/2012-11-05/',
    errorDetail: true,
    internalError: 'InternalFailure',
    unavailableError: 'ServiceUnavailableException',
    // Observed: the model of SQS has no error for a parameter that is missing or out of range.
    unmodelledErrors: ['InvalidParameterValueException', 'MissingRequiredParameterException'],
    invalid: invalidAs('InvalidParameterValueException'),
    missing: (member, operation) =>
      // In the query protocol an empty list is an absent one.
      /BatchRequestEntry$/.test(member)
        ? new ApiError(
            'EmptyBatchRequest',
            `There should be at least one ${operation}RequestEntry in the request.`,
          )
        : new ApiError(
            'MissingRequiredParameterException',
            `The request must contain the parameter ${member}.`,
          ),
  },
  sns: {
    wires: ['query'],
    signingName: 'sns',
    xmlNamespace: 'http://sns.amazonaws.com/doc/2010-03-31/',
    internalError: 'InternalFailure',
    unavailableError: 'ServiceUnavailableException',
    unmodelledErrors: [],
    invalid: invalidAs('ValidationException'),
  },
  logs: {
    wires: ['json'],
    signingName: 'logs',
    jsonVersion: '1.1',
    internalError: 'InternalFailure',
    unavailableError: 'ServiceUnavailableException',
    unmodelledErrors: [],
    // Observed: `InvalidParameterException` with the words of a validation error.
    invalid: invalidAs('InvalidParameterException'),
  },
  cloudwatch: {
    wires: ['json', 'query', 'cbor'],
    signingName: 'monitoring',
    jsonVersion: '1.0',
    errorNamespace: 'com.amazonaws.cloudwatch.v2010_08_01',
    queryCompatible: true,
    xmlNamespace: 'http://monitoring.amazonaws.com/doc/2010-08-01/',
    internalError: 'InternalServiceFault',
    unavailableError: 'ServiceUnavailableException',
    unmodelledErrors: [],
    invalid: invalidAs('ValidationException'),
    missing: (member) =>
      new ApiError('MissingRequiredParameterException', `The parameter ${member} is required.`),
  },
};

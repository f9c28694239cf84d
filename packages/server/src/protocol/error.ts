/**
 * API errors: rows of a table, thrown by name from `services`. Only `protocol` knows how they look on each wire.
 */

export interface ErrorRow {
  readonly status: number;
  /** Who is at fault; the query protocols say so. */
  readonly fault: 'client' | 'server';
  /** Code in the query protocol and in `x-amzn-query-error`; the shape's name when absent. */
  readonly queryCode?: string;
  /** `__type` on the JSON wires, namespace included, when AWS sends one. */
  readonly jsonType?: string;
  /** Member that holds the message; AWS is not of one mind. */
  readonly messageMember?: 'message' | 'Message';
  /** Value of the member `Type` that Lambda adds. */
  readonly type?: 'User' | 'Service';
}
export type ErrorTable = Readonly<Record<string, ErrorRow>>;

/** An expected refusal. `name` is a row of the service's table or of the common table. */
export class ApiError extends Error {
  override readonly name: string;
  /** Further members of the error shape, e.g. `Reason`. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    name: string,
    message: string,
    options: {
      members?: Record<string, unknown>;
      headers?: Record<string, string>;
      cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = name;
    this.members = options.members ?? {};
    this.headers = options.headers ?? {};
  }
}

/** Namespaces of what AWS's own framework refuses before an operation runs (observed on AWS JSON 1.0). */
const SERVICE = 'com.amazon.coral.service#';
const VALIDATE = 'com.amazon.coral.validate#';

/** Refusals that no service owns. A service's own table comes first. */
export const COMMON_ERRORS: ErrorTable = {
  ValidationException: {
    status: 400,
    fault: 'client',
    queryCode: 'ValidationError',
    jsonType: `${VALIDATE}ValidationException`,
  },
  SerializationException: {
    status: 400,
    fault: 'client',
    queryCode: 'MalformedInput',
    jsonType: `${SERVICE}SerializationException`,
    messageMember: 'Message',
  },
  InvalidParameterValueException: { status: 400, fault: 'client', queryCode: 'InvalidParameterValue' },
  MissingRequiredParameterException: { status: 400, fault: 'client', queryCode: 'MissingParameter' },
  UnknownOperationException: {
    status: 404,
    fault: 'client',
    queryCode: 'InvalidAction',
    jsonType: `${SERVICE}UnknownOperationException`,
  },
  MissingActionException: { status: 400, fault: 'client', queryCode: 'MissingAction' },
  /** AWS has the operation, this server does not. No SDK retries a 501. */
  UnsupportedOperationException: {
    status: 501,
    fault: 'server',
    jsonType: `${SERVICE}UnsupportedOperationException`,
  },
  AccessDeniedException: {
    status: 403,
    fault: 'client',
    queryCode: 'AccessDenied',
    jsonType: `${SERVICE}AccessDeniedException`,
  },
  MissingAuthenticationTokenException: {
    status: 403,
    fault: 'client',
    queryCode: 'MissingAuthenticationToken',
    jsonType: `${SERVICE}MissingAuthenticationTokenException`,
  },
  IncompleteSignatureException: {
    status: 400,
    fault: 'client',
    queryCode: 'IncompleteSignature',
    jsonType: `${SERVICE}IncompleteSignatureException`,
  },
  InvalidSignatureException: {
    status: 403,
    fault: 'client',
    queryCode: 'SignatureDoesNotMatch',
    jsonType: `${SERVICE}InvalidSignatureException`,
  },
  UnrecognizedClientException: {
    status: 403,
    fault: 'client',
    queryCode: 'InvalidClientTokenId',
    jsonType: `${SERVICE}UnrecognizedClientException`,
  },
  ThrottlingException: {
    status: 400,
    fault: 'client',
    queryCode: 'Throttling',
    jsonType: 'com.amazon.coral.availability#ThrottlingException',
  },
  RequestEntityTooLargeException: { status: 413, fault: 'client', messageMember: 'message', type: 'User' },
  RequestTimeoutException: { status: 408, fault: 'client', queryCode: 'RequestTimeout' },
  ServiceException: { status: 500, fault: 'server', messageMember: 'Message', type: 'Service' },
  ServiceUnavailableException: { status: 503, fault: 'server', queryCode: 'ServiceUnavailable' },
  InternalFailure: { status: 500, fault: 'server', jsonType: `${SERVICE}InternalFailure` },
};

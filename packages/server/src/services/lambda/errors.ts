/** Lambda's error table, and the ways operations say no. Statuses: service model; casing of `message`: observed. */
import { isRefusal, type Refusal } from '../../domain/refusal.ts';
import { ApiError, type ErrorRow, type ErrorTable } from '../../protocol/error.ts';

const lower = (status: number): ErrorRow => ({
  status,
  fault: status < 500 ? 'client' : 'server',
  messageMember: 'message',
  type: 'User',
});
const upper = (status: number): ErrorRow => ({
  status,
  fault: status < 500 ? 'client' : 'server',
  messageMember: 'Message',
  type: status < 500 ? 'User' : 'Service',
});

export const LAMBDA_ERRORS: ErrorTable = {
  InvalidParameterValueException: lower(400),
  InvalidRequestContentException: lower(400),
  AliasLimitExceededException: lower(400),
  CodeStorageExceededException: lower(400),
  PolicyLengthExceededException: lower(400),
  ModeNotSupportedException: lower(400),
  NoPublishedVersionException: upper(400),
  RecursiveInvocationException: upper(400),
  SnapStartException: upper(400),
  ResourceInUseException: upper(400),
  CodeVerificationFailedException: upper(400),
  InvalidCodeSignatureException: upper(400),
  ServiceQuotaExceededException: upper(402),
  ResourceNotFoundException: upper(404),
  CodeSigningConfigNotFoundException: upper(404),
  ProvisionedConcurrencyConfigNotFoundException: lower(404),
  ResourceConflictException: lower(409),
  PreconditionFailedException: lower(412),
  RequestTooLargeException: lower(413),
  UnsupportedMediaTypeException: lower(415),
  TooManyRequestsException: lower(429),
  ServiceException: upper(500),
  ResourceNotReadyException: lower(502),
  InvalidRuntimeException: upper(502),
  InvalidZipFileException: upper(502),
};

export function invalidParameter(message: string): ApiError {
  return new ApiError('InvalidParameterValueException', message);
}

export function notFound(message: string): ApiError {
  return new ApiError('ResourceNotFoundException', message);
}

export function conflict(message: string): ApiError {
  return new ApiError('ResourceConflictException', message);
}

/** For what Redrive does not do: says so, and what to do instead. */
export function unsupported(message: string): ApiError {
  return new ApiError('InvalidParameterValueException', message);
}

/** What a decision gave, unless it was a refusal. */
export function granted<T>(decision: T | Refusal): T {
  if (isRefusal(decision)) throw new ApiError(decision.error, decision.message);
  return decision;
}

/** Throws the refusal of a decision, if it is one. */
export function allow(refusal: Refusal | undefined): void {
  if (refusal) throw new ApiError(refusal.error, refusal.message);
}

/** Errors of CloudWatch Logs. All answer 400. Source: the operations' pages and recordings. */
import type { ErrorTable } from '../../protocol/error.ts';

const CLIENT = { status: 400, fault: 'client' } as const;

export const LOGS_ERRORS: ErrorTable = {
  AccessDeniedException: CLIENT,
  DataAlreadyAcceptedException: CLIENT,
  InvalidOperationException: CLIENT,
  InvalidParameterException: CLIENT,
  InvalidSequenceTokenException: CLIENT,
  LimitExceededException: CLIENT,
  MalformedQueryException: CLIENT,
  OperationAbortedException: CLIENT,
  ResourceAlreadyExistsException: CLIENT,
  ResourceNotFoundException: CLIENT,
  SessionStreamingException: CLIENT,
  SessionTimeoutException: CLIENT,
  ServiceUnavailableException: { status: 503, fault: 'server' },
  TooManyTagsException: CLIENT,
  UnrecognizedClientException: CLIENT,
  ValidationException: CLIENT,
};

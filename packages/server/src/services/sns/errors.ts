/** Errors of SNS with their statuses and query codes. Source: the service model; reference §3.1. */
import type { ErrorTable } from '../../protocol/error.ts';

const client = (status: number, queryCode: string) => ({ status, fault: 'client' as const, queryCode });

export const SNS_ERRORS: ErrorTable = {
  AuthorizationErrorException: client(403, 'AuthorizationError'),
  BatchEntryIdsNotDistinctException: client(400, 'BatchEntryIdsNotDistinct'),
  BatchRequestTooLongException: client(400, 'BatchRequestTooLong'),
  EmptyBatchRequestException: client(400, 'EmptyBatchRequest'),
  InvalidBatchEntryIdException: client(400, 'InvalidBatchEntryId'),
  InvalidParameterException: client(400, 'InvalidParameter'),
  InvalidParameterValueException: client(400, 'ParameterValueInvalid'),
  NotFoundException: client(404, 'NotFound'),
  ResourceNotFoundException: client(404, 'ResourceNotFound'),
  TagLimitExceededException: client(400, 'TagLimitExceeded'),
  TooManyEntriesInBatchRequestException: client(400, 'TooManyEntriesInBatchRequest'),
};

/** Errors of SQS with their statuses and query codes. Source: the service model; reference §2.1. */
import type { ErrorRow, ErrorTable } from '../../protocol/error.ts';

const client = (status: number, queryCode?: string): ErrorRow => ({ status, fault: 'client', queryCode });
const simple = (name: string, status = 400): ErrorRow => client(status, `AWS.SimpleQueueService.${name}`);
const kms = (name: string): ErrorRow => client(400, `KMS.${name}`);

export const SQS_ERRORS: ErrorTable = {
  BatchEntryIdsNotDistinct: simple('BatchEntryIdsNotDistinct'),
  BatchRequestTooLong: simple('BatchRequestTooLong'),
  EmptyBatchRequest: simple('EmptyBatchRequest'),
  InvalidAddress: client(404),
  InvalidAttributeName: client(400),
  InvalidAttributeValue: client(400),
  InvalidBatchEntryId: simple('InvalidBatchEntryId'),
  InvalidIdFormat: client(400),
  InvalidMessageContents: client(400),
  InvalidParameterValueException: client(400, 'InvalidParameterValue'),
  InvalidSecurity: client(403),
  KmsAccessDenied: kms('AccessDeniedException'),
  KmsDisabled: kms('DisabledException'),
  KmsInvalidKeyUsage: kms('InvalidKeyUsageException'),
  KmsInvalidState: kms('InvalidStateException'),
  KmsNotFound: kms('NotFoundException'),
  KmsOptInRequired: client(403, 'KMS.OptInRequired'),
  KmsThrottled: kms('ThrottlingException'),
  MessageNotInflight: simple('MessageNotInflight'),
  MissingRequiredParameterException: client(400, 'MissingParameter'),
  OverLimit: client(403),
  PurgeQueueInProgress: simple('PurgeQueueInProgress', 403),
  QueueDeletedRecently: simple('QueueDeletedRecently'),
  QueueDoesNotExist: simple('NonExistentQueue'),
  QueueNameExists: client(400, 'QueueAlreadyExists'),
  ReceiptHandleIsInvalid: client(404),
  RequestThrottled: client(403),
  ResourceNotFoundException: client(404),
  TooManyEntriesInBatchRequest: simple('TooManyEntriesInBatchRequest'),
  UnsupportedOperation: simple('UnsupportedOperation'),
};

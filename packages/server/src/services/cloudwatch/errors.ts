/** Errors of CloudWatch and their codes in the query protocol. Source: the operations' pages and recordings. */
import type { ErrorTable } from '../../protocol/error.ts';

const NAMESPACE = 'com.amazonaws.cloudwatch.v2010_08_01#';
const row = (name: string, queryCode: string, status = 400) =>
  ({ status, fault: status < 500 ? 'client' : 'server', queryCode, jsonType: NAMESPACE + name }) as const;

export const CLOUDWATCH_ERRORS: ErrorTable = {
  InvalidParameterValueException: row('InvalidParameterValueException', 'InvalidParameterValue'),
  InvalidParameterCombinationException: row(
    'InvalidParameterCombinationException',
    'InvalidParameterCombination',
  ),
  MissingRequiredParameterException: row('MissingRequiredParameterException', 'MissingParameter'),
  ResourceNotFound: row('ResourceNotFound', 'ResourceNotFound', 404),
  ResourceNotFoundException: row('ResourceNotFoundException', 'ResourceNotFoundException', 404),
  DashboardNotFoundError: row('DashboardNotFoundError', 'ResourceNotFound', 404),
  DashboardInvalidInputError: row('DashboardInvalidInputError', 'InvalidParameterInput'),
  InvalidFormatFault: row('InvalidFormatFault', 'InvalidFormat'),
  InvalidNextToken: row('InvalidNextToken', 'InvalidNextToken'),
  LimitExceededFault: row('LimitExceededFault', 'LimitExceeded'),
  LimitExceededException: row('LimitExceededException', 'LimitExceededException'),
  InternalServiceFault: row('InternalServiceFault', 'InternalServiceError', 500),
  ConcurrentModificationException: row(
    'ConcurrentModificationException',
    'ConcurrentModificationException',
    429,
  ),
};

/** GetFunction and GetFunctionConfiguration. */
import type { GetFunctionConfigurationRequest, GetFunctionRequest } from '@aws-sdk/client-lambda';
import { readReservedConcurrency } from '../../../domain/lambda-function.ts';
import { formatFunctionArn } from '../../../domain/lambda-names.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { formatCodeLocation } from '../code-download.ts';
import type { LambdaDeps } from '../deps.ts';
import { readReference, requireQualified } from '../reference.ts';
import { readTags } from '../tags.ts';
import { showFunction } from '../view.ts';

export function getFunction({ store }: LambdaDeps): Handler<GetFunctionRequest> {
  return (input, context) => {
    const ref = readReference(store.resources, context, input.FunctionName as string, input.Qualifier);
    const { value: record } = requireQualified(store.resources, context, ref);
    const tags = readTags(store.resources, formatFunctionArn(record, record.name));
    const reserved = readReservedConcurrency(store.resources, record.name);
    return {
      Configuration: showFunction(record, ref.qualifier),
      Code: { RepositoryType: 'S3', Location: formatCodeLocation(context.origin, record.codeSha256) },
      Tags: Object.keys(tags).length > 0 ? tags : undefined,
      Concurrency: reserved === undefined ? undefined : { ReservedConcurrentExecutions: reserved },
    };
  };
}

export function getFunctionConfiguration({ store }: LambdaDeps): Handler<GetFunctionConfigurationRequest> {
  return (input, context) => {
    const ref = readReference(store.resources, context, input.FunctionName as string, input.Qualifier);
    return showFunction(requireQualified(store.resources, context, ref).value, ref.qualifier);
  };
}

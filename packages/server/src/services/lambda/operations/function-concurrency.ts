/** PutFunctionConcurrency, GetFunctionConcurrency, DeleteFunctionConcurrency: reserved for a whole function. */
import type {
  DeleteFunctionConcurrencyRequest,
  GetFunctionConcurrencyRequest,
  PutFunctionConcurrencyRequest,
} from '@aws-sdk/client-lambda';
import { checkReserved } from '../../../domain/lambda-concurrency.ts';
import {
  LAMBDA_COLLECTIONS,
  readFunction,
  readReservedConcurrency,
} from '../../../domain/lambda-function.ts';
import { LATEST } from '../../../domain/lambda-names.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import type { Resources } from '../../../store/store.ts';
import { put, remove } from '../commit.ts';
import { readConcurrencyState } from '../concurrency.ts';
import type { LambdaDeps } from '../deps.ts';
import { allow, invalidParameter } from '../errors.ts';
import { functionNotFound, readReference, requireFunction } from '../reference.ts';

const COLLECTION = LAMBDA_COLLECTIONS.concurrency;

/** Only whole functions have reservations. */
function readUnqualified(resources: Resources, context: RequestContext, functionName: string): string {
  const { name, qualifier } = readReference(resources, context, functionName);
  if (qualifier !== undefined) {
    throw invalidParameter(
      'This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.',
    );
  }
  return name;
}

export function putFunctionConcurrency(deps: LambdaDeps): Handler<PutFunctionConcurrencyRequest> {
  const { store } = deps;
  return async (input, context) => {
    const name = readUnqualified(store.resources, context, input.FunctionName as string);
    if (!readFunction(store.resources, name)) throw functionNotFound(context, name, LATEST);
    const reserved = input.ReservedConcurrentExecutions as number;
    allow(checkReserved(readConcurrencyState(deps, name), reserved));
    await store.commit([put(COLLECTION, name, { reserved })]);
    return { ReservedConcurrentExecutions: reserved };
  };
}

export function getFunctionConcurrency({ store }: LambdaDeps): Handler<GetFunctionConcurrencyRequest> {
  return (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    requireFunction(store.resources, context, name);
    return { ReservedConcurrentExecutions: readReservedConcurrency(store.resources, name) };
  };
}

export function deleteFunctionConcurrency({ store }: LambdaDeps): Handler<DeleteFunctionConcurrencyRequest> {
  return async (input, context) => {
    const name = readUnqualified(store.resources, context, input.FunctionName as string);
    requireFunction(store.resources, context, name);
    await store.commit([remove(COLLECTION, name)]);
    return {};
  };
}

/**
 * Small settings of a function: recursion (kept and obeyed), and two that Redrive answers truthfully with the
 * only value it has: no code signing, runtimes as they are on the machine.
 */
import type {
  GetFunctionCodeSigningConfigRequest,
  GetFunctionRecursionConfigRequest,
  GetRuntimeManagementConfigRequest,
  PutFunctionRecursionConfigRequest,
} from '@aws-sdk/client-lambda';
import {
  LAMBDA_COLLECTIONS,
  type RecursionRecord,
  readRecursiveLoop,
} from '../../../domain/lambda-function.ts';
import { formatFunctionArn } from '../../../domain/lambda-names.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { put } from '../commit.ts';
import type { LambdaDeps } from '../deps.ts';
import { readReference, requireFunction, requireQualified } from '../reference.ts';

export function putFunctionRecursionConfig({
  store,
}: LambdaDeps): Handler<PutFunctionRecursionConfigRequest> {
  return async (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    requireFunction(store.resources, context, name);
    const record: RecursionRecord = { recursiveLoop: input.RecursiveLoop ?? 'Terminate' };
    await store.commit([put(LAMBDA_COLLECTIONS.recursion, name, record)]);
    return { RecursiveLoop: record.recursiveLoop };
  };
}

export function getFunctionRecursionConfig({
  store,
}: LambdaDeps): Handler<GetFunctionRecursionConfigRequest> {
  return (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    requireFunction(store.resources, context, name);
    return { RecursiveLoop: readRecursiveLoop(store.resources, name) };
  };
}

/** No function has one: AWS then answers without an ARN (observed). */
export function getFunctionCodeSigningConfig({
  store,
}: LambdaDeps): Handler<GetFunctionCodeSigningConfigRequest> {
  return (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    requireFunction(store.resources, context, name);
    return {};
  };
}

export function getRuntimeManagementConfig({
  store,
}: LambdaDeps): Handler<GetRuntimeManagementConfigRequest> {
  return (input, context) => {
    const ref = readReference(store.resources, context, input.FunctionName as string, input.Qualifier);
    const { value: record } = requireQualified(store.resources, context, ref);
    return { UpdateRuntimeOn: 'Auto', FunctionArn: formatFunctionArn(record, record.name, ref.qualifier) };
  };
}

/**
 * From `FunctionName` and `Qualifier` of a request to what they name, with AWS's errors where they name
 * nothing. One namespace of names serves all regions; an ARN of another region finds a function only if the
 * function was created there.
 */
import { type FunctionRecord, readAlias, readFunction, readVersion } from '../../domain/lambda-function.ts';
import {
  formatFunctionArn,
  isVersionNumber,
  LATEST,
  NAMESPACED_FUNCTION_NAME,
  parseFunctionRef,
} from '../../domain/lambda-names.ts';
import { ApiError } from '../../protocol/error.ts';
import type { RequestContext } from '../../protocol/operation.ts';
import type { Resource, Resources } from '../../store/store.ts';
import { invalidParameter, notFound } from './errors.ts';

export interface Reference {
  readonly name: string;
  readonly qualifier?: string;
}

/** Reads the name; does not look whether it exists. */
export function readReference(
  resources: Resources,
  context: RequestContext,
  functionName: string,
  qualifier?: string,
): Reference {
  const ref = parseFunctionRef(functionName, qualifier || undefined);
  if (ref.kind === 'malformed') {
    throw new ApiError(
      'ValidationException',
      `1 validation error detected: Value '${functionName}' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: ${NAMESPACED_FUNCTION_NAME}`,
    );
  }
  if (ref.kind === 'qualifierMismatch') {
    throw invalidParameter(
      'The derived qualifier from the function name does not match the specified qualifier.',
    );
  }
  if (ref.region !== undefined && ref.region !== context.region) {
    if (readFunction(resources, ref.name)?.value.region !== ref.region) {
      throw notFound(`Functions from '${ref.region}' are not reachable in this region ('${context.region}')`);
    }
  }
  if (ref.accountId !== undefined && ref.accountId !== context.accountId) {
    if (readFunction(resources, ref.name)?.value.accountId !== ref.accountId) {
      throw new ApiError(
        'AccessDeniedException',
        `User: ${context.callerArn} is not authorized to perform this operation on resource: ${formatFunctionArn({ region: context.region, accountId: ref.accountId }, ref.name)} because no resource-based policy allows it`,
      );
    }
  }
  return { name: ref.name, qualifier: ref.qualifier };
}

/** ARN as requests name it, for messages about what does not exist. */
export function requestedArn(context: RequestContext, name: string, qualifier?: string): string {
  return formatFunctionArn(context, name, qualifier);
}

export function functionNotFound(context: RequestContext, name: string, qualifier?: string): ApiError {
  return notFound(`Function not found: ${requestedArn(context, name, qualifier)}`);
}

export function aliasNotFound(context: RequestContext, name: string, alias: string): ApiError {
  return notFound(`Cannot find alias arn: ${requestedArn(context, name, alias)}`);
}

/** `$LATEST` of an existing function. */
export function requireFunction(
  resources: Resources,
  context: RequestContext,
  name: string,
): Resource<FunctionRecord> {
  const found = readFunction(resources, name);
  if (!found) throw functionNotFound(context, name);
  return found;
}

/** The version a qualifier stands for: an alias with two versions stands for its main one. */
export function requireQualified(
  resources: Resources,
  context: RequestContext,
  ref: Reference,
): Resource<FunctionRecord> {
  const qualifier = ref.qualifier ?? LATEST;
  const version =
    qualifier === LATEST || isVersionNumber(qualifier)
      ? qualifier
      : readAlias(resources, ref.name, qualifier)?.value.functionVersion;
  const found = version === undefined ? undefined : readVersion(resources, ref.name, version);
  if (!found) throw functionNotFound(context, ref.name, ref.qualifier);
  return found;
}

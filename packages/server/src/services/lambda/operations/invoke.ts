/**
 * Invoke: checks everything that is checked before the answer, then runs the function or accepts the event.
 * Nothing is told to an asynchronous caller after its 202, and the 202 comes only when the event is on disk.
 */
import { isUtf8 } from 'node:buffer';
import type { InvocationRequest } from '@aws-sdk/client-lambda';
import type { Outcome } from '../../../domain/invocation.ts';
import { findJsonFault } from '../../../domain/json-error.ts';
import { ASYNC_PAYLOAD_BYTES, SYNC_PAYLOAD_BYTES } from '../../../domain/lambda-limits.ts';
import { LATEST } from '../../../domain/lambda-names.ts';
import { type ResolvedTarget, resolveTarget } from '../../../domain/lambda-resolve.ts';
import { isRecursive, RECURSION_MESSAGE } from '../../../domain/lineage.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import type { LambdaDeps } from '../deps.ts';
import { conflict, unsupported } from '../errors.ts';
import { functionNotFound, type Reference, readReference } from '../reference.ts';

/** What a function sees when the caller sent no body. */
const EMPTY_EVENT = '{}';
/** Hint to throttled callers. */
const RETRY_AFTER_SECONDS = '1';

export function invoke(deps: LambdaDeps): Handler<InvocationRequest> {
  const { store, engine } = deps;
  return async (input, context) => {
    const ref = readReference(store.resources, context, input.FunctionName as string, input.Qualifier);
    if (input.InvocationType === 'Event') {
      checkPayloadSize(input.Payload, 'Event', ASYNC_PAYLOAD_BYTES);
      const target = requireTarget(deps, context, ref);
      refuseUnsupported(input);
      await engine.accept({
        requestId: context.requestId,
        functionName: ref.name,
        qualifier: ref.qualifier,
        functionArn: target.qualifiedArn,
        payload: readPayload(input.Payload),
        source: 'Invoke',
        traceHeader: context.traceHeader,
      });
      return { StatusCode: 202 };
    }
    checkPayloadSize(input.Payload, 'RequestResponse', SYNC_PAYLOAD_BYTES);
    const target = requireTarget(deps, context, ref);
    refuseUnsupported(input);
    const payload = readPayload(input.Payload);
    const clientContext = readClientContext(input.ClientContext);
    if (input.InvocationType === 'DryRun') return { StatusCode: 204 };
    refuseRecursion(context.traceHeader, target);
    const outcome = await engine.invoke({
      requestId: context.requestId,
      functionName: ref.name,
      qualifier: ref.qualifier,
      payload,
      clientContext,
      traceHeader: context.traceHeader,
      logTail: input.LogType === 'Tail',
      signal: context.signal,
    });
    return showOutcome(outcome, context, ref);
  };
}

/** @param type as the message names it */
export function checkPayloadSize(payload: Uint8Array | undefined, type: string, limit: number): void {
  if (payload === undefined || payload.length <= limit) return;
  throw new ApiError(
    'RequestEntityTooLargeException',
    `${payload.length} byte payload is too large for the ${type} invocation type (limit ${limit} bytes)`,
  );
}

/** The payload as text, known to be JSON. */
export function readPayload(payload: Uint8Array | undefined): string {
  if (payload === undefined || payload.length === 0) return EMPTY_EVENT;
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(payload);
  if (isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    try {
      JSON.parse(text);
      return text;
    } catch {
      // Said below, in AWS's words.
    }
  }
  const fault = findJsonFault(bytes) ?? { text: 'Invalid UTF-8', line: 1, column: 1 };
  throw new ApiError(
    'InvalidRequestContentException',
    `Could not parse request body into json: Could not parse payload into json: ${fault.text}\n at [Source: REDACTED (\`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION\` disabled); line: ${fault.line}, column: ${fault.column}]`,
  );
}

/** What the caller names, existing and able to run. */
export function requireTarget(deps: LambdaDeps, context: RequestContext, ref: Reference): ResolvedTarget {
  const target = resolveTarget(deps.store.resources, ref.name, ref.qualifier, deps.random);
  if (target.kind === 'notFound') throw functionNotFound(context, ref.name, ref.qualifier ?? LATEST);
  if (target.record.state !== 'Active') {
    throw conflict(
      `The operation cannot be performed at this time. The function is currently in the following state: ${target.record.state}`,
    );
  }
  return target;
}

/** Asynchronous calls are accepted: their events end when their turn comes. */
export function refuseRecursion(traceHeader: string | undefined, target: ResolvedTarget): void {
  if (!isRecursive(traceHeader, target.spec.arn, target.recursiveLoop)) return;
  throw new ApiError('RecursiveInvocationException', RECURSION_MESSAGE);
}

/** What only durable or tenant-isolated functions take. */
export function refuseUnsupported(input: { TenantId?: string; DurableExecutionName?: string }): void {
  if (input.TenantId !== undefined) {
    throw unsupported('The function is not isolated by tenant: leave X-Amz-Tenant-Id out.');
  }
  if (input.DurableExecutionName !== undefined) {
    throw unsupported('The function is not durable: leave X-Amz-Durable-Execution-Name out.');
  }
}

/** JSON text out of the base64 of a synchronous call. */
export function readClientContext(encoded: string | undefined): string | undefined {
  if (!encoded) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new ApiError(
      'InvalidRequestContentException',
      'Client context must be a valid Base64-encoded JSON object.',
      { cause },
    );
  }
  return text;
}

/** A throttle as every synchronous caller sees it. */
function throttled(reason: string): ApiError {
  return new ApiError('TooManyRequestsException', 'Rate Exceeded.', {
    members: { Reason: reason },
    headers: { 'Retry-After': RETRY_AFTER_SECONDS },
  });
}

function showOutcome(outcome: Outcome, context: RequestContext, ref: Reference) {
  switch (outcome.kind) {
    case 'succeeded':
    case 'functionError':
      return {
        StatusCode: 200,
        ExecutedVersion: outcome.executedVersion,
        FunctionError: outcome.kind === 'functionError' ? 'Unhandled' : undefined,
        LogResult: outcome.report.logTail?.toString('base64'),
        Payload: outcome.payload,
      };
    default:
      throw outcomeError(outcome, context, ref);
  }
}

/** Outcomes in which nothing ran to an end. */
export function outcomeError(
  outcome: Exclude<Outcome, { kind: 'succeeded' | 'functionError' }>,
  context: RequestContext,
  ref: Reference,
): ApiError {
  switch (outcome.kind) {
    case 'throttled':
      return throttled(outcome.reason);
    case 'gone':
      return functionNotFound(context, ref.name, ref.qualifier ?? LATEST);
    case 'systemError':
      return new ApiError('ServiceException', outcome.message);
  }
}

/**
 * InvokeAsync, the old form of Invoke(Event): smaller payloads, no choice of type.
 * Source: AWS API reference, InvokeAsync (deprecated); limit observed.
 */
import type { InvokeAsyncRequest } from '@aws-sdk/client-lambda';
import { INVOKE_ASYNC_PAYLOAD_BYTES } from '../../../domain/lambda-limits.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { LambdaDeps } from '../deps.ts';
import { readReference } from '../reference.ts';
import { checkPayloadSize, readPayload, requireTarget } from './invoke.ts';

export function invokeAsync(deps: LambdaDeps): Handler<InvokeAsyncRequest> {
  return async (input, context) => {
    const body = input.InvokeArgs as Uint8Array | undefined;
    checkPayloadSize(body, 'Event', INVOKE_ASYNC_PAYLOAD_BYTES);
    const ref = readReference(deps.store.resources, context, input.FunctionName as string);
    const target = requireTarget(deps, context, ref);
    await deps.engine.accept({
      requestId: context.requestId,
      functionName: ref.name,
      qualifier: ref.qualifier,
      functionArn: target.qualifiedArn,
      payload: readPayload(body),
      source: 'InvokeAsync',
      traceHeader: context.traceHeader,
    });
    return { Status: 202 };
  };
}

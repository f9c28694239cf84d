/**
 * InvokeWithResponseStream: the result as an event stream. The run has ended when the stream begins, so
 * the caller gets chunks at once and always a completion; throttles are plain errors.
 */
import type { InvokeWithResponseStreamRequest } from '@aws-sdk/client-lambda';
import { SYNC_PAYLOAD_BYTES } from '../../../domain/lambda-limits.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { LambdaDeps } from '../deps.ts';
import { readReference } from '../reference.ts';
import {
  checkPayloadSize,
  outcomeError,
  readClientContext,
  readPayload,
  refuseRecursion,
  refuseUnsupported,
  requireTarget,
} from './invoke.ts';

/** Largest piece of payload in one event of the stream. */
const CHUNK_BYTES = 65_536;

type StreamEvent =
  | { readonly PayloadChunk: { readonly Payload: Buffer } }
  | {
      readonly InvokeComplete: {
        readonly ErrorCode?: string;
        readonly ErrorDetails?: string;
        readonly LogResult?: string;
      };
    };

export function invokeWithResponseStream(deps: LambdaDeps): Handler<InvokeWithResponseStreamRequest> {
  return async (input, context) => {
    const ref = readReference(deps.store.resources, context, input.FunctionName as string, input.Qualifier);
    checkPayloadSize(input.Payload, 'RequestResponse', SYNC_PAYLOAD_BYTES);
    const target = requireTarget(deps, context, ref);
    refuseUnsupported(input);
    const payload = readPayload(input.Payload);
    const clientContext = readClientContext(input.ClientContext);
    if (input.InvocationType === 'DryRun') {
      return { StatusCode: 204, ExecutedVersion: target.executedVersion, EventStream: stream([]) };
    }
    refuseRecursion(context.traceHeader, target);
    const outcome = await deps.engine.invoke({
      requestId: context.requestId,
      functionName: ref.name,
      qualifier: ref.qualifier,
      payload,
      clientContext,
      traceHeader: context.traceHeader,
      logTail: input.LogType === 'Tail',
      signal: context.signal,
    });
    if (outcome.kind !== 'succeeded' && outcome.kind !== 'functionError') {
      throw outcomeError(outcome, context, ref);
    }
    const failed = outcome.kind === 'functionError';
    return {
      StatusCode: 200,
      ExecutedVersion: outcome.executedVersion,
      ResponseStreamContentType: 'application/octet-stream',
      EventStream: stream([
        ...chunks(failed ? '' : outcome.payload),
        {
          InvokeComplete: {
            ErrorCode: failed ? 'Unhandled' : undefined,
            ErrorDetails: failed ? outcome.payload : undefined,
            LogResult: outcome.report.logTail?.toString('base64'),
          },
        },
      ]),
    };
  };
}

function chunks(payload: string): StreamEvent[] {
  const bytes = Buffer.from(payload);
  const events: StreamEvent[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    events.push({ PayloadChunk: { Payload: bytes.subarray(at, at + CHUNK_BYTES) } });
  }
  return events;
}

async function* stream(events: readonly StreamEvent[]): AsyncGenerator<StreamEvent> {
  yield* events;
}

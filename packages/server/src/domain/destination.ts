/**
 * What leaves the house when an event ends: the invocation record for destinations, and the original event
 * with its attributes for dead-letter queues.
 * Source: "Capturing records of Lambda asynchronous invocations", "Adding a dead-letter queue"; shapes observed.
 */
import type { Condition } from './async-retry.ts';
import type { Outcome } from './invocation.ts';
import { RECURSION_MESSAGE } from './lineage.ts';

export interface RecordInput {
  readonly requestId: string;
  /** Always qualified: `:$LATEST`, the version, or the alias used. */
  readonly functionArn: string;
  readonly condition: Condition | 'Success';
  readonly approximateInvokeCount: number;
  /** JSON text of the event. */
  readonly requestPayload: string;
  /** Absent when nothing ever ran (ZeroReservedConcurrency). */
  readonly outcome?: Outcome;
  /** Epoch ms. */
  readonly timestamp: number;
}

/** JSON text of the record that destinations receive. */
export function formatInvocationRecord(input: RecordInput): string {
  const context = JSON.stringify({
    requestId: input.requestId,
    functionArn: input.functionArn,
    condition: input.condition,
    approximateInvokeCount: input.approximateInvokeCount,
  });
  const response =
    input.condition === 'RecursiveInvocation'
      ? RECURSION_RESPONSE
      : input.outcome
        ? formatResponse(input.outcome)
        : '';
  // The payloads are spliced in as they are: parsing and printing them again would change numbers and order.
  return (
    `{"version":"1.0","timestamp":"${new Date(input.timestamp).toISOString()}",` +
    `"requestContext":${context},"requestPayload":${input.requestPayload}${response}}`
  );
}

/** Observed: no run, and yet a response. */
const RECURSION_RESPONSE =
  ',"responseContext":{"statusCode":400,"functionError":"RecursiveInvocationException"}';

function formatResponse(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'succeeded':
      return (
        `,"responseContext":${JSON.stringify({ statusCode: 200, executedVersion: outcome.executedVersion })}` +
        `,"responsePayload":${outcome.payload}`
      );
    case 'functionError':
      return (
        `,"responseContext":${JSON.stringify({ statusCode: 200, executedVersion: outcome.executedVersion, functionError: 'Unhandled' })}` +
        `,"responsePayload":${outcome.payload}`
      );
    case 'throttled':
      return ',"responseContext":{"statusCode":429}';
    case 'systemError':
      return ',"responseContext":{"statusCode":500}';
    case 'gone':
      return ',"responseContext":{"statusCode":404}';
  }
}

/** SQS/SNS message attribute as the queue keeps it. */
export interface TextAttribute {
  readonly DataType: 'String' | 'Number';
  readonly StringValue: string;
}

/** AWS: "ErrorMessage (String) – The first 1 KB of the error message". */
const ERROR_MESSAGE_BYTES = 1024;

/** Attributes beside the original event in a dead-letter queue. */
export function deadLetterAttributes(
  requestId: string,
  condition: Condition,
  outcome: Outcome | undefined,
): Record<string, TextAttribute> {
  const attributes: Record<string, TextAttribute> = {
    RequestID: { DataType: 'String', StringValue: requestId },
  };
  const { code, message } = describeFailure(condition, outcome);
  if (code !== undefined) attributes.ErrorCode = { DataType: 'Number', StringValue: String(code) };
  // SQS and SNS refuse an attribute with an empty value.
  if (message !== '') attributes.ErrorMessage = { DataType: 'String', StringValue: clipUtf8(message) };
  return attributes;
}

function describeFailure(
  condition: Condition,
  outcome: Outcome | undefined,
): { code?: number; message: string } {
  if (condition === 'ZeroReservedConcurrency') {
    // The missing space is AWS's (observed).
    return {
      message: 'Function not invoked. Function isconfigured with zero reserved concurrent executions',
    };
  }
  if (condition === 'RecursiveInvocation') return { code: 400, message: RECURSION_MESSAGE };
  // An event that grew too old before any run found no slot all its life: the wording of a throttle.
  if (outcome === undefined) return { code: 429, message: 'Rate Exceeded.' };
  switch (outcome.kind) {
    case 'functionError':
      return { code: 200, message: outcome.errorMessage };
    case 'throttled':
      return { code: 429, message: 'Rate Exceeded.' };
    case 'systemError':
      return { code: 500, message: outcome.message };
    case 'gone':
      return { code: 404, message: outcome.message };
    case 'succeeded':
      return { code: 200, message: '' };
  }
}

function clipUtf8(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= ERROR_MESSAGE_BYTES) return text;
  let end = ERROR_MESSAGE_BYTES;
  // Back to the start of a character.
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/** Why an event was given up, in short: goes with its dead letter, so that a pile of them can be grouped by reading it. */
import type { Condition } from './async-retry.ts';
import { type FailureFacts, type FailureSummary, fingerprintOf, readErrorPayload } from './fingerprint.ts';
import type { Outcome } from './invocation.ts';

export interface GivenUp {
  readonly condition: Condition;
  /** Absent when nothing ever ran. */
  readonly outcome?: Outcome;
  readonly functionName: string;
  readonly functionArn: string;
  readonly attempts: number;
}

export function summarizeFailure(givenUp: GivenUp): FailureSummary {
  const { id, type, message, frames } = fingerprintOf(factsOf(givenUp));
  const { condition, functionName, functionArn, attempts, outcome } = givenUp;
  const version = outcome && 'executedVersion' in outcome ? outcome.executedVersion : undefined;
  return {
    fingerprint: id,
    type,
    message,
    frames: [...frames],
    functionName,
    functionArn,
    version,
    condition,
    attempts,
  };
}

function factsOf({ condition, outcome }: GivenUp): FailureFacts {
  switch (outcome?.kind) {
    case 'functionError':
      return readErrorPayload(outcome.payload) ?? { type: outcome.errorType, message: outcome.errorMessage };
    case 'throttled':
      return { type: 'TooManyRequestsException', message: 'Rate Exceeded.' };
    case 'systemError':
      return { type: 'ServiceException', message: outcome.message };
    case 'gone':
      return { type: 'ResourceNotFoundException', message: outcome.message };
    default:
      return { type: condition, message: EXPLANATIONS[condition] };
  }
}

const EXPLANATIONS: Readonly<Record<Condition, string>> = {
  RetriesExhausted: 'Every attempt failed',
  EventAgeExceeded: 'Too old before it could run',
  ZeroReservedConcurrency: 'The function has no concurrency: nothing ran',
  RecursiveInvocation: 'Stopped in a recursive loop',
};

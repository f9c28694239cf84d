/** Lambda's commonest ways to say no, in AWS's words. */
import { type Refusal, refuse } from './refusal.ts';

export { type Refusal, refuse } from './refusal.ts';

/** The commonest: 400 InvalidParameterValueException. */
export function refuseParameter(message: string): Refusal {
  return refuse('InvalidParameterValueException', message);
}

export function refuseMissing(message: string): Refusal {
  return refuse('ResourceNotFoundException', message);
}

/** A constraint of the model, in the words of AWS's validation. */
export function refuseConstraint(value: unknown, member: string, constraint: string): Refusal {
  return refuse(
    'ValidationException',
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}

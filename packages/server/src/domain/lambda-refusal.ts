/**
 * A decision's "no": which of Lambda's errors it is and AWS's words for it. Services turn it into an ApiError.
 */
export interface Refusal {
  readonly kind: 'refused';
  /** Name of the error shape. */
  readonly error: string;
  readonly message: string;
}

export function refuse(error: string, message: string): Refusal {
  return { kind: 'refused', error, message };
}

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

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'refused';
}

/**
 * A decision's "no": which error of the service it is and AWS's words for it. A value, because decisions are
 * pure and only services know how errors are raised.
 */
export interface Refusal {
  readonly kind: 'refused';
  /** Name of the error shape: a row of the service's error table. */
  readonly error: string;
  readonly message: string;
}

export function refuse(error: string, message: string): Refusal {
  return { kind: 'refused', error, message };
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'refused';
}

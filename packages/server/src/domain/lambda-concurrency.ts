/**
 * Reserved and provisioned concurrency: what may be set beside what is set already.
 * An account keeps at least 100 for functions without a reservation. Texts observed, odd spacing included.
 */
import { ACCOUNT_CONCURRENCY, UNRESERVED_MINIMUM } from './lambda-limits.ts';
import { type Refusal, refuse, refuseParameter } from './lambda-refusal.ts';

export interface ConcurrencyState {
  /** Concurrent executions of the account. */
  readonly account: number;
  /** Sum of the reservations of all other functions. */
  readonly reservedElsewhere: number;
  /** Reservation of this function; absent: none. */
  readonly reserved?: number;
  /** Provisioned for this function, all qualifiers but the one in question. */
  readonly provisioned: number;
  /** Sum of what is provisioned for other functions that have no reservation. */
  readonly provisionedElsewhere: number;
}

export const DEFAULT_ACCOUNT_CONCURRENCY = ACCOUNT_CONCURRENCY;

export function checkReserved(state: ConcurrencyState, wanted: number): Refusal | undefined {
  if (wanted < state.provisioned) {
    return refuseParameter(
      ` ReservedConcurrentExecutions  ${wanted} should not be lower than function's total provisioned concurrency [${state.provisioned}].`,
    );
  }
  const left = state.account - state.reservedElsewhere - state.provisionedElsewhere - wanted;
  // An account that is below the minimum already (a small one) may still reserve nothing at all.
  if (wanted > 0 && left < UNRESERVED_MINIMUM) {
    return refuseParameter(
      `Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${UNRESERVED_MINIMUM}].`,
    );
  }
  return undefined;
}

export function checkProvisioned(state: ConcurrencyState, wanted: number): Refusal | undefined {
  if (state.reserved !== undefined) {
    return state.provisioned + wanted > state.reserved
      ? refuseParameter(
          'Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function',
        )
      : undefined;
  }
  const unreserved = state.account - state.reservedElsewhere - state.provisionedElsewhere - state.provisioned;
  if (wanted > unreserved) {
    return refuseParameter(
      `Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [${unreserved}].`,
    );
  }
  if (unreserved - wanted < UNRESERVED_MINIMUM) {
    return refuseParameter(
      `Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${UNRESERVED_MINIMUM}].`,
    );
  }
  return undefined;
}

/** A version and an alias of it cannot both be provisioned. */
export function checkProvisionedOverlap(
  qualifierIsAlias: boolean,
  versionIsProvisioned: boolean,
  aliasOfVersionIsProvisioned: boolean,
): Refusal | undefined {
  if (qualifierIsAlias && versionIsProvisioned) {
    return refuse(
      'ResourceConflictException',
      "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
    );
  }
  if (!qualifierIsAlias && aliasOfVersionIsProvisioned) {
    return refuse('ResourceConflictException', 'Version is pointed by a Provisioned Concurrency alias');
  }
  return undefined;
}

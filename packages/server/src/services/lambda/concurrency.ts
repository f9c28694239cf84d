/** What is reserved and provisioned, gathered from the store for the decisions on concurrency. */
import { type ConcurrencyState, DEFAULT_ACCOUNT_CONCURRENCY } from '../../domain/lambda-concurrency.ts';
import { type ConcurrencyRecord, LAMBDA_COLLECTIONS } from '../../domain/lambda-function.ts';
import type { LambdaDeps } from './deps.ts';

/** Kept by `<name>:<version or alias>`. */
export interface ProvisionedRecord {
  readonly requested: number;
  /** Epoch ms. */
  readonly lastModifiedAt: number;
}

const C = LAMBDA_COLLECTIONS;

export function accountConcurrency(deps: LambdaDeps): number {
  return deps.accountConcurrency ?? DEFAULT_ACCOUNT_CONCURRENCY;
}

/** @param except key of the provisioned configuration that is being changed */
export function readConcurrencyState(deps: LambdaDeps, name: string, except?: string): ConcurrencyState {
  const { resources } = deps.store;
  const reserved = resources.list<ConcurrencyRecord>(C.concurrency);
  const reservedNames = new Set(reserved.map(({ key }) => key));
  let provisioned = 0;
  let provisionedElsewhere = 0;
  for (const { key, value } of resources.list<ProvisionedRecord>(C.provisionedConcurrency)) {
    const owner = key.slice(0, key.indexOf(':'));
    if (owner === name) provisioned += key === except ? 0 : value.requested;
    else if (!reservedNames.has(owner)) provisionedElsewhere += value.requested;
  }
  return {
    account: accountConcurrency(deps),
    reservedElsewhere: reserved
      .filter(({ key }) => key !== name)
      .reduce((sum, { value }) => sum + value.reserved, 0),
    reserved: reserved.find(({ key }) => key === name)?.value.reserved,
    provisioned,
    provisionedElsewhere,
  };
}

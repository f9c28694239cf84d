/** PutDataProtectionPolicy, GetDataProtectionPolicy, DeleteDataProtectionPolicy. */
import type {
  DeleteDataProtectionPolicyRequest,
  GetDataProtectionPolicyRequest,
  GetDataProtectionPolicyResponse,
  PutDataProtectionPolicyRequest,
  PutDataProtectionPolicyResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  compilePolicy,
  DATA_PROTECTION,
  type DataProtectionRecord,
  PolicyError,
} from '../../../domain/log-masking.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { groupOf, invalidParameter, type LogsDeps, requireGroup } from '../deps.ts';

export function putDataProtectionPolicy(
  deps: LogsDeps,
): Handler<PutDataProtectionPolicyRequest, PutDataProtectionPolicyResponse> {
  return async (input) => {
    const group = groupOf({ logGroupIdentifier: input.logGroupIdentifier });
    requireGroup(deps, group);
    const document = input.policyDocument as string;
    try {
      compilePolicy(document);
    } catch (error) {
      if (error instanceof PolicyError) throw invalidParameter(error.message);
      throw error;
    }
    const value: DataProtectionRecord = { document, updatedAt: deps.clock.now() };
    await deps.store.commit([{ kind: 'put', collection: DATA_PROTECTION, key: group, value }]);
    return {
      logGroupIdentifier: input.logGroupIdentifier,
      policyDocument: document,
      lastUpdatedTime: value.updatedAt,
    };
  };
}

export function getDataProtectionPolicy(
  deps: LogsDeps,
): Handler<GetDataProtectionPolicyRequest, GetDataProtectionPolicyResponse> {
  return (input) => {
    const group = groupOf({ logGroupIdentifier: input.logGroupIdentifier });
    requireGroup(deps, group);
    const found = deps.store.resources.get<DataProtectionRecord>(DATA_PROTECTION, group)?.value;
    return {
      logGroupIdentifier: input.logGroupIdentifier,
      policyDocument: found?.document,
      lastUpdatedTime: found?.updatedAt,
    };
  };
}

export function deleteDataProtectionPolicy(deps: LogsDeps): Handler<DeleteDataProtectionPolicyRequest> {
  return async (input) => {
    const group = groupOf({ logGroupIdentifier: input.logGroupIdentifier });
    requireGroup(deps, group);
    await deps.store.commit([{ kind: 'remove', collection: DATA_PROTECTION, key: group }]);
    return {};
  };
}

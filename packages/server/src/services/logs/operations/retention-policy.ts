/** PutRetentionPolicy and DeleteRetentionPolicy: how many days the lines of a group are kept. */
import type {
  DeleteRetentionPolicyRequest,
  PutRetentionPolicyRequest,
} from '@aws-sdk/client-cloudwatch-logs';
import { LOG_GROUPS, type LogGroup, RETENTION_DAYS } from '../../../domain/log-groups.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { constraintBroken, type LogsDeps, requireGroup } from '../deps.ts';

export function putRetentionPolicy(deps: LogsDeps): Handler<PutRetentionPolicyRequest> {
  return async (input) => {
    const days = input.retentionInDays as number;
    if (!RETENTION_DAYS.includes(days)) {
      throw constraintBroken(
        days,
        'retentionInDays',
        `Member must satisfy enum value set: [${RETENTION_DAYS.join(', ')}]`,
      );
    }
    return setRetention(deps, input.logGroupName as string, days);
  };
}

export function deleteRetentionPolicy(deps: LogsDeps): Handler<DeleteRetentionPolicyRequest> {
  return async (input) => setRetention(deps, input.logGroupName as string, undefined);
}

async function setRetention(deps: LogsDeps, name: string, days: number | undefined): Promise<object> {
  const group = requireGroup(deps, name);
  const value: LogGroup = { ...group.value, retentionInDays: days };
  await deps.store.commit([{ kind: 'put', collection: LOG_GROUPS, key: name, value }]);
  return {};
}

/** DeleteAlarms, SetAlarmState, EnableAlarmActions, DisableAlarmActions. */
import type {
  DeleteAlarmsInput,
  DisableAlarmActionsInput,
  EnableAlarmActionsInput,
  SetAlarmStateInput,
} from '@aws-sdk/client-cloudwatch';
import { ALARMS, type AlarmRecord, type AlarmStateValue } from '../../../domain/alarm.ts';
import { childrenOf, parseRule } from '../../../domain/alarm-rule.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { type CloudWatchDeps, invalidValue } from '../deps.ts';

export function deleteAlarms(deps: CloudWatchDeps): Handler<DeleteAlarmsInput> {
  return async (input) => {
    const { resources } = deps.store;
    const names = input.AlarmNames ?? [];
    for (const { key, value } of resources.list<AlarmRecord>(ALARMS)) {
      if (value.settings.kind !== 'composite' || names.includes(key)) continue;
      const child = childrenOf(parseRule(value.settings.rule)).find((name) => names.includes(name));
      if (child !== undefined) {
        throw invalidValue(`Cannot delete ${child} as there are composite alarm(s) depending on it: ${key}`);
      }
    }
    const found = names.filter((name) => resources.get(ALARMS, name));
    if (found.length === 0) return {};
    await deps.store.commit(found.map((key) => ({ kind: 'remove', collection: ALARMS, key })));
    return {};
  };
}

export function setAlarmState(deps: CloudWatchDeps): Handler<SetAlarmStateInput> {
  return async (input) => {
    const name = input.AlarmName as string;
    if (input.StateReasonData !== undefined) checkJson(input.StateReasonData);
    const state = {
      value: input.StateValue as AlarmStateValue,
      reason: input.StateReason as string,
      reasonData: input.StateReasonData,
    };
    // The evaluation may have moved it at the same time: then the state that was asked for comes after it.
    while (!(await deps.alarms.setState(name, state))) {
      if (!deps.store.resources.get(ALARMS, name)) throw new ApiError('ResourceNotFound', '');
    }
    return {};
  };
}

function checkJson(text: string): void {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new ApiError('InvalidFormatFault', `StateReasonData must be JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
}

const setActions =
  (
    deps: CloudWatchDeps,
    actionsEnabled: boolean,
  ): Handler<EnableAlarmActionsInput | DisableAlarmActionsInput> =>
  async (input) => {
    const unit = (input.AlarmNames ?? []).flatMap((key) => {
      const alarm = deps.store.resources.get<AlarmRecord>(ALARMS, key);
      if (!alarm) return [];
      const value: AlarmRecord = { ...alarm.value, actionsEnabled };
      return [{ kind: 'put', collection: ALARMS, key, value, ifVersion: alarm.version } as const];
    });
    if (unit.length === 0) return {};
    const result = await deps.store.commit(unit);
    if (result.kind === 'conflict') {
      throw new ApiError(
        'ConcurrentModificationException',
        'More than one process tried to modify a resource at the same time.',
      );
    }
    return {};
  };

export const enableAlarmActions = (deps: CloudWatchDeps) => setActions(deps, true);
export const disableAlarmActions = (deps: CloudWatchDeps) => setActions(deps, false);

/** TagResource, UntagResource, ListTagsForResource: tags of alarms. */
import type {
  ListTagsForResourceInput,
  ListTagsForResourceOutput,
  TagResourceInput,
  UntagResourceInput,
} from '@aws-sdk/client-cloudwatch';
import { ALARMS, type AlarmRecord, alarmNameOf } from '../../../domain/alarm.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { CloudWatchDeps } from '../deps.ts';

function requireAlarm(deps: CloudWatchDeps, arn: string) {
  const alarm = deps.store.resources.get<AlarmRecord>(ALARMS, alarmNameOf(arn));
  if (!alarm) throw new ApiError('ResourceNotFoundException', `${arn} is not an alarm.`);
  return alarm;
}

async function changeTags(
  deps: CloudWatchDeps,
  arn: string,
  change: (tags: Record<string, string>) => Record<string, string>,
): Promise<object> {
  const alarm = requireAlarm(deps, arn);
  const value: AlarmRecord = { ...alarm.value, tags: change({ ...alarm.value.tags }) };
  await deps.store.commit([{ kind: 'put', collection: ALARMS, key: alarm.key, value }]);
  return {};
}

export function tagResource(deps: CloudWatchDeps): Handler<TagResourceInput> {
  return (input) =>
    changeTags(deps, input.ResourceARN as string, (tags) => ({
      ...tags,
      ...Object.fromEntries((input.Tags ?? []).map(({ Key, Value }) => [Key as string, Value as string])),
    }));
}

export function untagResource(deps: CloudWatchDeps): Handler<UntagResourceInput> {
  return (input) =>
    changeTags(deps, input.ResourceARN as string, (tags) =>
      Object.fromEntries(Object.entries(tags).filter(([key]) => !input.TagKeys?.includes(key))),
    );
}

export function listTagsForResource(
  deps: CloudWatchDeps,
): Handler<ListTagsForResourceInput, ListTagsForResourceOutput> {
  return (input) => {
    const { tags } = requireAlarm(deps, input.ResourceARN as string).value;
    return { Tags: Object.entries(tags ?? {}).map(([Key, Value]) => ({ Key, Value })) };
  };
}

/** Tags of log groups: TagResource and its family, and the older TagLogGroup family. */
import type {
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  ListTagsLogGroupRequest,
  ListTagsLogGroupResponse,
  TagLogGroupRequest,
  TagResourceRequest,
  UntagLogGroupRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-cloudwatch-logs';
import { groupNameOf, LOG_GROUPS, type LogGroup } from '../../../domain/log-groups.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { type LogsDeps, requireGroup } from '../deps.ts';

const MAX_TAGS = 50;

type Tags = Record<string, string>;

async function changeTags(deps: LogsDeps, name: string, change: (tags: Tags) => Tags): Promise<object> {
  const group = requireGroup(deps, name);
  const tags = change({ ...group.value.tags });
  if (Object.keys(tags).length > MAX_TAGS) {
    throw new ApiError('TooManyTagsException', `A log group can have ${MAX_TAGS} tags at most.`);
  }
  const value: LogGroup = { ...group.value, tags };
  await deps.store.commit([{ kind: 'put', collection: LOG_GROUPS, key: name, value }]);
  return {};
}

function without(tags: Tags, keys: readonly string[]): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.includes(key)));
}

export function tagResource(deps: LogsDeps): Handler<TagResourceRequest> {
  return (input) =>
    changeTags(deps, groupNameOf(input.resourceArn as string), (tags) => ({ ...tags, ...input.tags }));
}

export function untagResource(deps: LogsDeps): Handler<UntagResourceRequest> {
  return (input) =>
    changeTags(deps, groupNameOf(input.resourceArn as string), (tags) => without(tags, input.tagKeys ?? []));
}

export function listTagsForResource(
  deps: LogsDeps,
): Handler<ListTagsForResourceRequest, ListTagsForResourceResponse> {
  return (input) => ({ tags: requireGroup(deps, groupNameOf(input.resourceArn as string)).value.tags ?? {} });
}

export function tagLogGroup(deps: LogsDeps): Handler<TagLogGroupRequest> {
  return (input) => changeTags(deps, input.logGroupName as string, (tags) => ({ ...tags, ...input.tags }));
}

export function untagLogGroup(deps: LogsDeps): Handler<UntagLogGroupRequest> {
  return (input) => changeTags(deps, input.logGroupName as string, (tags) => without(tags, input.tags ?? []));
}

export function listTagsLogGroup(deps: LogsDeps): Handler<ListTagsLogGroupRequest, ListTagsLogGroupResponse> {
  return (input) => ({ tags: requireGroup(deps, input.logGroupName as string).value.tags ?? {} });
}

/** TagResource, UntagResource, ListTagsForResource. */
import type {
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  Tag,
  TagResourceRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-sns';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { invalidParameter, requireTopic, type SnsDeps, updateTopic } from '../deps.ts';

/** AWS: 50 tags a topic. */
const MAX_TAGS = 50;

export function readTags(tags: readonly Tag[] | undefined): Record<string, string> {
  const result: Record<string, string> = {};
  for (const { Key = '', Value = '' } of tags ?? []) {
    if (Object.hasOwn(result, Key)) throw invalidParameter('Duplicated keys are not allowed.');
    result[Key] = Value;
  }
  return result;
}

/** Tags of a topic that is not there have an error of their own. */
async function asResource<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ApiError && error.name === 'NotFoundException') {
      throw new ApiError('ResourceNotFoundException', 'Resource does not exist');
    }
    throw error;
  }
}

export function tagResource(deps: SnsDeps): Handler<TagResourceRequest, Record<string, never>> {
  return (input) =>
    asResource(async () => {
      const added = readTags(input.Tags);
      await updateTopic(
        deps,
        input.ResourceArn,
        (topic) => {
          const tags = { ...topic.tags, ...added };
          if (Object.keys(tags).length > MAX_TAGS) {
            throw new ApiError(
              'TagLimitExceededException',
              'Could not complete request: tag quota of per resource exceeded',
            );
          }
          return { ...topic, tags };
        },
        'ResourceArn',
      );
      return {};
    });
}

export function untagResource(deps: SnsDeps): Handler<UntagResourceRequest, Record<string, never>> {
  return (input) =>
    asResource(async () => {
      const removed = new Set(input.TagKeys ?? []);
      await updateTopic(
        deps,
        input.ResourceArn,
        (topic) => ({
          ...topic,
          tags: Object.fromEntries(Object.entries(topic.tags).filter(([key]) => !removed.has(key))),
        }),
        'ResourceArn',
      );
      return {};
    });
}

export function listTagsForResource(
  deps: SnsDeps,
): Handler<ListTagsForResourceRequest, ListTagsForResourceResponse> {
  return (input) =>
    asResource(() => {
      const { tags } = requireTopic(deps, input.ResourceArn, 'ResourceArn').value;
      return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
    });
}

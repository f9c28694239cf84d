/** TagQueue, UntagQueue, ListQueueTags. */
import type {
  ListQueueTagsRequest,
  ListQueueTagsResult,
  TagQueueRequest,
  UntagQueueRequest,
} from '@aws-sdk/client-sqs';
import type { Handler } from '../../../protocol/operation.ts';
import { invalidParameter, missingParameter, requireQueue, updateQueue } from '../deps.ts';
import type { SqsParts } from '../parts.ts';

/** AWS: 50 tags a queue, keys to 128 characters, values to 256. */
const MAX_TAGS = 50;
const MAX_KEY_CHARS = 128;
const MAX_VALUE_CHARS = 256;

export function tagQueue(parts: SqsParts): Handler<TagQueueRequest, Record<string, never>> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    const added = input.Tags ?? {};
    if (Object.keys(added).length === 0) throw missingParameter('Tags');
    checkTags(added);
    await updateQueue(parts, queue.name, context, (record) => {
      const tags = { ...record.tags, ...added };
      if (Object.keys(tags).length > MAX_TAGS) {
        throw invalidParameter(`Too many tags added for queue ${queue.name}.`);
      }
      return { record: { ...record, tags } };
    });
    return {};
  };
}

export function untagQueue(parts: SqsParts): Handler<UntagQueueRequest, Record<string, never>> {
  return async (input, context) => {
    const queue = requireQueue(parts, input.QueueUrl, context);
    const removed = new Set(input.TagKeys ?? []);
    if (removed.size === 0) throw missingParameter('TagKeys');
    await updateQueue(parts, queue.name, context, (record) => {
      const tags = Object.fromEntries(Object.entries(record.tags).filter(([key]) => !removed.has(key)));
      return { record: { ...record, tags } };
    });
    return {};
  };
}

export function listQueueTags(parts: SqsParts): Handler<ListQueueTagsRequest, ListQueueTagsResult> {
  return (input, context) => {
    const { tags } = requireQueue(parts, input.QueueUrl, context).record;
    return Object.keys(tags).length === 0 ? {} : { Tags: tags };
  };
}

export function checkTags(tags: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(tags)) {
    if (key === '' || key.length > MAX_KEY_CHARS || key.toLowerCase().startsWith('aws:')) {
      throw invalidParameter(
        `Tag keys must be between 1 and ${MAX_KEY_CHARS} characters in length and must not start with 'aws:'.`,
      );
    }
    if (value.length > MAX_VALUE_CHARS) {
      throw invalidParameter(`Tag values must be between 0 and ${MAX_VALUE_CHARS} characters in length.`);
    }
  }
}

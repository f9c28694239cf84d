/** Publish, PublishBatch. A message that got its id is durable, and so is every copy of it that stays in the house. */
import type {
  PublishBatchInput,
  PublishBatchRequestEntry,
  PublishBatchResponse,
  PublishInput,
  PublishResponse,
} from '@aws-sdk/client-sns';
import { planTextMessage } from '../../../domain/sns-fan-out.ts';
import { checkPublication, MAX_PUBLISH_BYTES } from '../../../domain/sns-message.ts';
import { isPhoneNumber } from '../../../domain/sns-subscription-attributes.ts';
import type { TopicRecord } from '../../../domain/sns-topic.ts';
import type { WireAttributes } from '../../../domain/sqs-message-attributes.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { invalidParameter, requireTopic, type SnsDeps, unwrap } from '../deps.ts';

/** AWS: ten messages, ids of up to 80 characters. */
const MAX_ENTRIES = 10;
const ENTRY_ID = /^[A-Za-z0-9_-]{1,80}$/;

export function publish(deps: SnsDeps): Handler<PublishInput, PublishResponse> {
  return async (input, context) => {
    if (input.PhoneNumber !== undefined) return publishToPhone(deps, input);
    const { value: topic } = target(deps, input);
    const message = read(input, topic);
    const [published] = await deps.engine.topics.publish(topic, [message], context.traceHeader);
    return { MessageId: published?.messageId, SequenceNumber: published?.sequenceNumber };
  };
}

function target(deps: SnsDeps, { TopicArn, TargetArn }: PublishInput) {
  if (TopicArn !== undefined) return requireTopic(deps, TopicArn);
  if (TargetArn === undefined) {
    throw invalidParameter('TopicArn or TargetArn Reason: no value for required parameter');
  }
  if (/^arn:[^:]+:sns:[^:]*:[^:]*:endpoint\//.test(TargetArn)) {
    throw invalidParameter('TargetArn Reason: No endpoint found for the target arn specified');
  }
  return requireTopic(deps, TargetArn, 'TargetArn');
}

type Message = Omit<PublishInput, 'TopicArn'> | PublishBatchRequestEntry;

function read(input: Message, topic: TopicRecord | undefined) {
  return unwrap(
    checkPublication(
      {
        message: input.Message ?? '',
        subject: input.Subject,
        structure: input.MessageStructure,
        attributes: input.MessageAttributes as WireAttributes,
        groupId: input.MessageGroupId,
        deduplicationId: input.MessageDeduplicationId,
      },
      topic,
    ),
  );
}

async function publishToPhone(deps: SnsDeps, input: PublishInput): Promise<PublishResponse> {
  const number = input.PhoneNumber as string;
  if (!isPhoneNumber(number)) {
    throw invalidParameter(`PhoneNumber Reason: ${number} is not valid to publish to`);
  }
  const { texts } = read(input, undefined);
  const text = texts.sms ?? (texts.default as string);
  const planned = planTextMessage(number, text, { ids: deps.ids, now: deps.clock.now() });
  await deps.store.commit(planned.effects);
  return { MessageId: planned.messageId };
}

/** One bad entry fails the whole batch (observed). */
export function publishBatch(deps: SnsDeps): Handler<PublishBatchInput, PublishBatchResponse> {
  return async (input, context) => {
    const { value: topic } = requireTopic(deps, input.TopicArn);
    const entries = input.PublishBatchRequestEntries ?? [];
    checkEntries(entries);
    const messages = entries.map((entry) => read(entry, topic));
    if (messages.reduce((sum, { bytes }) => sum + bytes, 0) > MAX_PUBLISH_BYTES) {
      throw new ApiError(
        'BatchRequestTooLongException',
        'The length of all the messages put together is more than the limit.',
      );
    }
    const published = await deps.engine.topics.publish(topic, messages, context.traceHeader);
    return {
      Successful: published.map(({ messageId, sequenceNumber }, index) => ({
        Id: entries[index]?.Id,
        MessageId: messageId,
        SequenceNumber: sequenceNumber,
      })),
      Failed: [],
    };
  };
}

function checkEntries(entries: readonly PublishBatchRequestEntry[]): void {
  if (entries.length === 0) {
    throw new ApiError('EmptyBatchRequestException', "The batch request doesn't contain any entries.");
  }
  if (entries.length > MAX_ENTRIES) {
    throw new ApiError(
      'TooManyEntriesInBatchRequestException',
      'The batch request contains more entries than permissible.',
    );
  }
  const ids = new Set<string>();
  for (const { Id = '' } of entries) {
    if (!ENTRY_ID.test(Id)) {
      throw new ApiError(
        'InvalidBatchEntryIdException',
        "The Id of a batch entry in a batch request doesn't abide by the specification.",
      );
    }
    if (ids.has(Id)) {
      throw new ApiError(
        'BatchEntryIdsNotDistinctException',
        'Two or more batch entries in the request have the same Id.',
      );
    }
    ids.add(Id);
  }
}

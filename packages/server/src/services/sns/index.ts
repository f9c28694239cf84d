/** SNS: the table of its operations, and the loop that works beside them. */
import type { Service } from '../../protocol/operation.ts';
import type { SnsDeps } from './deps.ts';
import { SNS_ERRORS } from './errors.ts';
import { addPermission, removePermission } from './operations/permissions.ts';
import { publish, publishBatch } from './operations/publish.ts';
import { getSmsAttributes, setSmsAttributes } from './operations/sms-attributes.ts';
import { confirmSubscription, subscribe, unsubscribe } from './operations/subscribe.ts';
import {
  getSubscriptionAttributes,
  listSubscriptions,
  listSubscriptionsByTopic,
  setSubscriptionAttributes,
} from './operations/subscriptions.ts';
import { listTagsForResource, tagResource, untagResource } from './operations/tags.ts';
import {
  createTopic,
  deleteTopic,
  getTopicAttributes,
  listTopics,
  setTopicAttributes,
} from './operations/topics.ts';
import { PendingSweeper } from './pending-sweeper.ts';

export interface SnsService extends Service {
  /** Begins to remove subscriptions that nobody confirms. */
  start(): void;
  stop(): void;
}

export function createSnsService(deps: SnsDeps): SnsService {
  const sweeper = new PendingSweeper(deps);
  return {
    name: 'sns',
    errors: SNS_ERRORS,
    operations: {
      AddPermission: addPermission(deps),
      ConfirmSubscription: confirmSubscription(deps),
      CreateTopic: createTopic(deps),
      DeleteTopic: deleteTopic(deps),
      GetSMSAttributes: getSmsAttributes(deps),
      GetSubscriptionAttributes: getSubscriptionAttributes(deps),
      GetTopicAttributes: getTopicAttributes(deps),
      ListSubscriptions: listSubscriptions(deps),
      ListSubscriptionsByTopic: listSubscriptionsByTopic(deps),
      ListTagsForResource: listTagsForResource(deps),
      ListTopics: listTopics(deps),
      Publish: publish(deps),
      PublishBatch: publishBatch(deps),
      RemovePermission: removePermission(deps),
      SetSMSAttributes: setSmsAttributes(deps),
      SetSubscriptionAttributes: setSubscriptionAttributes(deps),
      SetTopicAttributes: setTopicAttributes(deps),
      Subscribe: subscribe(deps),
      TagResource: tagResource(deps),
      Unsubscribe: unsubscribe(deps),
      UntagResource: untagResource(deps),
    },
    linked: ['ConfirmSubscription', 'Unsubscribe'],
    start: () => sweeper.start(),
    stop: () => sweeper.stop(),
  };
}

/** Subscriptions that were removed lately and can be restored by the endpoint, with the token it was sent. */
import { type SubscriptionRecord, subscriptionKey } from '../../domain/sns-topic.ts';
import type { JsonObject } from '../../store/store.ts';

/** By the subscription's key. */
export const REMOVED = 'sns-removed-subscriptions';

export interface RemovedSubscription extends JsonObject {
  /** Epoch ms. */
  removedAt: number;
  /** With the token that restores it. */
  record: SubscriptionRecord;
}

export function removedKey(record: Pick<SubscriptionRecord, 'topicName' | 'id'>): string {
  return subscriptionKey(record.topicName, record.id);
}

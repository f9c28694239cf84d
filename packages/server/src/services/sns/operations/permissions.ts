/** AddPermission, RemovePermission: statements of a topic's policy, which is kept and shown, not evaluated. */
import type { AddPermissionInput, RemovePermissionInput } from '@aws-sdk/client-sns';
import type { TopicRecord } from '../../../domain/sns-topic.ts';
import { defaultPolicy } from '../../../domain/sns-topic-attributes.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { invalidParameter, type SnsDeps, updateTopic } from '../deps.ts';

interface Policy {
  Statement: { Sid?: string }[];
}

/** What a topic's policy may allow. */
const ACTIONS: ReadonlySet<string> = new Set([
  'GetTopicAttributes',
  'SetTopicAttributes',
  'AddPermission',
  'RemovePermission',
  'DeleteTopic',
  'Subscribe',
  'ListSubscriptionsByTopic',
  'Publish',
  'GetDataProtectionPolicy',
  'PutDataProtectionPolicy',
]);

function policyOf(deps: SnsDeps, topic: TopicRecord): Policy {
  const policy = JSON.parse(topic.attributes.Policy ?? defaultPolicy(topic.arn, deps.accountId)) as Policy;
  const { Statement } = policy;
  return { ...policy, Statement: Array.isArray(Statement) ? Statement : [Statement] };
}

export function addPermission(deps: SnsDeps): Handler<AddPermissionInput, Record<string, never>> {
  return async (input) => {
    const { Label, AWSAccountId: accounts = [], ActionName: actions = [] } = input;
    if (actions.some((action) => !ACTIONS.has(action))) {
      throw invalidParameter('Policy statement action out of service scope!');
    }
    await updateTopic(deps, input.TopicArn, (topic) => {
      const policy = policyOf(deps, topic);
      if (policy.Statement.some(({ Sid }) => Sid === Label))
        throw invalidParameter('Statement already exists');
      const principals = accounts.map((account) => `arn:aws:iam::${account}:root`);
      const statement = {
        Sid: Label,
        Effect: 'Allow',
        Principal: { AWS: principals.length === 1 ? principals[0] : principals },
        Action: actions.length === 1 ? `SNS:${actions[0]}` : actions.map((action) => `SNS:${action}`),
        Resource: topic.arn,
      };
      const Policy = JSON.stringify({ ...policy, Statement: [...policy.Statement, statement] });
      return { ...topic, attributes: { ...topic.attributes, Policy } };
    });
    return {};
  };
}

export function removePermission(deps: SnsDeps): Handler<RemovePermissionInput, Record<string, never>> {
  return async (input) => {
    await updateTopic(deps, input.TopicArn, (topic) => {
      const policy = policyOf(deps, topic);
      const Statement = policy.Statement.filter(({ Sid }) => Sid !== input.Label);
      return {
        ...topic,
        attributes: { ...topic.attributes, Policy: JSON.stringify({ ...policy, Statement }) },
      };
    });
    return {};
  };
}

/** Deliveries of records that are refused on command, as a target without permission or in trouble refuses them. */
import { parseArn } from '../domain/arn.ts';
import type { FaultRule } from '../domain/fault-rule.ts';
import type { PlanDelivery } from '../engine/targets.ts';
import type { FaultRules } from './fault-rules.ts';
import { parseLazily } from './lazy-json.ts';

const REFUSING = ['accessDenied', 'unavailable', 'throttle'];

/** @param plan what happens where no rule acts */
export function createFaultyDeliveries(rules: FaultRules): (plan: PlanDelivery) => PlanDelivery {
  return (plan) => (delivery, causedBy) => {
    if (!rules.has('queue') && !rules.has('topic')) return plan(delivery, causedBy);
    const { service, resource = '' } = parseArn(delivery.arn) ?? {};
    const kind = service === 'sqs' ? 'queue' : service === 'sns' ? 'topic' : undefined;
    const rule =
      kind &&
      rules.pick(
        kind,
        { name: resource, requestId: causedBy, payload: parseLazily(delivery.body) },
        REFUSING,
      );
    if (!rule) return plan(delivery, causedBy);
    void rules.tell(causedBy, rule, { role: delivery.role });
    return { kind: 'refused', ...refusalOf(rule, kind, delivery.arn) };
  };
}

function refusalOf(
  rule: FaultRule,
  kind: 'queue' | 'topic',
  arn: string,
): { readonly code: string; readonly message: string } {
  const by = `(fault ${rule.id})`;
  switch (rule.effect) {
    case 'accessDenied': {
      const action = kind === 'queue' ? 'sqs:sendmessage' : 'SNS:Publish';
      const code = kind === 'queue' ? 'AccessDenied' : 'AuthorizationError';
      return { code, message: `not authorized to perform: ${action} on resource: ${arn} ${by}` };
    }
    case 'throttle':
      return { code: kind === 'queue' ? 'RequestThrottled' : 'Throttled', message: `Rate exceeded ${by}` };
    default:
      return { code: 'ServiceUnavailable', message: `The service is unavailable. ${by}` };
  }
}

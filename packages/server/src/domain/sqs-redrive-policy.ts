/**
 * Checks of `RedrivePolicy` (on a source queue) and `RedriveAllowPolicy` (on a dead-letter queue).
 * Source: SetQueueAttributes; wording observed.
 */
import { parseArn } from './arn.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { isFifoName, type Queue, type RedrivePolicy } from './sqs-queue.ts';

/** AWS: maxReceiveCount 1 to 1,000. */
const MAX_RECEIVE_COUNT = 1000;
/** AWS: at most ten source queues by ARN. */
const MAX_SOURCES = 10;

const notAMap = (name: string): Refusal =>
  refuse(
    'InvalidAttributeValue',
    `Invalid value for the parameter ${name}. Reason: Redrive policy is not a valid JSON map.`,
  );

function parseMap(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Form and numbers only; whether the target exists is `checkRedriveTarget`'s question. */
export function parseRedrivePolicy(text: string): RedrivePolicy | Refusal {
  const policy = parseMap(text);
  if (!policy) return notAMap('RedrivePolicy');
  const { deadLetterTargetArn, maxReceiveCount } = policy;
  for (const name of ['maxReceiveCount', 'deadLetterTargetArn']) {
    if (!(name in policy)) {
      return refusePolicy(text, `Redrive policy does not contain mandatory attribute: ${name}.`);
    }
  }
  const count = Number(maxReceiveCount);
  if (!Number.isInteger(count) || count < 1 || count > MAX_RECEIVE_COUNT) {
    return refusePolicy(
      text,
      `Invalid value for maxReceiveCount: ${maxReceiveCount}, valid values are from 1 to ${MAX_RECEIVE_COUNT} both inclusive.`,
    );
  }
  const arn = typeof deadLetterTargetArn === 'string' ? parseArn(deadLetterTargetArn) : undefined;
  if (!arn) return refusePolicy(text, 'Invalid value for deadLetterTargetArn.');
  if (arn.service !== 'sqs') {
    return refusePolicy(text, 'Only SQS queues are valid resources for deadLetterTargetArn.');
  }
  if (Object.keys(policy).length > 2) {
    return refusePolicy(
      text,
      'Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].',
    );
  }
  return { deadLetterTargetArn: deadLetterTargetArn as string, maxReceiveCount: count };
}

export interface RedriveSource {
  readonly name: string;
  readonly arn: string;
}

/** Whether `source` may send its dead letters to `target`. `text` is the policy as it was given. */
export function checkRedriveTarget(
  text: string,
  policy: RedrivePolicy,
  source: RedriveSource,
  target: Queue | undefined,
): Refusal | undefined {
  const from = parseArn(source.arn);
  const to = parseArn(policy.deadLetterTargetArn);
  if (from?.accountId !== to?.accountId) {
    return refusePolicy(text, 'Dead-letter target owner should be same as the source.');
  }
  if (!target || from?.region !== to?.region) return refusePolicy(text, 'Dead letter target does not exist.');
  if (isFifoName(source.name) !== target.fifo) {
    return refusePolicy(text, 'Dead-letter queue must be same type of queue as the source.');
  }
  if (!allowsSource(target, source.arn)) {
    // AWS's words are not known.
    return refusePolicy(
      text,
      'The redrive allow policy of the dead-letter queue does not permit this source queue.',
    );
  }
  return undefined;
}

export interface RedriveAllowPolicy {
  readonly redrivePermission: 'allowAll' | 'denyAll' | 'byQueue';
  readonly sourceQueueArns?: readonly string[];
}

function allowsSource(target: Queue, sourceArn: string): boolean {
  const text = target.record.attributes.RedriveAllowPolicy;
  if (!text) return true;
  const policy = parseRedriveAllowPolicy(text);
  if (isRefusal(policy) || policy.redrivePermission === 'allowAll') return true;
  return policy.redrivePermission === 'byQueue' && (policy.sourceQueueArns ?? []).includes(sourceArn);
}

export function parseRedriveAllowPolicy(text: string): RedriveAllowPolicy | Refusal {
  const unsupported = refuse(
    'InvalidAttributeValue',
    "Invalid value for the parameter RedriveAllowPolicy. Reason: Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format.",
  );
  const policy = parseMap(text);
  if (!policy) return unsupported;
  const { redrivePermission, sourceQueueArns, ...unknown } = policy;
  if (
    Object.keys(unknown).length > 0 ||
    (redrivePermission !== 'allowAll' && redrivePermission !== 'denyAll' && redrivePermission !== 'byQueue')
  ) {
    return unsupported;
  }
  if (
    sourceQueueArns !== undefined &&
    !(Array.isArray(sourceQueueArns) && sourceQueueArns.every((arn) => typeof arn === 'string'))
  ) {
    return unsupported;
  }
  const sources = sourceQueueArns as readonly string[] | undefined;
  const refuseAllow = (reason: string) =>
    refuse(
      'InvalidParameterValueException',
      `Value ${text} for parameter RedriveAllowPolicy is invalid. Reason: Amazon SQS can't create the redrive allow policy. ${reason}`,
    );
  if (redrivePermission !== 'byQueue') {
    if (sources) {
      return refuseAllow(
        'To specify one or more source queue ARNs, you must set redrivePermission to byQueue.',
      );
    }
    return { redrivePermission };
  }
  if (!sources || sources.length === 0) {
    return refuseAllow(
      'When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.',
    );
  }
  if (sources.length > MAX_SOURCES) {
    return refuseAllow(`The maximum number of source queue ARNs you can specify is ${MAX_SOURCES}.`);
  }
  return { redrivePermission, sourceQueueArns: sources };
}

function refusePolicy(text: string, reason: string): Refusal {
  return refuse(
    'InvalidParameterValueException',
    `Value ${text} for parameter RedrivePolicy is invalid. Reason: ${reason}`,
  );
}

/**
 * Which ARNs may stand as dead-letter queue or destination of a function, decided when they are set, in
 * AWS's words. Whether the target can be reached later is the delivery's business.
 * Sources: AWS "Adding a dead-letter queue", "Capturing records of Lambda asynchronous invocations"; texts
 * observed where docs/fidelity.md says so.
 */
import type { Resources } from '../store/store.ts';
import { type Arn, parseArn } from './arn.ts';
import { readAlias, readVersion } from './lambda-function.ts';
import { isVersionNumber, LATEST, parseFunctionRef } from './lambda-names.ts';
import { type Refusal, refuseParameter } from './lambda-refusal.ts';
import { readTopicByArn } from './sns-topic.ts';
import { readQueueByArn } from './sqs-queue.ts';

const isFifo = (name: string) => name.endsWith('.fifo');

function functionExists(resources: Resources, arn: string): boolean {
  const ref = parseFunctionRef(arn);
  if (ref.kind !== 'ref') return false;
  const qualifier = ref.qualifier ?? LATEST;
  if (qualifier === LATEST || isVersionNumber(qualifier)) {
    return readVersion(resources, ref.name, qualifier) !== undefined;
  }
  return readAlias(resources, ref.name, qualifier) !== undefined;
}

/** Says no to a `DeadLetterConfig.TargetArn`. Empty is no target and fine. */
export function checkDeadLetterTarget(
  resources: Resources,
  targetArn: string,
  functionRegion: string,
): Refusal | undefined {
  if (targetArn === '') return undefined;
  const arn = parseArn(targetArn);
  if (!arn || (arn.service !== 'sqs' && arn.service !== 'sns')) {
    return refuseParameter(
      'Invalid dead letter queue ARN: Only Amazon SQS queues and Amazon SNS topics are supported.',
    );
  }
  if (arn.region !== functionRegion) {
    return refuseParameter(
      "Invalid dead letter queue ARN: The resource specified by the TargetArn must be in the same region as the Lambda function it's associated with.",
    );
  }
  if (isFifo(arn.resource)) {
    const kind = arn.service === 'sqs' ? 'SQS queue' : 'SNS topic';
    return refuseParameter(
      `Invalid dead letter queue ARN: FIFO ${kind} is not supported for dead letter configuration`,
    );
  }
  if (arn.service === 'sqs' && !readQueueByArn(resources, targetArn)) {
    return refuseParameter(
      'Error occurred while SendMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.',
    );
  }
  if (arn.service === 'sns' && !readTopicByArn(resources, targetArn)) {
    return refuseParameter(
      'Error occurred while Publish. SNS Error Code: NotFound. SNS Error Message: Topic does not exist',
    );
  }
  return undefined;
}

export interface Destinations {
  readonly onSuccess?: string;
  readonly onFailure?: string;
}

/** AWS prints the configuration as its own code would. */
function formatDestinations(destinations: Destinations): string {
  const one = (kind: string, arn: string | undefined) =>
    arn === undefined ? 'null' : `${kind}(destination=${arn})`;
  return `DestinationConfig(onSuccess=${one('OnSuccess', destinations.onSuccess)}, onFailure=${one('OnFailure', destinations.onFailure)})`;
}

function checkFifo(arn: Arn): Refusal | undefined {
  if (!isFifo(arn.resource)) return undefined;
  const service = arn.service === 'sqs' ? 'Amazon SQS queues' : 'Amazon SNS topics';
  return refuseParameter(`FIFO-type ${service} aren't supported as a destination.`);
}

/** Says no to destinations of `functionName`. Empty strings are no destination and fine. */
export function checkDestinations(
  resources: Resources,
  functionName: string,
  destinations: Destinations,
): Refusal | undefined {
  for (const [side, text] of Object.entries(destinations) as [keyof Destinations, string | undefined][]) {
    if (!text) continue;
    const arn = parseArn(text);
    const refusal = arn
      ? checkDestination(resources, functionName, side, text, arn)
      : refuseParameter(`The destination ARN ${text} is invalid.`);
    if (refusal === 'unsupported') {
      return refuseParameter(
        `The provided destination config ${formatDestinations(destinations)} is invalid.`,
      );
    }
    if (refusal) return refusal;
  }
  return undefined;
}

function checkDestination(
  resources: Resources,
  functionName: string,
  side: keyof Destinations,
  text: string,
  arn: Arn,
): Refusal | 'unsupported' | undefined {
  const unknown = refuseParameter(`The destination ARN ${text} is invalid.`);
  switch (arn.service) {
    case 'lambda': {
      const ref = parseFunctionRef(text);
      if (ref.kind !== 'ref') return unknown;
      if (ref.name === functionName) {
        return refuseParameter("You can't specify the function as a destination for itself.");
      }
      return functionExists(resources, text) ? undefined : unknown;
    }
    case 'sqs':
      return checkFifo(arn) ?? (readQueueByArn(resources, text) ? undefined : unknown);
    case 'sns':
      return checkFifo(arn) ?? (readTopicByArn(resources, text) ? undefined : unknown);
    case 'events':
      return arn.resource.startsWith('event-bus/') ? undefined : unknown;
    case 's3':
      if (side === 'onSuccess') return 'unsupported';
      return refuseParameter(`The destination ARN ${text} is invalid. Redrive keeps no S3 buckets.`);
    default:
      return 'unsupported';
  }
}

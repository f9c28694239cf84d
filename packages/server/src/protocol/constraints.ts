/**
 * Facts that the clients' schemas lack: lengths, ranges, patterns and enums of members. Written by hand, one
 * table per service, and compared with botocore's models in a test; where AWS was observed to say otherwise,
 * the observation stands. SQS words its refusals by itself: its model states no constraints.
 */
import { CLOUDWATCH_FACTS } from './facts-cloudwatch.ts';
import { LAMBDA_FACTS } from './facts-lambda.ts';
import { LOGS_FACTS } from './facts-logs.ts';
import type { ServiceName } from './operation.ts';

export interface Facts {
  /** Characters of a string, elements of a list, entries of a map: at least, at most. */
  readonly length?: readonly [min?: number, max?: number];
  readonly range?: readonly [min?: number, max?: number];
  /** Bounds are printed as doubles. */
  readonly double?: true;
  /** Java's regular expression, matched against the whole value; written in messages as it stands here. */
  readonly pattern?: string;
  readonly values?: readonly string[];
  /** Of each element of a list, or each value of a map. */
  readonly each?: Facts;
  /** Of each key of a map. */
  readonly keys?: Facts;
}

/** By `Structure.Member`, or by `*.Member` for every structure that has no row of its own. */
export type FactTable = Readonly<Record<string, Facts>>;

const SNS_FACTS: FactTable = {
  'Tag.Key': { length: [1, 128] },
  'Tag.Value': { length: [0, 256] },
  'TagResourceRequest.ResourceArn': { length: [1, 1011] },
  'UntagResourceRequest.ResourceArn': { length: [1, 1011] },
  'ListTagsForResourceRequest.ResourceArn': { length: [1, 1011] },
  'UntagResourceRequest.TagKeys': { each: { length: [1, 128] } },
};

const FACTS: Readonly<Record<ServiceName, FactTable>> = {
  lambda: LAMBDA_FACTS,
  sqs: {},
  sns: SNS_FACTS,
  logs: LOGS_FACTS,
  cloudwatch: CLOUDWATCH_FACTS,
};

/** What is known of a member, if anything. */
export function factsOf(service: ServiceName, structure: string, member: string): Facts | undefined {
  const table = FACTS[service];
  return table[`${structure}.${member}`] ?? table[`*.${member}`];
}

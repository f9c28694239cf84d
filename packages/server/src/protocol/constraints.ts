/**
 * Facts that the clients' schemas lack: lengths, ranges, patterns and enums of members.
 * Keyed by `Structure.Member`; a test compares them with botocore's models.
 */
import { LAMBDA_FACTS } from './facts-lambda.ts';
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

export const FACTS: Readonly<Record<ServiceName, Readonly<Record<string, Facts>>>> = {
  lambda: LAMBDA_FACTS,
  sqs: {},
  sns: {},
  logs: {},
  cloudwatch: {},
};

/** Tags, kept by the ARN of what they are on. */
import { LAMBDA_COLLECTIONS } from '../../domain/lambda-function.ts';
import { TAGS_PER_RESOURCE } from '../../domain/lambda-limits.ts';
import type { Effect, Resources } from '../../store/store.ts';
import { put, remove } from './commit.ts';
import { invalidParameter } from './errors.ts';

export type Tags = Readonly<Record<string, string>>;

export function readTags(resources: Resources, arn: string): Tags {
  return resources.get<Tags>(LAMBDA_COLLECTIONS.tags, arn)?.value ?? {};
}

/** Adds and overwrites. */
export function planTags(arn: string, current: Tags, added: Tags): Effect {
  const tags = { ...current, ...added };
  if (Object.keys(tags).length > TAGS_PER_RESOURCE) {
    throw invalidParameter('Number of tags exceeds resource tag limit.');
  }
  return put(LAMBDA_COLLECTIONS.tags, arn, tags);
}

export function planTagRemoval(arn: string): Effect {
  return remove(LAMBDA_COLLECTIONS.tags, arn);
}

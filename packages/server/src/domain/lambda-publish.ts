/**
 * Publishing: a numbered, immutable copy of `$LATEST`. Numbers grow and are never used twice, not even after
 * a version was deleted. Publishing again without a change gives the version that is already there.
 */
import type { FunctionRecord } from './lambda-function.ts';
import { type Refusal, refuse, refuseParameter } from './lambda-refusal.ts';

const STALE_REVISION =
  'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id';

/** Base64, as the API shows it. */
export function formatCodeSha256(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

/** Says no when the caller's idea of `$LATEST` is not the current one. */
export function checkRevision(current: string, given: string | undefined): Refusal | undefined {
  return given === undefined || given === current
    ? undefined
    : refuse('PreconditionFailedException', STALE_REVISION);
}

export function checkCodeSha256(record: FunctionRecord, given: string | undefined): Refusal | undefined {
  const current = formatCodeSha256(record.codeSha256);
  // Empty counts as not given: the older clients send it so.
  if (!given || given === current) return undefined;
  return refuseParameter(
    `CodeSHA256 (${given}) is different from current CodeSHA256 in $LATEST (${current}). Please try again with the CodeSHA256 in $LATEST.`,
  );
}

export interface Publication {
  /** The new version. */
  readonly version: FunctionRecord;
  /** `$LATEST`, which remembers what was published from it. */
  readonly latest: FunctionRecord;
}

/**
 * The next version of `latest`. Call it only when `latest.publishedAs` names no existing version.
 * `revisionIds`: one for the version, one for `$LATEST` (observed: publishing changes both).
 */
export function publish(
  latest: FunctionRecord,
  description: string | undefined,
  revisionIds: readonly [string, string],
): Publication {
  const number = (latest.lastPublished ?? 0) + 1;
  const { lastPublished: _l, publishedAs: _p, ...content } = latest;
  return {
    version: {
      ...content,
      version: String(number),
      description: description ?? latest.description,
      revisionId: revisionIds[0],
    },
    latest: {
      ...latest,
      lastPublished: number,
      publishedAs: String(number),
      revisionId: revisionIds[1],
    },
  };
}

/**
 * How functions are named: bare names, partial and full ARNs, qualifiers.
 * A parsed reference is what a caller wrote; it says nothing about what exists.
 */

import { partitionOf } from './arn.ts';

/** Latest, unpublished code of a function. */
export const LATEST = '$LATEST';

export interface FunctionRef {
  readonly kind: 'ref';
  /** Bare name. */
  readonly name: string;
  /** Version, alias or `$LATEST`; absent when the caller named none. */
  readonly qualifier?: string;
  readonly region?: string;
  readonly accountId?: string;
}

export type FunctionRefError =
  /** Not a function name in any form. */
  | { readonly kind: 'malformed' }
  /** The name carries one qualifier, the request another. */
  | { readonly kind: 'qualifierMismatch' };

/** Model `NamespacedFunctionName` (observed form, November 2025). */
export const NAMESPACED_FUNCTION_NAME =
  '(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?';

const REFERENCE =
  /^(?:arn:(?:aws[a-zA-Z-]*)?:lambda:)?(?:((?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_.]+)(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?$/;

const BARE_NAME = /^[a-zA-Z0-9-_.]+$/;

/** Reads the `FunctionName` of a request together with its `Qualifier`. */
export function parseFunctionRef(pathName: string, qualifier?: string): FunctionRef | FunctionRefError {
  // The common case first: invocations by bare name.
  if (BARE_NAME.test(pathName)) return { kind: 'ref', name: pathName, qualifier };
  const match = REFERENCE.exec(pathName);
  if (!match) return { kind: 'malformed' };
  const [, region, accountId, name, derived] = match;
  if (derived !== undefined && qualifier !== undefined && derived !== qualifier) {
    return { kind: 'qualifierMismatch' };
  }
  return { kind: 'ref', name: name as string, qualifier: qualifier ?? derived, region, accountId };
}

/** The function a whole ARN names; `undefined` for anything else. */
export function parseFunctionArn(arn: string): FunctionRef | undefined {
  if (!arn.startsWith('arn:')) return undefined;
  const ref = parseFunctionRef(arn);
  return ref.kind === 'ref' && ref.region !== undefined ? ref : undefined;
}

export function formatFunctionArn(
  place: { readonly region: string; readonly accountId: string },
  name: string,
  qualifier?: string,
): string {
  const arn = `arn:${partitionOf(place.region)}:lambda:${place.region}:${place.accountId}:function:${name}`;
  return qualifier === undefined ? arn : `${arn}:${qualifier}`;
}

/** Versions are numbers; aliases never are. */
export function isVersionNumber(qualifier: string): boolean {
  return /^[0-9]+$/.test(qualifier);
}

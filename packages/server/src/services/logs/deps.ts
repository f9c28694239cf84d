/** What the operations of CloudWatch Logs stand on, and the look-ups that most of them share. */

import { parseFilterPattern } from '../../domain/log-filter-pattern.ts';
import { MAX_PATTERN_CHARS } from '../../domain/log-filter-values.ts';
import { MAX_REGEX_FILTERS, METRIC_FILTERS, SUBSCRIPTION_FILTERS } from '../../domain/log-filters.ts';
import {
  groupNameOf,
  LOG_GROUPS,
  LOG_STREAMS,
  type LogGroup,
  MAX_NAME_CHARS,
  streamKey,
} from '../../domain/log-groups.ts';
import type { LogTaps } from '../../engine/log-taps.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Ids } from '../../platform/ids.ts';
import type { Log } from '../../platform/log.ts';
import { ApiError } from '../../protocol/error.ts';
import type { Resource, Store } from '../../store/store.ts';

export interface LogsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Used where a request names none. */
  readonly region: string;
  readonly accountId: string;
  /** Filters and live tails; absent where lines are only kept. */
  readonly taps?: LogTaps;
  /** Told of bugs in work that nobody waits for. */
  readonly log?: Pick<Log, 'error'>;
}

export function invalidParameter(message: string): ApiError {
  return new ApiError('InvalidParameterException', message);
}

/** AWS's wording of a broken constraint. */
export function constraintBroken(value: unknown, member: string, constraint: string): ApiError {
  return invalidParameter(
    `1 validation error detected: Value '${String(value)}' at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}

/** Refuses a number outside its range, as the recordings word it. */
export function checkRange(value: number | undefined, member: string, min: number, max: number): void {
  if (value === undefined) return;
  if (value > max)
    throw constraintBroken(value, member, `Member must have value less than or equal to ${max}`);
  if (value < min)
    throw constraintBroken(value, member, `Member must have value greater than or equal to ${min}`);
}

export function checkLength(value: string | undefined, member: string, max: number): void {
  if (value !== undefined && value.length > max) {
    throw constraintBroken(value, member, `Member must have length less than or equal to ${max}`);
  }
}

export function limitExceeded(): ApiError {
  return new ApiError('LimitExceededException', 'Resource limit exceeded.');
}

/** Checks a filter's pattern, and how many of the group's filters use regular expressions. */
export function checkPattern(deps: LogsDeps, group: string, filter: string, pattern: string): void {
  checkLength(pattern, 'filterPattern', MAX_PATTERN_CHARS);
  const parsed = parseFilterPattern(pattern);
  if (parsed.kind === 'invalid') throw invalidParameter(`Invalid filter pattern: ${parsed.message}`);
  if (!parsed.pattern.usesRegex) return;
  const others = [METRIC_FILTERS, SUBSCRIPTION_FILTERS].flatMap((collection) =>
    deps.store.resources.list<{ pattern: string }>(collection, streamKey(group, '')),
  );
  const withRegex = others.filter(({ key, value }) => {
    if (key === streamKey(group, filter)) return false;
    const other = parseFilterPattern(value.pattern);
    return other.kind === 'pattern' && other.pattern.usesRegex;
  });
  if (withRegex.length >= MAX_REGEX_FILTERS) throw limitExceeded();
}

export function invalidToken(): ApiError {
  return invalidParameter('The specified nextToken is invalid.');
}

export function requireGroup(deps: LogsDeps, name: string): Resource<LogGroup> {
  const group = deps.store.resources.get<LogGroup>(LOG_GROUPS, name);
  if (!group) throw new ApiError('ResourceNotFoundException', 'The specified log group does not exist.');
  return group;
}

/** Name of the one group that `logGroupName` or `logGroupIdentifier` (a name or ARN) names. */
export function groupOf(input: { logGroupName?: string; logGroupIdentifier?: string }): string {
  if (input.logGroupName !== undefined && input.logGroupIdentifier !== undefined) {
    throw new ApiError(
      'ValidationException',
      'LogGroup name and LogGroup ARN are mutually exclusive parameters.',
    );
  }
  const identifier = input.logGroupName ?? input.logGroupIdentifier;
  if (identifier === undefined) {
    throw invalidParameter('One of logGroupName or logGroupIdentifier is required.');
  }
  const name = groupNameOf(identifier);
  if (name.length > MAX_NAME_CHARS) {
    throw invalidParameter('Invalid LogGroup or LogStream, both must have length less than or equal to 512.');
  }
  return name;
}

/** A stream exists when it was created or has lines. */
export async function streamExists(deps: LogsDeps, group: string, stream: string): Promise<boolean> {
  if (deps.store.resources.get(LOG_STREAMS, streamKey(group, stream))) return true;
  const found = await deps.store.listStreams(group, stream);
  return found.some((summary) => summary.stream === stream);
}

export async function requireStream(deps: LogsDeps, group: string, stream: string): Promise<void> {
  if (!(await streamExists(deps, group, stream))) {
    throw new ApiError('ResourceNotFoundException', 'The specified log stream does not exist.');
  }
}

/** A page of a list that is sorted by `keyOf`; the token is the last key given out. */
export function takePage<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  limit: number,
  token: string | undefined,
): { items: T[]; nextToken?: string } {
  let start = 0;
  if (token !== undefined) {
    const last = Buffer.from(token, 'base64url').toString();
    if (Buffer.from(last).toString('base64url') !== token) throw invalidToken();
    start = items.findIndex((item) => keyOf(item) === last) + 1;
    if (start === 0) {
      // The last one given out is gone: go on behind where it stood.
      const next = items.findIndex((item) => keyOf(item) > last);
      start = next === -1 ? items.length : next;
    }
  }
  const page = items.slice(start, start + limit);
  const more = start + limit < items.length;
  const last = page.at(-1);
  return more && last !== undefined
    ? { items: page, nextToken: Buffer.from(keyOf(last)).toString('base64url') }
    : { items: page };
}

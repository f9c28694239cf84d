/** CreateLogGroup, DeleteLogGroup, DescribeLogGroups, ListLogGroups, PutLogGroupDeletionProtection. */
import type {
  CreateLogGroupRequest,
  DeleteLogGroupRequest,
  DescribeLogGroupsRequest,
  DescribeLogGroupsResponse,
  ListLogGroupsRequest,
  ListLogGroupsResponse,
  PutLogGroupDeletionProtectionRequest,
} from '@aws-sdk/client-cloudwatch-logs';
import { METRIC_FILTERS, SUBSCRIPTION_FILTERS } from '../../../domain/log-filters.ts';
import {
  GROUP_NAME,
  groupArn,
  groupNameOf,
  LOG_GROUPS,
  LOG_STREAMS,
  type LogGroup,
  MAX_NAME_CHARS,
} from '../../../domain/log-groups.ts';
import { DATA_PROTECTION } from '../../../domain/log-masking.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { Effect, Resource } from '../../../store/store.ts';
import {
  checkLength,
  checkRange,
  constraintBroken,
  groupOf,
  invalidParameter,
  type LogsDeps,
  requireGroup,
  takePage,
} from '../deps.ts';

const MAX_PAGE = 50;

/** Collections whose keys start with the group's name and a colon, and that go with the group. */
const OWNED = [LOG_STREAMS, METRIC_FILTERS, SUBSCRIPTION_FILTERS];

export function createLogGroup(deps: LogsDeps): Handler<CreateLogGroupRequest> {
  return async (input) => {
    const name = input.logGroupName as string;
    checkLength(name, 'logGroupName', MAX_NAME_CHARS);
    if (!GROUP_NAME.test(name)) {
      throw constraintBroken(
        name,
        'logGroupName',
        'Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+',
      );
    }
    if (/^aws\//i.test(name)) throw invalidParameter('Log groups starting with AWS/ are reserved for AWS.');
    if (input.kmsKeyId !== undefined) {
      throw invalidParameter('kmsKeyId is not supported: log lines are kept as they are. Leave it out.');
    }
    const group: LogGroup = {
      createdAt: deps.clock.now(),
      class: (input.logGroupClass ?? 'STANDARD') as LogGroup['class'],
      tags: input.tags,
      deletionProtection: input.deletionProtectionEnabled || undefined,
    };
    const result = await deps.store.commit([
      { kind: 'put', collection: LOG_GROUPS, key: name, value: group, ifVersion: 0 },
    ]);
    if (result.kind === 'conflict') {
      throw new ApiError('ResourceAlreadyExistsException', 'The specified log group already exists');
    }
    return {};
  };
}

export function deleteLogGroup(deps: LogsDeps): Handler<DeleteLogGroupRequest> {
  return async (input) => {
    const name = input.logGroupName as string;
    if (requireGroup(deps, name).value.deletionProtection) {
      throw new ApiError(
        'ValidationException',
        'The log group has deletion protection enabled; turn it off with PutLogGroupDeletionProtection first.',
      );
    }
    const owned: Effect[] = OWNED.flatMap((collection) =>
      deps.store.resources
        .list(collection, `${name}:`)
        .map((resource): Effect => ({ kind: 'remove', collection, key: resource.key })),
    );
    await deps.store.commit([
      { kind: 'remove', collection: LOG_GROUPS, key: name },
      { kind: 'erase', group: name },
      { kind: 'remove', collection: DATA_PROTECTION, key: name },
      ...owned,
    ]);
    return {};
  };
}

export function describeLogGroups(
  deps: LogsDeps,
): Handler<DescribeLogGroupsRequest, DescribeLogGroupsResponse> {
  return async (input, context) => {
    checkRange(input.limit, 'limit', 1, MAX_PAGE);
    if (input.logGroupNamePrefix !== undefined && input.logGroupNamePattern !== undefined) {
      throw invalidParameter(
        'LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.',
      );
    }
    const named = input.logGroupIdentifiers && new Set(input.logGroupIdentifiers.map(groupNameOf));
    const pattern = input.logGroupNamePattern?.toLowerCase();
    const groups = deps.store.resources
      .list<LogGroup>(LOG_GROUPS, input.logGroupNamePrefix)
      .filter(
        ({ key, value }) =>
          (!named || named.has(key)) &&
          (pattern === undefined || key.toLowerCase().includes(pattern)) &&
          (input.logGroupClass === undefined || value.class === input.logGroupClass),
      );
    const page = takePage(groups, (group) => group.key, input.limit ?? MAX_PAGE, input.nextToken);
    const describe = async ({ key, value }: Resource<LogGroup>) => {
      const arn = groupArn(context, key);
      const streams = await deps.store.listStreams(key);
      return {
        logGroupName: key,
        creationTime: value.createdAt,
        retentionInDays: value.retentionInDays,
        metricFilterCount: deps.store.resources.list(METRIC_FILTERS, `${key}:`).length,
        arn: `${arn}:*`,
        storedBytes: streams.reduce((sum, stream) => sum + stream.bytes, 0),
        logGroupClass: value.class,
        logGroupArn: arn,
        deletionProtectionEnabled: value.deletionProtection ?? false,
      };
    };
    return { logGroups: await Promise.all(page.items.map(describe)), nextToken: page.nextToken };
  };
}

export function listLogGroups(deps: LogsDeps): Handler<ListLogGroupsRequest, ListLogGroupsResponse> {
  return (input, context) => {
    checkRange(input.limit, 'limit', 1, 1000);
    const groups = deps.store.resources
      .list<LogGroup>(LOG_GROUPS)
      .filter(
        ({ key, value }) =>
          (input.logGroupNamePattern === undefined || matchesName(key, input.logGroupNamePattern)) &&
          (input.logGroupClass === undefined || value.class === input.logGroupClass),
      );
    const page = takePage(groups, (group) => group.key, input.limit ?? MAX_PAGE, input.nextToken);
    return {
      logGroups: page.items.map(({ key, value }) => ({
        logGroupName: key,
        logGroupArn: groupArn(context, key),
        logGroupClass: value.class,
      })),
      nextToken: page.nextToken,
    };
  };
}

/** Source: ListLogGroups: a substring, with `^` a prefix, several joined by `|`. */
function matchesName(name: string, pattern: string): boolean {
  return pattern
    .split('|')
    .some((part) => (part.startsWith('^') ? name.startsWith(part.slice(1)) : name.includes(part)));
}

export function putLogGroupDeletionProtection(deps: LogsDeps): Handler<PutLogGroupDeletionProtectionRequest> {
  return async (input) => {
    const name = groupOf({ logGroupIdentifier: input.logGroupIdentifier });
    const group = requireGroup(deps, name);
    const value: LogGroup = {
      ...group.value,
      deletionProtection: input.deletionProtectionEnabled || undefined,
    };
    await deps.store.commit([{ kind: 'put', collection: LOG_GROUPS, key: name, value }]);
    return {};
  };
}

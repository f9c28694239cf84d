/** PutSubscriptionFilter, DescribeSubscriptionFilters, DeleteSubscriptionFilter: lines handed to a function. */
import type {
  DeleteSubscriptionFilterRequest,
  DescribeSubscriptionFiltersRequest,
  DescribeSubscriptionFiltersResponse,
  Distribution,
  PutSubscriptionFilterRequest,
} from '@aws-sdk/client-cloudwatch-logs';
import { parseArn } from '../../../domain/arn.ts';
import { readFunction } from '../../../domain/lambda-function.ts';
import { parseFunctionRef } from '../../../domain/lambda-names.ts';
import {
  MAX_SUBSCRIPTION_FILTERS,
  SUBSCRIPTION_FILTERS,
  type SubscriptionFilterRecord,
} from '../../../domain/log-filters.ts';
import { MAX_NAME_CHARS, streamKey } from '../../../domain/log-groups.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import {
  checkLength,
  checkPattern,
  checkRange,
  invalidParameter,
  type LogsDeps,
  limitExceeded,
  requireGroup,
  takePage,
} from '../deps.ts';

export function putSubscriptionFilter(deps: LogsDeps): Handler<PutSubscriptionFilterRequest> {
  return async (input, context) => {
    const group = input.logGroupName as string;
    const name = input.filterName as string;
    checkLength(name, 'filterName', MAX_NAME_CHARS);
    const destinationArn = input.destinationArn as string;
    checkDestination(deps, context, destinationArn, group, input.roleArn);
    requireGroup(deps, group);
    checkPattern(deps, group, name, input.filterPattern ?? '');
    const key = streamKey(group, name);
    const filters = deps.store.resources.list<SubscriptionFilterRecord>(
      SUBSCRIPTION_FILTERS,
      streamKey(group, ''),
    );
    const known = filters.find((filter) => filter.key === key)?.value;
    if (!known && filters.length >= MAX_SUBSCRIPTION_FILTERS) throw limitExceeded();
    const value: SubscriptionFilterRecord = {
      pattern: input.filterPattern ?? '',
      createdAt: known?.createdAt ?? deps.clock.now(),
      destinationArn,
      roleArn: input.roleArn,
      distribution: input.distribution ?? 'ByLogStream',
    };
    await deps.store.commit([{ kind: 'put', collection: SUBSCRIPTION_FILTERS, key, value }]);
    return {};
  };
}

/** Functions of this account; the other kinds of destination do not exist here and are refused. */
function checkDestination(
  deps: LogsDeps,
  context: RequestContext,
  destinationArn: string,
  group: string,
  roleArn: string | undefined,
): void {
  const arn = parseArn(destinationArn);
  if ((arn?.service === 'kinesis' || arn?.service === 'firehose') && roleArn === undefined) {
    throw invalidParameter(`destinationArn for vendor ${arn.service} cannot be used without roleArn`);
  }
  if (arn?.service !== 'lambda') {
    throw new ApiError(
      'UnsupportedOperation',
      `Subscription filters deliver to Lambda functions only; expected the ARN of a function, found ${destinationArn}`,
    );
  }
  if (arn.accountId !== context.accountId) {
    throw new ApiError(
      'AccessDeniedException',
      'Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to create cross account lambda triggers.',
    );
  }
  const ref = parseFunctionRef(destinationArn);
  const record = ref.kind === 'ref' ? readFunction(deps.store.resources, ref.name)?.value : undefined;
  if (!record) {
    throw invalidParameter(
      'Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function.',
    );
  }
  if (record.logging.group === group) {
    throw invalidParameter(
      `The function ${record.name} writes its own log to ${group}: delivering that log to it would never end.`,
    );
  }
}

export function describeSubscriptionFilters(
  deps: LogsDeps,
): Handler<DescribeSubscriptionFiltersRequest, DescribeSubscriptionFiltersResponse> {
  return (input) => {
    const group = input.logGroupName as string;
    checkLength(input.filterNamePrefix, 'filterNamePrefix', MAX_NAME_CHARS);
    checkRange(input.limit, 'limit', 1, 50);
    requireGroup(deps, group);
    const prefix = streamKey(group, '');
    const found = deps.store.resources.list<SubscriptionFilterRecord>(
      SUBSCRIPTION_FILTERS,
      prefix + (input.filterNamePrefix ?? ''),
    );
    const page = takePage(found, ({ key }) => key, input.limit ?? 50, input.nextToken);
    return {
      subscriptionFilters: page.items.map(({ key, value }) => ({
        filterName: key.slice(prefix.length),
        logGroupName: group,
        filterPattern: value.pattern,
        destinationArn: value.destinationArn,
        roleArn: value.roleArn,
        distribution: value.distribution as Distribution,
        applyOnTransformedLogs: false,
        creationTime: value.createdAt,
      })),
      nextToken: page.nextToken,
    };
  };
}

export function deleteSubscriptionFilter(deps: LogsDeps): Handler<DeleteSubscriptionFilterRequest> {
  return async (input) => {
    const group = input.logGroupName as string;
    requireGroup(deps, group);
    const key = streamKey(group, input.filterName as string);
    if (!deps.store.resources.get(SUBSCRIPTION_FILTERS, key)) {
      throw new ApiError('ResourceNotFoundException', 'The specified subscription filter does not exist.');
    }
    await deps.store.commit([{ kind: 'remove', collection: SUBSCRIPTION_FILTERS, key }]);
    return {};
  };
}

/** PutMetricFilter, DescribeMetricFilters, DeleteMetricFilter, TestMetricFilter. */
import type {
  DeleteMetricFilterRequest,
  DescribeMetricFiltersRequest,
  DescribeMetricFiltersResponse,
  PutMetricFilterRequest,
  TestMetricFilterRequest,
  TestMetricFilterResponse,
  MetricTransformation as WireTransformation,
} from '@aws-sdk/client-cloudwatch-logs';
import { parseFilterPattern } from '../../../domain/log-filter-pattern.ts';
import {
  MAX_METRIC_FILTERS,
  METRIC_FILTERS,
  type MetricFilterRecord,
  type MetricTransformation,
} from '../../../domain/log-filters.ts';
import { MAX_NAME_CHARS, streamKey } from '../../../domain/log-groups.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import {
  checkLength,
  checkPattern,
  checkRange,
  constraintBroken,
  invalidParameter,
  type LogsDeps,
  limitExceeded,
  requireGroup,
  takePage,
} from '../deps.ts';

const MAX_DIMENSIONS = 3;
const MAX_METRIC_NAME_CHARS = 255;

export function putMetricFilter(deps: LogsDeps): Handler<PutMetricFilterRequest> {
  return async (input) => {
    const group = input.logGroupName as string;
    const name = input.filterName as string;
    checkLength(name, 'filterName', MAX_NAME_CHARS);
    const wire = input.metricTransformations ?? [];
    if (wire.length !== 1) {
      throw constraintBroken(
        `[${wire.map(formatTransformation).join(', ')}]`,
        'metricTransformations',
        `Member must have length ${wire.length > 1 ? 'less' : 'greater'} than or equal to 1`,
      );
    }
    const transformation = readTransformation(wire[0] as WireTransformation);
    requireGroup(deps, group);
    checkPattern(deps, group, name, input.filterPattern ?? '');
    const key = streamKey(group, name);
    const filters = deps.store.resources.list(METRIC_FILTERS, streamKey(group, ''));
    const known = filters.find((filter) => filter.key === key)?.value as MetricFilterRecord | undefined;
    if (!known && filters.length >= MAX_METRIC_FILTERS) throw limitExceeded();
    const value: MetricFilterRecord = {
      pattern: input.filterPattern ?? '',
      createdAt: known?.createdAt ?? deps.clock.now(),
      transformation,
    };
    await deps.store.commit([{ kind: 'put', collection: METRIC_FILTERS, key, value }]);
    return {};
  };
}

function readTransformation(wire: WireTransformation): MetricTransformation {
  const dimensions = Object.keys(wire.dimensions ?? {}).length > 0 ? wire.dimensions : undefined;
  if (dimensions && wire.defaultValue !== undefined) {
    throw invalidParameter(
      'Invalid metric transformation: dimensions and default value are mutually exclusive properties.',
    );
  }
  if (dimensions && Object.keys(dimensions).length > MAX_DIMENSIONS) {
    throw invalidParameter(
      `Invalid metric transformation: a metric filter has ${MAX_DIMENSIONS} dimensions at most.`,
    );
  }
  const value = wire.metricValue as string;
  if (!value.startsWith('$') && (value.trim() === '' || !Number.isFinite(Number(value)))) {
    throw invalidParameter(
      `Invalid metric transformation: expected a number or a field such as $.size, found '${value}'.`,
    );
  }
  return {
    metricName: wire.metricName as string,
    metricNamespace: wire.metricNamespace as string,
    metricValue: value,
    defaultValue: wire.defaultValue,
    unit: wire.unit,
    dimensions,
  };
}

/** As AWS shows it in a complaint. */
function formatTransformation(wire: WireTransformation): string {
  const show = (value: unknown) => (value === undefined ? 'null' : String(value));
  return `MetricTransformation(metricName=${wire.metricName}, metricNamespace=${wire.metricNamespace}, metricValue=${wire.metricValue}, defaultValue=${show(wire.defaultValue)}, unit=${show(wire.unit)}, dimensions=${show(wire.dimensions && JSON.stringify(wire.dimensions))})`;
}

export function describeMetricFilters(
  deps: LogsDeps,
): Handler<DescribeMetricFiltersRequest, DescribeMetricFiltersResponse> {
  return (input) => {
    checkLength(input.filterNamePrefix, 'filterNamePrefix', MAX_NAME_CHARS);
    checkLength(input.metricName, 'metricName', MAX_METRIC_NAME_CHARS);
    checkRange(input.limit, 'limit', 1, 50);
    if ((input.metricName === undefined) !== (input.metricNamespace === undefined)) {
      throw invalidParameter('metricName and metricNamespace must be given together.');
    }
    if (input.logGroupName !== undefined) requireGroup(deps, input.logGroupName);
    const prefix = input.logGroupName === undefined ? undefined : streamKey(input.logGroupName, '');
    const found = deps.store.resources
      .list<MetricFilterRecord>(METRIC_FILTERS, prefix)
      .map(({ key, value }) => {
        const colon = key.indexOf(':');
        return { key, group: key.slice(0, colon), name: key.slice(colon + 1), value };
      })
      .filter(
        ({ name, value }) =>
          name.startsWith(input.filterNamePrefix ?? '') &&
          (input.metricName === undefined ||
            (value.transformation.metricName === input.metricName &&
              value.transformation.metricNamespace === input.metricNamespace)),
      );
    const page = takePage(found, ({ key }) => key, input.limit ?? 50, input.nextToken);
    return {
      metricFilters: page.items.map(({ group, name, value }) => ({
        filterName: name,
        filterPattern: value.pattern,
        metricTransformations: [value.transformation as WireTransformation],
        creationTime: value.createdAt,
        logGroupName: group,
        applyOnTransformedLogs: false,
      })),
      nextToken: page.nextToken,
    };
  };
}

export function deleteMetricFilter(deps: LogsDeps): Handler<DeleteMetricFilterRequest> {
  return async (input) => {
    const group = input.logGroupName as string;
    const name = input.filterName as string;
    if (group.length > MAX_NAME_CHARS) {
      throw invalidParameter(
        'Invalid LogGroup or LogStream, both must have length less than or equal to 512.',
      );
    }
    checkLength(name, 'filterName', MAX_NAME_CHARS);
    requireGroup(deps, group);
    const key = streamKey(group, name);
    if (!deps.store.resources.get(METRIC_FILTERS, key)) {
      throw new ApiError('ResourceNotFoundException', 'The specified metric filter does not exist.');
    }
    await deps.store.commit([{ kind: 'remove', collection: METRIC_FILTERS, key }]);
    return {};
  };
}

export function testMetricFilter(): Handler<TestMetricFilterRequest, TestMetricFilterResponse> {
  return (input) => {
    const parsed = parseFilterPattern(input.filterPattern ?? '');
    if (parsed.kind === 'invalid') throw invalidParameter(`Invalid filter pattern: ${parsed.message}`);
    const matches = (input.logEventMessages ?? []).flatMap((message, index) =>
      parsed.pattern.matches(message)
        ? [
            {
              eventNumber: index + 1,
              eventMessage: message,
              extractedValues: parsed.pattern.extract(message),
            },
          ]
        : [],
    );
    return { matches };
  };
}

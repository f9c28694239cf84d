/** ListMetrics: every metric with points in the last two weeks. */
import type { ListMetricsInput, ListMetricsOutput } from '@aws-sdk/client-cloudwatch';
import { listMetrics as listCatalogue } from '../../../domain/metric-catalogue.ts';
import { seriesPrefix } from '../../../domain/metric-series.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { type CloudWatchDeps, listDimensions, pageFrom, pageToken } from '../deps.ts';

const PAGE = 500;
const LISTED_MS = 14 * 86_400_000;
const RECENT_MS = 3 * 3_600_000;

export function listMetrics(deps: CloudWatchDeps): Handler<ListMetricsInput, ListMetricsOutput> {
  return async (input) => {
    await deps.metrics.flush();
    const start = pageFrom(input.NextToken);
    const oldest = deps.clock.now() - (input.RecentlyActive ? RECENT_MS : LISTED_MS);
    const prefix = seriesPrefix(input.Namespace);
    const found = listCatalogue(await deps.store.listSeries(prefix)).filter(
      ({ name, dimensions, lastAt }) =>
        lastAt >= oldest &&
        (input.MetricName === undefined || name === input.MetricName) &&
        (input.Dimensions ?? []).every(
          ({ Name, Value }) =>
            Object.hasOwn(dimensions, Name as string) &&
            (Value === undefined || dimensions[Name as string] === Value),
        ),
    );
    return {
      Metrics: found.slice(start, start + PAGE).map(({ namespace, name, dimensions }) => ({
        Namespace: namespace,
        MetricName: name,
        Dimensions: listDimensions(dimensions),
      })),
      NextToken: pageToken(start + PAGE, found.length),
      OwningAccounts: input.IncludeLinkedAccounts ? [] : undefined,
    };
  };
}

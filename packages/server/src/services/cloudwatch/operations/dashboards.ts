/** PutDashboard, GetDashboard, ListDashboards, DeleteDashboards: kept as they were sent, once they are JSON. */
import type {
  DeleteDashboardsInput,
  GetDashboardInput,
  GetDashboardOutput,
  ListDashboardsInput,
  ListDashboardsOutput,
  PutDashboardInput,
  PutDashboardOutput,
} from '@aws-sdk/client-cloudwatch';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { JsonObject } from '../../../store/store.ts';
import { type CloudWatchDeps, fromMs, invalidValue, pageFrom, pageToken } from '../deps.ts';

const DASHBOARDS = 'dashboards';
const PAGE = 1_000;

interface DashboardRecord extends JsonObject {
  body: string;
  /** Epoch ms. */
  modifiedAt: number;
}

export function putDashboard(deps: CloudWatchDeps): Handler<PutDashboardInput, PutDashboardOutput> {
  return async (input) => {
    const name = input.DashboardName as string;
    if (!/^[A-Za-z0-9_-]+$/.test(name)) {
      throw invalidValue(
        'The value for field DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) and underscore (_).\n',
      );
    }
    const body = input.DashboardBody as string;
    try {
      JSON.parse(body);
    } catch (cause) {
      throw new ApiError(
        'DashboardInvalidInputError',
        'The field DashboardBody must be a valid JSON object',
        {
          members: { dashboardValidationMessages: [{ Message: (cause as Error).message }] },
          cause,
        },
      );
    }
    const value: DashboardRecord = { body, modifiedAt: deps.clock.now() };
    await deps.store.commit([{ kind: 'put', collection: DASHBOARDS, key: name, value }]);
    return { DashboardValidationMessages: [] };
  };
}

const arnOf = (deps: CloudWatchDeps, name: string) =>
  `arn:aws:cloudwatch::${deps.accountId}:dashboard/${name}`;

export function getDashboard(deps: CloudWatchDeps): Handler<GetDashboardInput, GetDashboardOutput> {
  return (input) => {
    const name = input.DashboardName as string;
    const found = deps.store.resources.get<DashboardRecord>(DASHBOARDS, name);
    if (!found) throw new ApiError('DashboardNotFoundError', `Dashboard ${name} does not exist`);
    return { DashboardName: name, DashboardArn: arnOf(deps, name), DashboardBody: found.value.body };
  };
}

export function listDashboards(deps: CloudWatchDeps): Handler<ListDashboardsInput, ListDashboardsOutput> {
  return (input) => {
    const start = pageFrom(input.NextToken);
    const found = deps.store.resources.list<DashboardRecord>(DASHBOARDS, input.DashboardNamePrefix);
    return {
      DashboardEntries: found.slice(start, start + PAGE).map(({ key, value }) => ({
        DashboardName: key,
        DashboardArn: arnOf(deps, key),
        LastModified: fromMs(value.modifiedAt),
        Size: Buffer.byteLength(value.body),
      })),
      NextToken: pageToken(start + PAGE, found.length),
    };
  };
}

export function deleteDashboards(deps: CloudWatchDeps): Handler<DeleteDashboardsInput> {
  return async (input) => {
    const names = input.DashboardNames ?? [];
    const missing = names.find((name) => !deps.store.resources.get(DASHBOARDS, name));
    if (missing !== undefined)
      throw new ApiError('DashboardNotFoundError', `Dashboard ${missing} does not exist`);
    await deps.store.commit(names.map((key) => ({ kind: 'remove', collection: DASHBOARDS, key })));
    return {};
  };
}

/** ListFunctions and ListVersionsByFunction. Lists show no states (observed). */
import type { ListFunctionsRequest, ListVersionsByFunctionRequest } from '@aws-sdk/client-lambda';
import { type FunctionRecord, LAMBDA_COLLECTIONS, listVersions } from '../../../domain/lambda-function.ts';
import { LATEST } from '../../../domain/lambda-names.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { Resources } from '../../../store/store.ts';
import type { LambdaDeps } from '../deps.ts';
import { paginate } from '../pages.ts';
import { readReference, requireFunction } from '../reference.ts';
import { showFunctionSummary } from '../view.ts';

/** Digits of a version in sort keys. */
const VERSION_DIGITS = 12;

/** Sorts by name, `$LATEST` first, then by number. */
function sortKey(record: FunctionRecord): string {
  return `${record.name}:${record.version === LATEST ? '' : record.version.padStart(VERSION_DIGITS, '0')}`;
}

function allVersions(resources: Resources, latest: FunctionRecord): FunctionRecord[] {
  return [latest, ...listVersions(resources, latest.name).map(({ value }) => value)];
}

export function listFunctions({ store }: LambdaDeps): Handler<ListFunctionsRequest> {
  return (input) => {
    const functions = store.resources
      .list<FunctionRecord>(LAMBDA_COLLECTIONS.functions)
      .map(({ value }) => value);
    const every = input.FunctionVersion === 'ALL';
    const records = every ? functions.flatMap((latest) => allVersions(store.resources, latest)) : functions;
    const page = paginate(records, sortKey, input.Marker, input.MaxItems);
    return {
      Functions: page.items.map((record) => showFunctionSummary(record, every ? record.version : undefined)),
      NextMarker: page.nextMarker,
    };
  };
}

export function listVersionsByFunction({ store }: LambdaDeps): Handler<ListVersionsByFunctionRequest> {
  return (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    const latest = requireFunction(store.resources, context, name).value;
    const page = paginate(allVersions(store.resources, latest), sortKey, input.Marker, input.MaxItems);
    return {
      Versions: page.items.map((record) => showFunctionSummary(record, record.version)),
      NextMarker: page.nextMarker,
    };
  };
}

/**
 * Put, Get, Delete and List of ProvisionedConcurrencyConfig for versions and aliases. What is provisioned
 * counts against reservations and the account; environments are started when they are needed.
 */
import type {
  DeleteProvisionedConcurrencyConfigRequest,
  GetProvisionedConcurrencyConfigRequest,
  ListProvisionedConcurrencyConfigsRequest,
  PutProvisionedConcurrencyConfigRequest,
} from '@aws-sdk/client-lambda';
import { checkProvisioned, checkProvisionedOverlap } from '../../../domain/lambda-concurrency.ts';
import { LAMBDA_COLLECTIONS, listAliases, readAlias, readVersion } from '../../../domain/lambda-function.ts';
import { formatFunctionArn, isVersionNumber, LATEST } from '../../../domain/lambda-names.ts';
import { ApiError } from '../../../protocol/error.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import type { Resources } from '../../../store/store.ts';
import { put, remove } from '../commit.ts';
import { type ProvisionedRecord, readConcurrencyState } from '../concurrency.ts';
import type { LambdaDeps } from '../deps.ts';
import { allow, invalidParameter } from '../errors.ts';
import { paginate } from '../pages.ts';
import { aliasNotFound, functionNotFound, readReference, requireFunction } from '../reference.ts';
import { formatLambdaDate } from '../view.ts';

const COLLECTION = LAMBDA_COLLECTIONS.provisionedConcurrency;

interface Place {
  readonly name: string;
  readonly qualifier: string;
  readonly key: string;
  /** The version the qualifier stands for. */
  readonly version: string;
  readonly isAlias: boolean;
}

/** @param latestMessage said when the qualifier is `$LATEST` */
function readPlace(
  resources: Resources,
  context: RequestContext,
  input: { FunctionName?: string; Qualifier?: string },
  latestMessage: string,
): Place {
  const ref = readReference(resources, context, input.FunctionName as string, input.Qualifier);
  const qualifier = ref.qualifier ?? LATEST;
  if (qualifier === LATEST) throw invalidParameter(latestMessage);
  const isAlias = !isVersionNumber(qualifier);
  const version = isAlias ? readAlias(resources, ref.name, qualifier)?.value.functionVersion : qualifier;
  if (version === undefined) throw aliasNotFound(context, ref.name, qualifier);
  if (!readVersion(resources, ref.name, version)) throw functionNotFound(context, ref.name, qualifier);
  return { name: ref.name, qualifier, key: `${ref.name}:${qualifier}`, version, isAlias };
}

const MUST_BE_PUBLISHED = 'The function resource provided must be an alias or a published version.';

function show(record: ProvisionedRecord, status: 'IN_PROGRESS' | 'READY') {
  const allocated = status === 'READY' ? record.requested : 0;
  return {
    RequestedProvisionedConcurrentExecutions: record.requested,
    AvailableProvisionedConcurrentExecutions: allocated,
    AllocatedProvisionedConcurrentExecutions: allocated,
    Status: status,
    LastModified: formatLambdaDate(record.lastModifiedAt),
  };
}

export function putProvisionedConcurrencyConfig(
  deps: LambdaDeps,
): Handler<PutProvisionedConcurrencyConfigRequest> {
  const { store, clock } = deps;
  return async (input, context) => {
    const place = readPlace(
      store.resources,
      context,
      input,
      'Provisioned Concurrency Configs cannot be applied to unpublished function versions.',
    );
    const isProvisioned = (qualifier: string) =>
      store.resources.get(COLLECTION, `${place.name}:${qualifier}`) !== undefined;
    const aliases = listAliases(store.resources, place.name).map(({ value }) => value);
    allow(
      checkProvisionedOverlap(
        place.isAlias,
        isProvisioned(place.version),
        aliases.some((alias) => alias.functionVersion === place.version && isProvisioned(alias.name)),
      ),
    );
    const requested = input.ProvisionedConcurrentExecutions as number;
    allow(checkProvisioned(readConcurrencyState(deps, place.name, place.key), requested));
    const record: ProvisionedRecord = { requested, lastModifiedAt: clock.now() };
    await store.commit([put(COLLECTION, place.key, record)]);
    return show(record, 'IN_PROGRESS');
  };
}

export function getProvisionedConcurrencyConfig({
  store,
}: LambdaDeps): Handler<GetProvisionedConcurrencyConfigRequest> {
  return (input, context) => {
    const place = readPlace(store.resources, context, input, MUST_BE_PUBLISHED);
    const record = store.resources.get<ProvisionedRecord>(COLLECTION, place.key)?.value;
    if (!record) {
      throw new ApiError(
        'ProvisionedConcurrencyConfigNotFoundException',
        'No Provisioned Concurrency Config found for this function',
      );
    }
    return show(record, 'READY');
  };
}

export function deleteProvisionedConcurrencyConfig({
  store,
}: LambdaDeps): Handler<DeleteProvisionedConcurrencyConfigRequest> {
  return async (input, context) => {
    const place = readPlace(store.resources, context, input, MUST_BE_PUBLISHED);
    await store.commit([remove(COLLECTION, place.key)]);
    return {};
  };
}

export function listProvisionedConcurrencyConfigs({
  store,
}: LambdaDeps): Handler<ListProvisionedConcurrencyConfigsRequest> {
  return (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    const { value: record } = requireFunction(store.resources, context, name);
    const configs = store.resources.list<ProvisionedRecord>(COLLECTION, `${name}:`);
    const page = paginate(configs, ({ key }) => key, input.Marker, input.MaxItems);
    return {
      ProvisionedConcurrencyConfigs: page.items.map(({ key, value }) => ({
        FunctionArn: formatFunctionArn(record, name, key.slice(name.length + 1)),
        ...show(value, 'READY'),
      })),
      NextMarker: page.nextMarker,
    };
  };
}

/**
 * Put, Update, Get, Delete and List of FunctionEventInvokeConfig: one configuration per qualifier.
 * Missing functions and missing configurations have their own words in each operation (observed).
 */
import type {
  DeleteFunctionEventInvokeConfigRequest,
  GetFunctionEventInvokeConfigRequest,
  ListFunctionEventInvokeConfigsRequest,
  PutFunctionEventInvokeConfigRequest,
} from '@aws-sdk/client-lambda';
import {
  checkEventInvokeChange,
  type EventInvokeChange,
  mergeEventInvokeConfig,
  replaceEventInvokeConfig,
} from '../../../domain/lambda-event-invoke.ts';
import {
  type EventInvokeConfigRecord,
  type FunctionRecord,
  LAMBDA_COLLECTIONS,
  readAlias,
  readEventInvokeConfig,
  readFunction,
  readVersion,
} from '../../../domain/lambda-function.ts';
import { formatFunctionArn, isVersionNumber, LATEST } from '../../../domain/lambda-names.ts';
import { checkDestinations } from '../../../domain/lambda-targets.ts';
import type { ApiError } from '../../../protocol/error.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import type { Resource, Resources } from '../../../store/store.ts';
import { commitOrConflict, put, remove } from '../commit.ts';
import type { LambdaDeps } from '../deps.ts';
import { allow, notFound } from '../errors.ts';
import { paginate } from '../pages.ts';
import { readReference, requestedArn } from '../reference.ts';
import { showEventInvokeConfig } from '../view.ts';

const COLLECTION = LAMBDA_COLLECTIONS.eventInvokeConfigs;

interface Place {
  readonly name: string;
  readonly qualifier: string;
}

function readPlace(
  resources: Resources,
  context: RequestContext,
  input: { FunctionName?: string; Qualifier?: string },
): Place {
  const ref = readReference(resources, context, input.FunctionName as string, input.Qualifier);
  return { name: ref.name, qualifier: ref.qualifier ?? LATEST };
}

function requireQualifier(resources: Resources, { name, qualifier }: Place): FunctionRecord {
  const latest = readFunction(resources, name)?.value;
  const exists =
    qualifier === LATEST || isVersionNumber(qualifier)
      ? readVersion(resources, name, qualifier)
      : readAlias(resources, name, qualifier);
  if (!latest || !exists) throw notFound("The function doesn't exist.");
  return latest;
}

function noConfig(context: RequestContext, { name, qualifier }: Place): ApiError {
  return notFound(`The function ${requestedArn(context, name, qualifier)} doesn't have an EventInvokeConfig`);
}

function requireConfig(
  resources: Resources,
  context: RequestContext,
  place: Place,
): Resource<EventInvokeConfigRecord> {
  const found = readEventInvokeConfig(resources, place.name, place.qualifier);
  if (!found) throw noConfig(context, place);
  return found;
}

function readChange(input: PutFunctionEventInvokeConfigRequest): EventInvokeChange {
  const { OnSuccess, OnFailure } = input.DestinationConfig ?? {};
  return {
    maximumRetryAttempts: input.MaximumRetryAttempts,
    maximumEventAgeSeconds: input.MaximumEventAgeInSeconds,
    // `{}` is a destination that is mentioned and empty.
    onSuccess: OnSuccess && (OnSuccess.Destination ?? ''),
    onFailure: OnFailure && (OnFailure.Destination ?? ''),
    namesDestination: OnSuccess !== undefined || OnFailure !== undefined,
  };
}

/** Put and Update differ in what becomes of the members that are not given. */
function write(
  { store, clock }: LambdaDeps,
  plan: (
    current: () => EventInvokeConfigRecord,
    change: EventInvokeChange,
    now: number,
  ) => EventInvokeConfigRecord,
): Handler<PutFunctionEventInvokeConfigRequest> {
  return async (input, context) => {
    const place = readPlace(store.resources, context, input);
    const record = requireQualifier(store.resources, place);
    const change = readChange(input);
    allow(checkEventInvokeChange(change));
    allow(
      checkDestinations(store.resources, place.name, {
        onSuccess: change.onSuccess,
        onFailure: change.onFailure,
      }),
    );
    const config = plan(() => requireConfig(store.resources, context, place).value, change, clock.now());
    const arn = formatFunctionArn(record, place.name, place.qualifier);
    await commitOrConflict(store, [put(COLLECTION, `${place.name}:${place.qualifier}`, config)], arn);
    return showEventInvokeConfig(arn, config);
  };
}

export function putFunctionEventInvokeConfig(deps: LambdaDeps) {
  return write(deps, (_current, change, now) => replaceEventInvokeConfig(change, now));
}

export function updateFunctionEventInvokeConfig(deps: LambdaDeps) {
  return write(deps, (current, change, now) => mergeEventInvokeConfig(current(), change, now));
}

export function getFunctionEventInvokeConfig({
  store,
}: LambdaDeps): Handler<GetFunctionEventInvokeConfigRequest> {
  return (input, context) => {
    const place = readPlace(store.resources, context, input);
    const config = requireConfig(store.resources, context, place).value;
    return showEventInvokeConfig(requestedArn(context, place.name, place.qualifier), config);
  };
}

export function deleteFunctionEventInvokeConfig({
  store,
}: LambdaDeps): Handler<DeleteFunctionEventInvokeConfigRequest> {
  return async (input, context) => {
    const place = readPlace(store.resources, context, input);
    const current = requireConfig(store.resources, context, place);
    await commitOrConflict(
      store,
      [remove(COLLECTION, current.key, current.version)],
      requestedArn(context, place.name, place.qualifier),
    );
    return {};
  };
}

export function listFunctionEventInvokeConfigs({
  store,
}: LambdaDeps): Handler<ListFunctionEventInvokeConfigsRequest> {
  return (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    const record = readFunction(store.resources, name)?.value;
    if (!record) throw notFound("The function doesn't exist.");
    const configs = store.resources.list<EventInvokeConfigRecord>(COLLECTION, `${name}:`);
    const page = paginate(configs, ({ key }) => key, input.Marker, input.MaxItems);
    return {
      FunctionEventInvokeConfigs: page.items.map(({ key, value }) =>
        showEventInvokeConfig(formatFunctionArn(record, name, key.slice(name.length + 1)), value),
      ),
      NextMarker: page.nextMarker,
    };
  };
}

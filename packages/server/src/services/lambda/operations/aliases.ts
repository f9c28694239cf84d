/** CreateAlias, UpdateAlias, GetAlias, DeleteAlias, ListAliases. Texts observed. */
import type {
  CreateAliasRequest,
  DeleteAliasRequest,
  GetAliasRequest,
  ListAliasesRequest,
  UpdateAliasRequest,
} from '@aws-sdk/client-lambda';
import {
  checkRouting,
  checkSameSettings,
  checkWeights,
  normaliseWeights,
} from '../../../domain/lambda-alias.ts';
import { planQualifierDeparture } from '../../../domain/lambda-departed.ts';
import {
  type AliasRecord,
  type FunctionRecord,
  LAMBDA_COLLECTIONS,
  listAliases,
  readAlias,
  readVersion,
} from '../../../domain/lambda-function.ts';
import { formatFunctionArn } from '../../../domain/lambda-names.ts';
import { checkRevision } from '../../../domain/lambda-publish.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import type { Resources } from '../../../store/store.ts';
import { commitOrConflict, put, remove } from '../commit.ts';
import type { LambdaDeps } from '../deps.ts';
import { allow, conflict, notFound } from '../errors.ts';
import { paginate } from '../pages.ts';
import {
  aliasNotFound,
  functionNotFound,
  readReference,
  requestedArn,
  requireFunction,
} from '../reference.ts';
import { showAlias } from '../view.ts';

const C = LAMBDA_COLLECTIONS;
type Weights = Readonly<Record<string, number>>;

/** The version, which must exist; names it with the qualifier in the error. */
function requireVersion(
  resources: Resources,
  context: RequestContext,
  name: string,
  version: string,
): FunctionRecord {
  const found = readVersion(resources, name, version)?.value;
  if (!found) throw functionNotFound(context, name, version);
  return found;
}

function checkTarget(
  resources: Resources,
  context: RequestContext,
  name: string,
  functionVersion: string,
  weights: Weights | undefined,
): void {
  const main = requireVersion(resources, context, name, functionVersion);
  if (!weights) return;
  allow(checkRouting(functionVersion, weights));
  for (const version of Object.keys(weights)) {
    allow(checkSameSettings(main, requireVersion(resources, context, name, version)));
  }
}

export function createAlias({ store, ids }: LambdaDeps): Handler<CreateAliasRequest> {
  return async (input, context) => {
    const weights = input.RoutingConfig?.AdditionalVersionWeights;
    if (weights) allow(checkWeights(weights));
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    const functionVersion = input.FunctionVersion as string;
    checkTarget(store.resources, context, name, functionVersion, weights);
    const alias: AliasRecord = {
      name: input.Name as string,
      functionVersion,
      description: input.Description ?? '',
      additionalVersionWeights: normaliseWeights(weights),
      revisionId: ids.uuid(),
    };
    const { value: record } = requireFunction(store.resources, context, name);
    const result = await store.commit([put(C.aliases, `${name}:${alias.name}`, alias, 0)]);
    if (result.kind === 'conflict') {
      throw conflict(`Alias already exists: ${formatFunctionArn(record, name, alias.name)}`);
    }
    return showAlias(record, name, alias);
  };
}

export function updateAlias({ store, ids }: LambdaDeps): Handler<UpdateAliasRequest> {
  return async (input, context) => {
    const weights = input.RoutingConfig?.AdditionalVersionWeights;
    if (weights) allow(checkWeights(weights));
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    const current = readAlias(store.resources, name, input.Name as string);
    if (!current) {
      throw notFound(`Alias not found: ${requestedArn(context, name, input.Name)}`);
    }
    allow(checkRevision(current.value.revisionId, input.RevisionId));
    const functionVersion = input.FunctionVersion ?? current.value.functionVersion;
    const nextWeights = input.RoutingConfig
      ? normaliseWeights(weights)
      : current.value.additionalVersionWeights;
    checkTarget(store.resources, context, name, functionVersion, nextWeights);
    const alias: AliasRecord = {
      name: current.value.name,
      functionVersion,
      description: input.Description ?? current.value.description,
      additionalVersionWeights: nextWeights,
      revisionId: ids.uuid(),
    };
    const { value: record } = requireFunction(store.resources, context, name);
    await commitOrConflict(
      store,
      [put(C.aliases, current.key, alias, current.version)],
      formatFunctionArn(record, name, alias.name),
    );
    return showAlias(record, name, alias);
  };
}

export function getAlias({ store }: LambdaDeps): Handler<GetAliasRequest> {
  return (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    const alias = readAlias(store.resources, name, input.Name as string)?.value;
    if (!alias) throw aliasNotFound(context, name, input.Name as string);
    return showAlias(requireFunction(store.resources, context, name).value, name, alias);
  };
}

/** Deleting what is not there is fine. Its function URL stays (observed). */
export function deleteAlias({ store }: LambdaDeps): Handler<DeleteAliasRequest> {
  return async (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    const current = readAlias(store.resources, name, input.Name as string);
    if (!current) return {};
    const belongings = [C.eventInvokeConfigs, C.provisionedConcurrency, C.policies]
      .filter((collection) => store.resources.get(collection, current.key))
      .map((collection) => remove(collection, current.key));
    await commitOrConflict(
      store,
      [
        remove(C.aliases, current.key, current.version),
        planQualifierDeparture(store.resources, name, current.value.name, current.value.functionVersion),
        ...belongings,
      ],
      requestedArn(context, name, current.value.name),
    );
    return {};
  };
}

export function listAliasesOperation({ store }: LambdaDeps): Handler<ListAliasesRequest> {
  return (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    const { value: record } = requireFunction(store.resources, context, name);
    const aliases = listAliases(store.resources, name)
      .map(({ value }) => value)
      .filter((alias) => !input.FunctionVersion || alias.functionVersion === input.FunctionVersion);
    const page = paginate(aliases, (alias) => alias.name, input.Marker, input.MaxItems);
    return {
      Aliases: page.items.map((alias) => showAlias(record, name, alias)),
      NextMarker: page.nextMarker,
    };
  };
}

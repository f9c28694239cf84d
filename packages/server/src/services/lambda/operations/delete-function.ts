/**
 * DeleteFunction: one version, or the function with everything that hangs on it, in one commit.
 * Event source mappings stay (observed); events that wait keep the settings they had (`lambda-departed`).
 */
import type { DeleteFunctionRequest } from '@aws-sdk/client-lambda';
import { planDeparture, planQualifierDeparture } from '../../../domain/lambda-departed.ts';
import { LAMBDA_COLLECTIONS, listAliases } from '../../../domain/lambda-function.ts';
import { formatFunctionArn, isVersionNumber, LATEST } from '../../../domain/lambda-names.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { Effect, Resources } from '../../../store/store.ts';
import { commitOrConflict, remove } from '../commit.ts';
import type { LambdaDeps } from '../deps.ts';
import { conflict, invalidParameter } from '../errors.ts';
import { readReference, requireFunction } from '../reference.ts';
import { planTagRemoval } from '../tags.ts';

const C = LAMBDA_COLLECTIONS;
/** Keyed by the bare name. */
const BY_NAME = [C.concurrency, C.recursion];
/** Keyed `<name>:<qualifier>`. */
const BY_QUALIFIER = [
  C.versions,
  C.aliases,
  C.eventInvokeConfigs,
  C.provisionedConcurrency,
  C.policies,
  C.functionUrls,
];

export function deleteFunction({ store }: LambdaDeps): Handler<DeleteFunctionRequest> {
  return async (input, context) => {
    const { name, qualifier } = readReference(
      store.resources,
      context,
      input.FunctionName as string,
      input.Qualifier,
    );
    if (qualifier === LATEST) {
      throw invalidParameter('$LATEST version cannot be deleted without deleting the function.');
    }
    if (qualifier !== undefined && !isVersionNumber(qualifier)) {
      throw invalidParameter('Deletion of aliases is not currently supported.');
    }
    const current = requireFunction(store.resources, context, name);
    const unit =
      qualifier === undefined
        ? [
            remove(C.functions, name, current.version),
            ...planRemoval(store.resources, name),
            planTagRemoval(formatFunctionArn(current.value, name)),
          ]
        : planVersionRemoval(store.resources, name, qualifier);
    await commitOrConflict(store, unit, formatFunctionArn(current.value, name));
    return { StatusCode: 204 };
  };
}

function planRemoval(resources: Resources, name: string): Effect[] {
  return [
    planDeparture(resources, name),
    ...BY_NAME.filter((collection) => resources.get(collection, name)).map((collection) =>
      remove(collection, name),
    ),
    ...BY_QUALIFIER.flatMap((collection) =>
      resources.list(collection, `${name}:`).map(({ key }) => remove(collection, key)),
    ),
  ];
}

/** What belongs to the version goes with it; the version may be gone already (observed: 204 all the same). */
function planVersionRemoval(resources: Resources, name: string, version: string): Effect[] {
  const aliases = listAliases(resources, name)
    .map(({ value }) => value)
    .filter(
      (alias) => alias.functionVersion === version || alias.additionalVersionWeights?.[version] !== undefined,
    )
    .map((alias) => alias.name);
  if (aliases.length > 0) {
    throw conflict(
      `Unable to delete version because the following aliases reference it: [${aliases.join(', ')}]`,
    );
  }
  const key = `${name}:${version}`;
  if (!resources.get(C.versions, key)) return [];
  return [
    planQualifierDeparture(resources, name, version, version),
    ...[C.versions, C.eventInvokeConfigs, C.provisionedConcurrency, C.policies]
      .filter((collection) => resources.get(collection, key))
      .map((collection) => remove(collection, key)),
  ];
}

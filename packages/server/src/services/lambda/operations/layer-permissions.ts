/** AddLayerVersionPermission, RemoveLayerVersionPermission, GetLayerVersionPolicy. Texts observed. */
import type {
  AddLayerVersionPermissionRequest,
  GetLayerVersionPolicyRequest,
  RemoveLayerVersionPermissionRequest,
} from '@aws-sdk/client-lambda';
import { LAMBDA_COLLECTIONS } from '../../../domain/lambda-function.ts';
import { formatLayerArn, type LayerVersionRecord, parseLayerName } from '../../../domain/lambda-layer.ts';
import {
  addStatement,
  checkPolicyRevision,
  formatPolicy,
  formatStatement,
  removeStatement,
} from '../../../domain/lambda-policy.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import type { Resource, Resources } from '../../../store/store.ts';
import { commitRetrying, put } from '../commit.ts';
import type { LambdaDeps } from '../deps.ts';
import { granted, notFound } from '../errors.ts';
import { checkLayerVersionNumber, readLayerVersion } from './layers.ts';

const COLLECTION = LAMBDA_COLLECTIONS.layerVersions;
const API = 'GetLayerPolicy';
const NO_POLICY = 'No policy is associated with the given resource.';

function requireLayer(
  resources: Resources,
  context: RequestContext,
  input: { LayerName?: string; VersionNumber?: number },
): Resource<LayerVersionRecord> {
  const version = input.VersionNumber as number;
  checkLayerVersionNumber(version);
  const name = parseLayerName(input.LayerName as string);
  const layer = readLayerVersion(resources, name, version);
  if (!layer) throw notFound(`Layer version ${formatLayerArn(context, name, version)} does not exist.`);
  return layer;
}

export function addLayerVersionPermission({
  store,
  ids,
}: LambdaDeps): Handler<AddLayerVersionPermissionRequest> {
  return (input, context) =>
    commitRetrying(store, () => {
      const current = requireLayer(store.resources, context, input);
      const layer = current.value;
      const statement = granted(
        formatStatement(
          {
            statementId: input.StatementId as string,
            action: input.Action as string,
            principal: input.Principal as string,
            resource: formatLayerArn(layer, layer.name, layer.version),
            principalOrgId: input.OrganizationId,
          },
          layer.region,
        ),
      );
      granted(checkPolicyRevision(layer.policy, input.RevisionId, API));
      const policy = granted(addStatement(layer.policy, statement, ids.uuid()));
      return {
        unit: [put(COLLECTION, current.key, { ...layer, policy }, current.version)],
        result: { Statement: JSON.stringify(statement), RevisionId: policy.revisionId },
      };
    });
}

export function removeLayerVersionPermission({
  store,
  ids,
}: LambdaDeps): Handler<RemoveLayerVersionPermissionRequest> {
  return (input, context) =>
    commitRetrying(store, () => {
      const current = requireLayer(store.resources, context, input);
      if (!current.value.policy) throw notFound(NO_POLICY);
      granted(checkPolicyRevision(current.value.policy, input.RevisionId, API));
      const policy = granted(removeStatement(current.value.policy, input.StatementId as string, ids.uuid()));
      return {
        unit: [put(COLLECTION, current.key, { ...current.value, policy }, current.version)],
        result: {},
      };
    });
}

export function getLayerVersionPolicy({ store }: LambdaDeps): Handler<GetLayerVersionPolicyRequest> {
  return (input, context) => {
    const { policy } = requireLayer(store.resources, context, input).value;
    if (!policy) throw notFound(NO_POLICY);
    return { Policy: formatPolicy(policy), RevisionId: policy.revisionId };
  };
}

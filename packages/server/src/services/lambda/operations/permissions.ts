/** AddPermission, RemovePermission, GetPolicy: the policy of a function, a version or an alias. Texts observed. */
import type { AddPermissionRequest, GetPolicyRequest, RemovePermissionRequest } from '@aws-sdk/client-lambda';
import { LAMBDA_COLLECTIONS, readAlias, readFunction, readVersion } from '../../../domain/lambda-function.ts';
import { formatFunctionArn, isVersionNumber, LATEST } from '../../../domain/lambda-names.ts';
import {
  addStatement,
  checkPolicyRevision,
  formatPolicy,
  formatStatement,
  type PolicyRecord,
  removeStatement,
} from '../../../domain/lambda-policy.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import type { Resource, Resources } from '../../../store/store.ts';
import { commitRetrying, put, remove } from '../commit.ts';
import type { LambdaDeps } from '../deps.ts';
import { granted, invalidParameter, notFound } from '../errors.ts';
import {
  aliasNotFound,
  functionNotFound,
  type Reference,
  readReference,
  requestedArn,
} from '../reference.ts';

const COLLECTION = LAMBDA_COLLECTIONS.policies;

const keyOf = ({ name, qualifier }: Reference) => `${name}:${qualifier ?? LATEST}`;

function readPolicy(resources: Resources, ref: Reference): Resource<PolicyRecord> | undefined {
  return resources.get<PolicyRecord>(COLLECTION, keyOf(ref));
}

function requireQualifier(
  resources: Resources,
  context: RequestContext,
  { name, qualifier }: Reference,
): void {
  if (qualifier === undefined) return;
  if (isVersionNumber(qualifier)) {
    if (!readVersion(resources, name, qualifier)) throw functionNotFound(context, name, qualifier);
  } else if (!readAlias(resources, name, qualifier)) {
    // What could not be the name of an alias is taken for a version.
    throw qualifier.includes('$')
      ? functionNotFound(context, name, qualifier)
      : aliasNotFound(context, name, qualifier);
  }
}

export function addPermission({ store, ids }: LambdaDeps): Handler<AddPermissionRequest> {
  return (input, context) => {
    const ref = readReference(store.resources, context, input.FunctionName as string, input.Qualifier);
    if (ref.qualifier === LATEST) {
      throw invalidParameter('We currently do not support adding policies for $LATEST.');
    }
    const record = readFunction(store.resources, ref.name)?.value;
    if (!record) throw functionNotFound(context, ref.name);
    requireQualifier(store.resources, context, ref);
    const statement = granted(
      formatStatement(
        {
          statementId: input.StatementId as string,
          action: input.Action as string,
          principal: input.Principal as string,
          resource: formatFunctionArn(record, ref.name, ref.qualifier),
          sourceArn: input.SourceArn,
          sourceAccount: input.SourceAccount,
          eventSourceToken: input.EventSourceToken,
          principalOrgId: input.PrincipalOrgID,
          functionUrlAuthType: input.FunctionUrlAuthType,
          invokedViaFunctionUrl: input.InvokedViaFunctionUrl,
        },
        record.region,
      ),
    );
    return commitRetrying(store, () => {
      const current = readPolicy(store.resources, ref);
      granted(checkPolicyRevision(current?.value, input.RevisionId, 'GetPolicy'));
      const policy = granted(addStatement(current?.value, statement, ids.uuid()));
      return {
        unit: [put(COLLECTION, keyOf(ref), policy, current?.version ?? 0)],
        result: { Statement: JSON.stringify(statement) },
      };
    });
  };
}

export function removePermission({ store, ids }: LambdaDeps): Handler<RemovePermissionRequest> {
  return (input, context) => {
    const ref = readReference(store.resources, context, input.FunctionName as string, input.Qualifier);
    if (!readFunction(store.resources, ref.name)) {
      throw notFound(`No policy found for: ${requestedArn(context, ref.name, ref.qualifier)}`);
    }
    if (ref.qualifier !== LATEST) requireQualifier(store.resources, context, ref);
    return commitRetrying(store, () => {
      const current = readPolicy(store.resources, ref);
      if (!current) throw notFound('No policy is associated with the given resource.');
      granted(checkPolicyRevision(current.value, input.RevisionId, 'GetPolicy'));
      const policy = granted(removeStatement(current.value, input.StatementId as string, ids.uuid()));
      const change = policy
        ? put(COLLECTION, current.key, policy, current.version)
        : remove(COLLECTION, current.key, current.version);
      return { unit: [change], result: {} };
    });
  };
}

export function getPolicy({ store }: LambdaDeps): Handler<GetPolicyRequest> {
  return (input, context) => {
    const ref = readReference(store.resources, context, input.FunctionName as string, input.Qualifier);
    const policy = readPolicy(store.resources, ref)?.value;
    if (!policy) throw notFound('The resource you requested does not exist.');
    return { Policy: formatPolicy(policy), RevisionId: policy.revisionId };
  };
}

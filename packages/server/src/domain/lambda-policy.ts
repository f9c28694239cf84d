/**
 * Resource policies: who may invoke a function (or read a layer version), one statement per permission.
 * Shapes and texts observed; the order of members is the order AWS prints.
 */

import { partitionOf } from './arn.ts';
import { POLICY_BYTES } from './lambda-limits.ts';
import { type Refusal, refuse, refuseMissing, refuseParameter } from './lambda-refusal.ts';

export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Principal: string | { readonly Service: string } | { readonly AWS: string };
  readonly Action: string;
  readonly Resource: string;
  readonly Condition?: {
    readonly StringEquals?: Readonly<Record<string, string>>;
    readonly ArnLike?: Readonly<Record<string, string>>;
    readonly Bool?: Readonly<Record<string, string>>;
  };
}

export interface PolicyRecord {
  readonly statements: readonly Statement[];
  readonly revisionId: string;
}

export interface Permission {
  readonly statementId: string;
  readonly action: string;
  readonly principal: string;
  /** ARN of the function, with qualifier if the permission is for one. */
  readonly resource: string;
  readonly sourceArn?: string;
  readonly sourceAccount?: string;
  readonly eventSourceToken?: string;
  readonly principalOrgId?: string;
  readonly functionUrlAuthType?: string;
  /** Only calls that come through the function's URL. */
  readonly invokedViaFunctionUrl?: boolean;
}

const INVALID_PRINCIPAL = 'The provided principal was invalid. Please check the principal and try again.';

function readPrincipal(principal: string, region: string): Statement['Principal'] | undefined {
  if (principal === '*') return '*';
  if (/^\d{12}$/.test(principal)) return { AWS: `arn:${partitionOf(region)}:iam::${principal}:root` };
  if (/^arn:[a-zA-Z-]+:(iam|sts)::\d{12}:.+$/.test(principal)) return { AWS: principal };
  // Services are named like hosts: `s3.amazonaws.com`, `s3.us-east-1.amazonaws.com`, and internal ones.
  if (/^[a-zA-Z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal|alexa\.com)$/.test(principal)) {
    return { Service: principal };
  }
  return undefined;
}

/** The statement a permission becomes. */
export function formatStatement(permission: Permission, region: string): Statement | Refusal {
  const principal = readPrincipal(permission.principal, region);
  if (principal === undefined) return refuseParameter(INVALID_PRINCIPAL);
  const stringEquals: Record<string, string> = {};
  if (permission.sourceAccount) stringEquals['AWS:SourceAccount'] = permission.sourceAccount;
  if (permission.functionUrlAuthType)
    stringEquals['lambda:FunctionUrlAuthType'] = permission.functionUrlAuthType;
  if (permission.principalOrgId) stringEquals['aws:PrincipalOrgID'] = permission.principalOrgId;
  if (permission.eventSourceToken) stringEquals['lambda:EventSourceToken'] = permission.eventSourceToken;
  const condition = {
    ...(Object.keys(stringEquals).length > 0 ? { StringEquals: stringEquals } : {}),
    ...(permission.sourceArn ? { ArnLike: { 'AWS:SourceArn': permission.sourceArn } } : {}),
    ...(permission.invokedViaFunctionUrl ? { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } } : {}),
  };
  return {
    Sid: permission.statementId,
    Effect: 'Allow',
    Principal: principal,
    Action: permission.action,
    Resource: permission.resource,
    ...(Object.keys(condition).length > 0 ? { Condition: condition } : {}),
  };
}

/** JSON text as `GetPolicy` gives it. */
export function formatPolicy(policy: Pick<PolicyRecord, 'statements'>): string {
  return JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement: policy.statements });
}

/** @param api the call AWS tells the caller to make: `GetPolicy` or `GetLayerPolicy` */
export function checkPolicyRevision(
  policy: PolicyRecord | undefined,
  given: string | undefined,
  api: string,
): Refusal | undefined {
  if (!given || given === policy?.revisionId) return undefined;
  return refuse(
    'PreconditionFailedException',
    `The Revision Id provided does not match the latest Revision Id. Call the ${api} API to retrieve the latest Revision Id`,
  );
}

export function addStatement(
  policy: PolicyRecord | undefined,
  statement: Statement,
  revisionId: string,
): PolicyRecord | Refusal {
  const statements = policy?.statements ?? [];
  if (statements.some(({ Sid }) => Sid === statement.Sid)) {
    return refuse(
      'ResourceConflictException',
      `The statement id (${statement.Sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
    );
  }
  const next = { statements: [...statements, statement], revisionId };
  const size = Buffer.byteLength(formatPolicy(next));
  if (size > POLICY_BYTES) {
    return refuse(
      'PolicyLengthExceededException',
      `The final policy size (${size}) is bigger than the limit (${POLICY_BYTES}).`,
    );
  }
  return next;
}

/** The policy without the statement; `undefined` when nothing is left. */
export function removeStatement(
  policy: PolicyRecord,
  statementId: string,
  revisionId: string,
): PolicyRecord | undefined | Refusal {
  const statements = policy.statements.filter(({ Sid }) => Sid !== statementId);
  if (statements.length === policy.statements.length) {
    return refuseMissing(`Statement ${statementId} is not found in resource policy.`);
  }
  return statements.length === 0 ? undefined : { statements, revisionId };
}

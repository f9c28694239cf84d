/**
 * The access policy of a queue: AddPermission writes statements into it, RemovePermission takes them out.
 * It is kept and shown; it is not evaluated.
 * Source: AddPermission in the API reference; shape and wording observed.
 */
import { type Refusal, refuse } from './refusal.ts';

interface Statement {
  Sid?: string;
  [key: string]: unknown;
}
interface Policy {
  Version: string;
  Id?: string;
  Statement: Statement[] | Statement;
}

/** AWS: a policy holds 20 statements. */
const MAX_STATEMENTS = 20;

const SHARED_ACTIONS: ReadonlySet<string> = new Set([
  '*',
  'SendMessage',
  'ReceiveMessage',
  'DeleteMessage',
  'ChangeMessageVisibility',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ListDeadLetterSourceQueues',
  'PurgeQueue',
]);
const OWNER_ACTIONS: ReadonlySet<string> = new Set([
  'AddPermission',
  'CancelMessageMoveTask',
  'CreateQueue',
  'DeleteQueue',
  'ListMessageMoveTasks',
  'ListQueues',
  'ListQueueTags',
  'RemovePermission',
  'SetQueueAttributes',
  'StartMessageMoveTask',
  'TagQueue',
  'UntagQueue',
]);

export interface Permission {
  readonly queueArn: string;
  readonly label: string;
  readonly accountIds: readonly string[];
  readonly actions: readonly string[];
}

/** The policy with the permission added. `policy` is absent while the queue has none. */
export function addPermission(policy: string | undefined, permission: Permission): string | Refusal {
  const refusal = checkPermission(permission);
  if (refusal) return refusal;
  const { queueArn, label } = permission;
  const document: Policy = policy
    ? (JSON.parse(policy) as Policy)
    : { Version: '2008-10-17', Id: `${queueArn}/SQSDefaultPolicy`, Statement: [] };
  const statements = statementsOf(document);
  if (statements.some((statement) => statement.Sid === label)) {
    return refuse(
      'InvalidParameterValueException',
      `Value ${label} for parameter Label is invalid. Reason: Already exists.`,
    );
  }
  if (statements.length >= MAX_STATEMENTS) {
    return refuse(
      'OverLimit',
      `${statements.length + 1} Statements were found, maximum allowed is ${MAX_STATEMENTS}.`,
    );
  }
  const principals = permission.accountIds.map((account) => `arn:aws:iam::${account}:root`);
  statements.push({
    Sid: label,
    Effect: 'Allow',
    Principal: { AWS: oneOrMany(principals) },
    Action: oneOrMany(permission.actions.map((action) => `SQS:${action}`)),
    Resource: queueArn,
  });
  return JSON.stringify({ ...document, Statement: statements });
}

/** The policy without the statements of the label; empty when none are left. */
export function removePermission(policy: string | undefined, label: string): string | Refusal {
  const document = policy ? (JSON.parse(policy) as Policy) : undefined;
  const statements = document ? statementsOf(document) : [];
  const left = statements.filter((statement) => statement.Sid !== label);
  if (left.length === statements.length) {
    return refuse(
      'InvalidParameterValueException',
      `Value ${label} for parameter Label is invalid. Reason: can't find label${document ? ' on existing policy' : ''}.`,
    );
  }
  return left.length === 0 ? '' : JSON.stringify({ ...document, Statement: left });
}

function checkPermission({ label, accountIds, actions }: Permission): Refusal | undefined {
  if (actions.length === 0) return missing('ActionName');
  if (accountIds.length === 0) return missing('AWSAccountIds');
  if (label === '') return missing('Label');
  if (!/^[A-Za-z0-9_-]{1,80}$/.test(label)) {
    return refuse(
      'InvalidParameterValueException',
      `Value ${label} for parameter Label is invalid. Reason: Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.`,
    );
  }
  for (const action of actions) {
    if (SHARED_ACTIONS.has(action)) continue;
    return refuse(
      'InvalidParameterValueException',
      `Value SQS:${action} for parameter ActionName is invalid. Reason: ${
        OWNER_ACTIONS.has(action)
          ? 'Only the queue owner is allowed to invoke this action.'
          : 'Please refer to the appropriate WSDL for a list of valid actions.'
      }`,
    );
  }
  const badAccount = accountIds.find((account) => !/^\d{12}$/.test(account));
  if (badAccount === undefined) return undefined;
  return refuse(
    'InvalidParameterValueException',
    `Value [${badAccount}] for parameter PrincipalId is invalid. Reason: Unable to verify.`,
  );
}

/** A document that a client sets as the attribute `Policy`: well formed, or refused as AWS refuses it. */
export function checkPolicyDocument(text: string): Refusal | undefined {
  const invalid = refuse('InvalidAttributeValue', 'Invalid value for the parameter Policy.');
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return invalid;
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return invalid;
  const { Version, Statement } = document as Partial<Policy>;
  if (Version !== undefined && Version !== '2008-10-17' && Version !== '2012-10-17') return invalid;
  if (typeof Statement !== 'object' || Statement === null) return invalid;
  const statements = statementsOf(document as Policy);
  if (statements.length === 0) return invalid;
  if (statements.length > MAX_STATEMENTS) {
    return refuse(
      'OverLimit',
      `${statements.length} statements were found in the submitted policy, max allowed is ${MAX_STATEMENTS}`,
    );
  }
  const wellFormed = statements.every(
    (statement) =>
      typeof statement === 'object' &&
      statement !== null &&
      (statement.Effect === 'Allow' || statement.Effect === 'Deny') &&
      ('Principal' in statement || 'NotPrincipal' in statement) &&
      ('Action' in statement || 'NotAction' in statement),
  );
  return wellFormed ? undefined : invalid;
}

function statementsOf(policy: Policy): Statement[] {
  return Array.isArray(policy.Statement) ? [...policy.Statement] : [policy.Statement];
}

function oneOrMany(values: readonly string[]): string | readonly string[] {
  return values.length === 1 ? (values[0] as string) : values;
}

function missing(parameter: string): Refusal {
  return refuse('MissingRequiredParameterException', `The request must contain the parameter ${parameter}.`);
}

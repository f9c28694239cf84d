/** UpdateFunctionConfiguration: members that are not given keep their value. */
import type { UpdateFunctionConfigurationRequest } from '@aws-sdk/client-lambda';
import { applyConfiguration, checkConfiguration } from '../../../domain/lambda-configuration.ts';
import { LAMBDA_COLLECTIONS } from '../../../domain/lambda-function.ts';
import { formatFunctionArn } from '../../../domain/lambda-names.ts';
import { checkRevision } from '../../../domain/lambda-publish.ts';
import { checkRuntime } from '../../../domain/lambda-runtimes.ts';
import { checkDeadLetterTarget } from '../../../domain/lambda-targets.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { commitOrConflict, put } from '../commit.ts';
import { readConfigurationChange } from '../configuration-input.ts';
import type { LambdaDeps } from '../deps.ts';
import { allow } from '../errors.ts';
import { readReference, requireFunction } from '../reference.ts';
import { showFunction } from '../view.ts';
import { checkRunnable } from './create-function.ts';

export function updateFunctionConfiguration(deps: LambdaDeps): Handler<UpdateFunctionConfigurationRequest> {
  const { store, clock, ids } = deps;
  return async (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    // Before the record is read: finding an interpreter takes time.
    if (input.Runtime && checkRuntime(input.Runtime) === undefined) await checkRunnable(deps, input.Runtime);
    const current = requireFunction(store.resources, context, name);
    allow(checkRevision(current.value.revisionId, input.RevisionId));
    const change = readConfigurationChange(store.resources, input, current.value.region);
    allow(checkConfiguration(change, current.value));
    if (change.deadLetterTargetArn) {
      allow(checkDeadLetterTarget(store.resources, change.deadLetterTargetArn, current.value.region));
    }
    const record = applyConfiguration(current.value, change, {
      revisionId: ids.uuid(),
      lastModifiedAt: clock.now(),
    });
    await commitOrConflict(
      store,
      [put(LAMBDA_COLLECTIONS.functions, name, record, current.version)],
      formatFunctionArn(record, name),
    );
    return showFunction({ ...record, revisionId: ids.uuid() }, undefined, 'updating');
  };
}

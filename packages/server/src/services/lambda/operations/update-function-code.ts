/** UpdateFunctionCode: new code for `$LATEST`; runs that have begun keep the old one. */
import type { UpdateFunctionCodeRequest } from '@aws-sdk/client-lambda';
import { applyCode } from '../../../domain/lambda-configuration.ts';
import { LAMBDA_COLLECTIONS } from '../../../domain/lambda-function.ts';
import { formatFunctionArn } from '../../../domain/lambda-names.ts';
import { checkRevision, publish } from '../../../domain/lambda-publish.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { hashZip, readZip, storeZip } from '../code-input.ts';
import { commitOrConflict, put } from '../commit.ts';
import type { LambdaDeps } from '../deps.ts';
import { allow, unsupported } from '../errors.ts';
import { readReference, requireFunction } from '../reference.ts';
import { showFunction } from '../view.ts';

export function updateFunctionCode(deps: LambdaDeps): Handler<UpdateFunctionCodeRequest> {
  const { store, clock, ids, codeStore } = deps;
  return async (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    allow(checkRevision(requireFunction(store.resources, context, name).value.revisionId, input.RevisionId));
    if (input.PublishTo)
      throw unsupported('Redrive publishes to numbered versions only: leave PublishTo out.');
    const zip = readZip(input);
    const code = input.DryRun ? await hashZip(zip) : await storeZip(codeStore, zip);

    // Read again: storing took time.
    const current = requireFunction(store.resources, context, name);
    allow(checkRevision(current.value.revisionId, input.RevisionId));
    const revision = { revisionId: ids.uuid(), lastModifiedAt: clock.now() };
    const record = applyCode(current.value, { ...code, architectures: input.Architectures }, revision);
    if (input.DryRun) return showFunction(record);

    const arn = formatFunctionArn(record, name);
    if (!input.Publish || record.publishedAs !== undefined) {
      await commitOrConflict(store, [put(LAMBDA_COLLECTIONS.functions, name, record, current.version)], arn);
      return showFunction({ ...record, revisionId: ids.uuid() }, undefined, 'updating');
    }
    const { version, latest } = publish(record, undefined, [ids.uuid(), record.revisionId]);
    await commitOrConflict(
      store,
      [
        put(LAMBDA_COLLECTIONS.versions, `${name}:${version.version}`, version, 0),
        put(LAMBDA_COLLECTIONS.functions, name, latest, current.version),
      ],
      arn,
    );
    return showFunction(version, version.version, 'creating');
  };
}

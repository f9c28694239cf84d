/** PublishVersion: the next version of `$LATEST`, or the one that is published already. */
import type { PublishVersionRequest } from '@aws-sdk/client-lambda';
import { LAMBDA_COLLECTIONS, readVersion } from '../../../domain/lambda-function.ts';
import { formatFunctionArn } from '../../../domain/lambda-names.ts';
import { checkCodeSha256, checkRevision, publish } from '../../../domain/lambda-publish.ts';
import type { Handler } from '../../../protocol/operation.ts';
import { commitOrConflict, put } from '../commit.ts';
import type { LambdaDeps } from '../deps.ts';
import { allow } from '../errors.ts';
import { readReference, requireFunction } from '../reference.ts';
import { showFunction } from '../view.ts';

export function publishVersion({ store, ids }: LambdaDeps): Handler<PublishVersionRequest> {
  return async (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    const current = requireFunction(store.resources, context, name);
    allow(checkRevision(current.value.revisionId, input.RevisionId));
    allow(checkCodeSha256(current.value, input.CodeSha256));
    const { publishedAs } = current.value;
    const published = publishedAs && readVersion(store.resources, name, publishedAs)?.value;
    if (published) return showFunction(published, published.version);
    const { version, latest } = publish(current.value, input.Description, [ids.uuid(), ids.uuid()]);
    await commitOrConflict(
      store,
      [
        put(LAMBDA_COLLECTIONS.versions, `${name}:${version.version}`, version, 0),
        put(LAMBDA_COLLECTIONS.functions, name, latest, current.version),
      ],
      formatFunctionArn(version, name),
    );
    return showFunction(version, version.version);
  };
}

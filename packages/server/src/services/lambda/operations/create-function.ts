/** CreateFunction: admits a new function; it is durable, active and invocable when the answer is sent. */
import type { CreateFunctionRequest } from '@aws-sdk/client-lambda';
import { checkConfiguration, createRecord } from '../../../domain/lambda-configuration.ts';
import { planReturn } from '../../../domain/lambda-departed.ts';
import { type FunctionRecord, LAMBDA_COLLECTIONS, readFunction } from '../../../domain/lambda-function.ts';
import { FUNCTION_NAME_LENGTH } from '../../../domain/lambda-limits.ts';
import { formatFunctionArn } from '../../../domain/lambda-names.ts';
import { publish } from '../../../domain/lambda-publish.ts';
import { checkDeadLetterTarget } from '../../../domain/lambda-targets.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import type { Effect } from '../../../store/store.ts';
import { readZip, storeZip } from '../code-input.ts';
import { put } from '../commit.ts';
import { readConfigurationChange } from '../configuration-input.ts';
import type { LambdaDeps } from '../deps.ts';
import { allow, conflict, invalidParameter, unsupported } from '../errors.ts';
import { readReference } from '../reference.ts';
import { planTags } from '../tags.ts';
import { showFunction } from '../view.ts';

/** A machine may lack what a runtime needs; better said now than at the first invocation. */
export async function checkRunnable(deps: LambdaDeps, runtime: string): Promise<void> {
  if (!deps.runtimes || (await deps.runtimes.find(runtime))) return;
  throw unsupported(
    `Redrive cannot run ${runtime} functions on this machine. It runs nodejs and python3 runtimes for which it finds an interpreter, and provided.al2023 and provided.al2 (an executable named bootstrap).`,
  );
}

export function createFunction(deps: LambdaDeps): Handler<CreateFunctionRequest> {
  const { store, clock, ids, codeStore } = deps;
  return async (input, context) => {
    const name = readNewName(deps, input, context);
    if (input.PackageType === 'Image') readZip({ ImageUri: input.Code?.ImageUri ?? 'image' });
    if (!input.Runtime || !input.Handler) {
      throw invalidParameter(
        'Runtime and Handler are mandatory parameters for functions created with deployment packages.',
      );
    }
    if (input.PublishTo)
      throw unsupported('Redrive publishes to numbered versions only: leave PublishTo out.');
    const change = readConfigurationChange(store.resources, input, context.region);
    allow(checkConfiguration(change));
    await checkRunnable(deps, input.Runtime);
    if (change.deadLetterTargetArn) {
      allow(checkDeadLetterTarget(store.resources, change.deadLetterTargetArn, context.region));
    }
    const zip = readZip(input.Code ?? {});
    if (readFunction(store.resources, name)) throw conflict(`Function already exist: ${name}`);
    const code = await storeZip(codeStore, zip);

    const record = createRecord(
      {
        name,
        region: context.region,
        accountId: context.accountId,
        revisionId: ids.uuid(),
        lastModifiedAt: clock.now(),
      },
      code,
      { ...change, runtime: input.Runtime, handler: input.Handler, role: input.Role as string },
    );
    let latest: FunctionRecord = record;
    const unit: Effect[] = [planReturn(name)];
    if (input.Publish) {
      const publication = publish(record, undefined, [ids.uuid(), record.revisionId]);
      latest = publication.latest;
      unit.push(
        put(LAMBDA_COLLECTIONS.versions, `${name}:${publication.version.version}`, publication.version, 0),
      );
    }
    unit.push(put(LAMBDA_COLLECTIONS.functions, name, latest, 0));
    if (input.Tags && Object.keys(input.Tags).length > 0) {
      unit.push(planTags(formatFunctionArn(record, name), {}, input.Tags));
    }
    const result = await store.commit(unit);
    if (result.kind === 'conflict') throw conflict(`Function already exist: ${name}`);
    // AWS is still at it when it answers; the revision changes once more when the function becomes active.
    return {
      ...showFunction({ ...record, revisionId: ids.uuid() }, undefined, 'creating'),
      Version: latest.publishedAs ?? record.version,
    };
  };
}

function readNewName(deps: LambdaDeps, input: CreateFunctionRequest, context: RequestContext): string {
  const { name } = readReference(deps.store.resources, context, input.FunctionName as string);
  if (name.length > FUNCTION_NAME_LENGTH) {
    throw invalidParameter(
      `1 validation error detected: Value '${name}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to ${FUNCTION_NAME_LENGTH}`,
    );
  }
  return name;
}

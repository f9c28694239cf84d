/** TagResource, UntagResource, ListTags: functions and event source mappings have tags. Texts observed. */
import type { ListTagsRequest, TagResourceRequest, UntagResourceRequest } from '@aws-sdk/client-lambda';
import { parseArn } from '../../../domain/arn.ts';
import { type FunctionRecord, LAMBDA_COLLECTIONS, readFunction } from '../../../domain/lambda-function.ts';
import { formatFunctionArn, parseFunctionRef } from '../../../domain/lambda-names.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { Effect, Resource, Resources } from '../../../store/store.ts';
import { commitRetrying, put } from '../commit.ts';
import type { LambdaDeps } from '../deps.ts';
import { invalidParameter, notFound, unsupported } from '../errors.ts';
import { planTagRemoval, planTags, readTags } from '../tags.ts';

interface Tagged {
  /** What the tags are kept by. */
  readonly arn: string;
  /** Tagging a function changes its revision. */
  readonly functionRecord?: Resource<FunctionRecord>;
}

function requireTagged(resources: Resources, arnText: string): Tagged {
  const resource = parseArn(arnText)?.resource ?? '';
  if (resource.startsWith('event-source-mapping:')) {
    const uuid = resource.slice('event-source-mapping:'.length);
    if (!resources.get(LAMBDA_COLLECTIONS.eventSourceMappings, uuid)) {
      throw notFound(`Event source mapping not found: ${arnText}`);
    }
    return { arn: arnText };
  }
  if (resource.startsWith('capacity-provider:')) throw notFound(`Capacity provider not found: ${arnText}`);
  if (!resource.startsWith('function:')) {
    throw unsupported('Redrive keeps tags on functions and event source mappings only.');
  }
  const ref = parseFunctionRef(arnText);
  if (ref.kind !== 'ref' || ref.qualifier !== undefined) {
    throw invalidParameter(
      'Tags on function aliases and versions are not supported. Please specify a function ARN.',
    );
  }
  const functionRecord = readFunction(resources, ref.name);
  if (!functionRecord) throw notFound(`Function not found: ${arnText}`);
  return { arn: formatFunctionArn(functionRecord.value, ref.name), functionRecord };
}

/** The change of tags and what follows from it. */
function planChange({ ids }: LambdaDeps, tagged: Tagged, change: Effect): Effect[] {
  const { functionRecord } = tagged;
  if (!functionRecord) return [change];
  return [
    change,
    put(
      LAMBDA_COLLECTIONS.functions,
      functionRecord.key,
      { ...functionRecord.value, revisionId: ids.uuid() },
      functionRecord.version,
    ),
  ];
}

export function tagResource(deps: LambdaDeps): Handler<TagResourceRequest> {
  return async (input) => {
    if (Object.keys(input.Tags ?? {}).length === 0) {
      throw invalidParameter('An error occurred and the request cannot be processed.');
    }
    await commitRetrying(deps.store, () => {
      const tagged = requireTagged(deps.store.resources, input.Resource as string);
      const current = readTags(deps.store.resources, tagged.arn);
      return { unit: planChange(deps, tagged, planTags(tagged.arn, current, input.Tags ?? {})), result: {} };
    });
    return {};
  };
}

export function untagResource(deps: LambdaDeps): Handler<UntagResourceRequest> {
  return async (input) => {
    await commitRetrying(deps.store, () => {
      const tagged = requireTagged(deps.store.resources, input.Resource as string);
      const gone = new Set(input.TagKeys ?? []);
      const left = Object.fromEntries(
        Object.entries(readTags(deps.store.resources, tagged.arn)).filter(([key]) => !gone.has(key)),
      );
      const change =
        Object.keys(left).length === 0 ? planTagRemoval(tagged.arn) : planTags(tagged.arn, {}, left);
      return { unit: planChange(deps, tagged, change), result: {} };
    });
    return {};
  };
}

export function listTags({ store }: LambdaDeps): Handler<ListTagsRequest> {
  return (input) => {
    const { arn } = requireTagged(store.resources, input.Resource as string);
    return { Tags: readTags(store.resources, arn) };
  };
}

/** CreateFunctionUrlConfig and its family: addresses of functions and aliases. Texts observed. */
import type {
  CreateFunctionUrlConfigRequest,
  DeleteFunctionUrlConfigRequest,
  GetFunctionUrlConfigRequest,
  ListFunctionUrlConfigsRequest,
  UpdateFunctionUrlConfigRequest,
} from '@aws-sdk/client-lambda';
import {
  type FunctionRecord,
  LAMBDA_COLLECTIONS,
  readAlias,
  readFunction,
} from '../../../domain/lambda-function.ts';
import { formatFunctionArn, LATEST } from '../../../domain/lambda-names.ts';
import type { FunctionUrlRecord, UrlCors } from '../../../domain/lambda-url.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import type { Resource, Resources } from '../../../store/store.ts';
import { commitOrConflict, put, remove } from '../commit.ts';
import type { LambdaDeps } from '../deps.ts';
import { conflict, invalidParameter, notFound } from '../errors.ts';
import { formatFunctionUrl } from '../function-url-address.ts';
import { paginate } from '../pages.ts';
import { type Reference, readReference, requestedArn } from '../reference.ts';

const COLLECTION = LAMBDA_COLLECTIONS.functionUrls;
/** Letters and digits, as in AWS's host names. */
const ID_LENGTH = 32;
const ID_ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

function readRef(
  resources: Resources,
  context: RequestContext,
  input: { FunctionName?: string; Qualifier?: string },
): Reference & { readonly key: string } {
  const ref = readReference(resources, context, input.FunctionName as string, input.Qualifier);
  if (ref.qualifier === LATEST || (ref.qualifier !== undefined && /^\d+$/.test(ref.qualifier))) {
    throw invalidParameter('Function URLs are of functions and aliases, not of versions.');
  }
  return { ...ref, key: `${ref.name}:${ref.qualifier ?? LATEST}` };
}

function requireUrlOwner(resources: Resources, ref: Reference): FunctionRecord {
  const record = readFunction(resources, ref.name)?.value;
  if (!record || (ref.qualifier !== undefined && !readAlias(resources, ref.name, ref.qualifier))) {
    throw notFound('Function does not exist');
  }
  return record;
}

function requireUrl(resources: Resources, key: string): Resource<FunctionUrlRecord> {
  const found = resources.get<FunctionUrlRecord>(COLLECTION, key);
  if (!found) throw notFound('The resource you requested does not exist.');
  return found;
}

function readCors(cors: CreateFunctionUrlConfigRequest['Cors']): UrlCors | undefined {
  return (
    cors && {
      allowCredentials: cors.AllowCredentials,
      allowHeaders: cors.AllowHeaders,
      allowMethods: cors.AllowMethods,
      allowOrigins: cors.AllowOrigins,
      exposeHeaders: cors.ExposeHeaders,
      maxAgeSeconds: cors.MaxAge,
    }
  );
}

/** What creating and updating answer: the mode only if it was ever asked for. */
function show(url: FunctionUrlRecord, context: RequestContext) {
  return {
    FunctionUrl: formatFunctionUrl(context.origin, url.urlId),
    FunctionArn: requestedArn(context, url.functionName, url.qualifier),
    AuthType: url.authType,
    Cors: url.cors && {
      AllowCredentials: url.cors.allowCredentials,
      AllowHeaders: url.cors.allowHeaders,
      AllowMethods: url.cors.allowMethods,
      AllowOrigins: url.cors.allowOrigins,
      ExposeHeaders: url.cors.exposeHeaders,
      MaxAge: url.cors.maxAgeSeconds,
    },
    CreationTime: new Date(url.createdAt).toISOString(),
    InvokeMode: url.invokeMode,
  };
}

function showWhole(url: FunctionUrlRecord, context: RequestContext) {
  return {
    ...show(url, context),
    LastModifiedTime: new Date(url.lastModifiedAt).toISOString(),
    InvokeMode: url.invokeMode ?? 'BUFFERED',
  };
}

export function createFunctionUrlConfig(deps: LambdaDeps): Handler<CreateFunctionUrlConfigRequest> {
  const { store, clock, random } = deps;
  return async (input, context) => {
    const ref = readRef(store.resources, context, input);
    const record = requireUrlOwner(store.resources, ref);
    const now = clock.now();
    const url: FunctionUrlRecord = {
      urlId: Array.from(random.bytes(ID_LENGTH), (byte) => ID_ALPHABET[byte % ID_ALPHABET.length]).join(''),
      functionName: ref.name,
      qualifier: ref.qualifier,
      authType: input.AuthType as FunctionUrlRecord['authType'],
      cors: readCors(input.Cors),
      invokeMode: input.InvokeMode,
      createdAt: now,
      lastModifiedAt: now,
    };
    const result = await store.commit([put(COLLECTION, ref.key, url, 0)]);
    if (result.kind === 'conflict') {
      throw conflict(
        `Failed to create function url config for [functionArn = ${formatFunctionArn(record, ref.name, ref.qualifier)}]. Error message:  FunctionUrlConfig exists for this Lambda function`,
      );
    }
    return show(url, context);
  };
}

export function updateFunctionUrlConfig({
  store,
  clock,
}: LambdaDeps): Handler<UpdateFunctionUrlConfigRequest> {
  return async (input, context) => {
    const ref = readRef(store.resources, context, input);
    const record = requireUrlOwner(store.resources, ref);
    const current = requireUrl(store.resources, ref.key);
    const url: FunctionUrlRecord = {
      ...current.value,
      authType: input.AuthType ?? current.value.authType,
      cors: input.Cors ? readCors(input.Cors) : current.value.cors,
      invokeMode: input.InvokeMode ?? current.value.invokeMode,
      lastModifiedAt: clock.now(),
    };
    await commitOrConflict(
      store,
      [put(COLLECTION, ref.key, url, current.version)],
      formatFunctionArn(record, ref.name, ref.qualifier),
    );
    return { ...show(url, context), LastModifiedTime: new Date(url.lastModifiedAt).toISOString() };
  };
}

export function getFunctionUrlConfig({ store }: LambdaDeps): Handler<GetFunctionUrlConfigRequest> {
  return (input, context) => {
    const { key } = readRef(store.resources, context, input);
    return showWhole(requireUrl(store.resources, key).value, context);
  };
}

export function deleteFunctionUrlConfig({ store }: LambdaDeps): Handler<DeleteFunctionUrlConfigRequest> {
  return async (input, context) => {
    const { key } = readRef(store.resources, context, input);
    requireUrl(store.resources, key);
    await store.commit([remove(COLLECTION, key)]);
    return {};
  };
}

export function listFunctionUrlConfigs({ store }: LambdaDeps): Handler<ListFunctionUrlConfigsRequest> {
  return (input, context) => {
    const { name } = readReference(store.resources, context, input.FunctionName as string);
    if (!readFunction(store.resources, name)) throw notFound('Function does not exist');
    const urls = store.resources.list<FunctionUrlRecord>(COLLECTION, `${name}:`);
    const page = paginate(urls, ({ key }) => key, input.Marker, input.MaxItems);
    return {
      FunctionUrlConfigs: page.items.map(({ value }) => showWhole(value, context)),
      NextMarker: page.nextMarker,
    };
  };
}

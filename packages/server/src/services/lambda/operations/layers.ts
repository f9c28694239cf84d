/** PublishLayerVersion, GetLayerVersion(ByArn), DeleteLayerVersion, ListLayerVersions, ListLayers. Texts observed. */
import type {
  DeleteLayerVersionRequest,
  GetLayerVersionByArnRequest,
  GetLayerVersionRequest,
  ListLayersRequest,
  ListLayerVersionsRequest,
  PublishLayerVersionRequest,
} from '@aws-sdk/client-lambda';
import { LAMBDA_COLLECTIONS } from '../../../domain/lambda-function.ts';
import {
  checkCompatibility,
  formatLayerArn,
  type LayerRecord,
  type LayerVersionRecord,
  layerVersionKey,
  parseLayerName,
  parseLayerVersionArn,
} from '../../../domain/lambda-layer.ts';
import { formatCodeSha256 } from '../../../domain/lambda-publish.ts';
import type { Handler } from '../../../protocol/operation.ts';
import type { Resource, Resources } from '../../../store/store.ts';
import { formatCodeLocation } from '../code-download.ts';
import { readZip, storeZip } from '../code-input.ts';
import { commitRetrying, put, remove } from '../commit.ts';
import type { LambdaDeps } from '../deps.ts';
import { allow, invalidParameter, notFound } from '../errors.ts';
import { paginate } from '../pages.ts';
import { formatLambdaDate } from '../view.ts';

const C = LAMBDA_COLLECTIONS;

export function readLayerVersion(
  resources: Resources,
  name: string,
  version: number,
): Resource<LayerVersionRecord> | undefined {
  return resources.get<LayerVersionRecord>(C.layerVersions, layerVersionKey(name, version));
}

export function checkLayerVersionNumber(version: number): void {
  if (version < 1) throw invalidParameter('Layer Version Cannot be less than 1');
}

function showSummary(layer: LayerVersionRecord) {
  return {
    LayerVersionArn: formatLayerArn(layer, layer.name, layer.version),
    Version: layer.version,
    Description: layer.description,
    CreatedDate: formatLambdaDate(layer.createdAt),
    CompatibleRuntimes: layer.compatibleRuntimes,
    CompatibleArchitectures: layer.compatibleArchitectures,
    LicenseInfo: layer.licenseInfo,
  };
}

function show(layer: LayerVersionRecord, origin: string) {
  return {
    ...showSummary(layer),
    LayerArn: formatLayerArn(layer, layer.name),
    Content: {
      Location: formatCodeLocation(origin, layer.codeSha256),
      CodeSha256: formatCodeSha256(layer.codeSha256),
      CodeSize: layer.codeSize,
    },
  };
}

export function publishLayerVersion(deps: LambdaDeps): Handler<PublishLayerVersionRequest> {
  const { store, clock, codeStore } = deps;
  return async (input, context) => {
    const name = parseLayerName(input.LayerName as string);
    allow(checkCompatibility(input.CompatibleRuntimes, input.CompatibleArchitectures));
    const code = await storeZip(codeStore, readZip(input.Content ?? {}));
    return commitRetrying(store, () => {
      const current = store.resources.get<LayerRecord>(C.layers, name);
      const version = (current?.value.lastVersion ?? 0) + 1;
      const layer: LayerVersionRecord = {
        name,
        version,
        region: context.region,
        accountId: context.accountId,
        description: input.Description ?? '',
        licenseInfo: input.LicenseInfo,
        compatibleRuntimes: input.CompatibleRuntimes,
        compatibleArchitectures: input.CompatibleArchitectures,
        ...code,
        createdAt: clock.now(),
      };
      const record: LayerRecord = { lastVersion: version };
      return {
        unit: [
          put(C.layers, name, record, current?.version ?? 0),
          put(C.layerVersions, layerVersionKey(name, version), layer, 0),
        ],
        result: show(layer, context.origin),
      };
    });
  };
}

export function getLayerVersion({ store }: LambdaDeps): Handler<GetLayerVersionRequest> {
  return (input, context) => {
    const version = input.VersionNumber as number;
    checkLayerVersionNumber(version);
    const layer = readLayerVersion(
      store.resources,
      parseLayerName(input.LayerName as string),
      version,
    )?.value;
    if (!layer) throw notFound('The resource you requested does not exist.');
    return show(layer, context.origin);
  };
}

export function getLayerVersionByArn({ store }: LambdaDeps): Handler<GetLayerVersionByArnRequest> {
  return (input, context) => {
    const ref = parseLayerVersionArn(input.Arn as string);
    const layer = ref && readLayerVersion(store.resources, ref.name, ref.version)?.value;
    if (!layer) throw notFound('The resource you requested does not exist.');
    return show(layer, context.origin);
  };
}

/** Deleting what is not there is fine; functions that use the version keep it. */
export function deleteLayerVersion({ store }: LambdaDeps): Handler<DeleteLayerVersionRequest> {
  return async (input) => {
    const version = input.VersionNumber as number;
    checkLayerVersionNumber(version);
    const key = layerVersionKey(parseLayerName(input.LayerName as string), version);
    await store.commit([remove(C.layerVersions, key)]);
    return {};
  };
}

type Filter = Pick<ListLayersRequest, 'CompatibleRuntime' | 'CompatibleArchitecture'>;

function matches(layer: LayerVersionRecord, filter: Filter): boolean {
  const { CompatibleRuntime: runtime, CompatibleArchitecture: architecture } = filter;
  return (
    (!runtime || layer.compatibleRuntimes?.includes(runtime) === true) &&
    (!architecture || layer.compatibleArchitectures?.includes(architecture) === true)
  );
}

/** Newest first. */
export function listLayerVersions({ store }: LambdaDeps): Handler<ListLayerVersionsRequest> {
  return (input) => {
    const layers = store.resources
      .list<LayerVersionRecord>(C.layerVersions, `${parseLayerName(input.LayerName as string)}:`)
      .map(({ value }) => value)
      .filter((layer) => matches(layer, input))
      .reverse();
    // Counted down, so that the keys ascend.
    const keyOf = (layer: LayerVersionRecord) => String(Number.MAX_SAFE_INTEGER - layer.version);
    const page = paginate(layers, keyOf, input.Marker, input.MaxItems);
    return { LayerVersions: page.items.map(showSummary), NextMarker: page.nextMarker };
  };
}

export function listLayers({ store }: LambdaDeps): Handler<ListLayersRequest> {
  return (input) => {
    const newest = new Map<string, LayerVersionRecord>();
    for (const { value } of store.resources.list<LayerVersionRecord>(C.layerVersions)) {
      if (matches(value, input)) newest.set(value.name, value);
    }
    const layers = [...newest.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const page = paginate(layers, (layer) => layer.name, input.Marker, input.MaxItems);
    return {
      Layers: page.items.map((layer) => ({
        LayerName: layer.name,
        LayerArn: formatLayerArn(layer, layer.name),
        LatestMatchingVersion: showSummary(layer),
      })),
      NextMarker: page.nextMarker,
    };
  };
}

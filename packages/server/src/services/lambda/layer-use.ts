/** Layers a function names → the layer versions it will have. Texts observed. */
import type { LayerUse } from '../../domain/lambda-function.ts';
import { LAMBDA_COLLECTIONS } from '../../domain/lambda-function.ts';
import { type LayerVersionRecord, layerVersionKey, parseLayerVersionArn } from '../../domain/lambda-layer.ts';
import { LAYERS_PER_FUNCTION } from '../../domain/lambda-limits.ts';
import type { Resources } from '../../store/store.ts';
import { invalidParameter } from './errors.ts';

export function resolveLayers(resources: Resources, arns: readonly string[], region: string): LayerUse[] {
  if (arns.length > LAYERS_PER_FUNCTION) {
    throw invalidParameter(`Cannot reference more than ${LAYERS_PER_FUNCTION} layers.`);
  }
  const seen = new Map<string, string>();
  return arns.map((arn) => {
    const layer = parseLayerVersionArn(arn);
    if (!layer) throw invalidParameter(`Layer version ${arn} does not exist.`);
    if (layer.region !== region) {
      throw invalidParameter(
        `Layers are not in the same region as the function. Layers are expected to be in region ${region}.`,
      );
    }
    const other = seen.get(layer.name);
    if (other !== undefined) {
      throw invalidParameter(
        `Two different versions of the same layer are not allowed to be referenced in the same function. ${other} and ${arn} are versions of the same layer.`,
      );
    }
    seen.set(layer.name, arn);
    const record = resources.get<LayerVersionRecord>(
      LAMBDA_COLLECTIONS.layerVersions,
      layerVersionKey(layer.name, layer.version),
    )?.value;
    if (!record) throw invalidParameter(`Layer version ${arn} does not exist.`);
    return { arn, codeSize: record.codeSize, codeSha256: record.codeSha256 };
  });
}

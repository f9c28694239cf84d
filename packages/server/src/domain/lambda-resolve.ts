/**
 * From a function's name and qualifier to what shall run: the version (an alias may draw between two),
 * its snapshot for the executor, and the settings of asynchronous invocation that belong to the qualifier.
 *
 * Event invoke configs are never inherited: `$LATEST`, each version and each alias have their own. The
 * dead-letter queue belongs to the version that runs (observed; see docs/fidelity.md).
 */
import type { Random } from '../platform/random.ts';
import type { Resources } from '../store/store.ts';
import type { FunctionSpec } from './invocation.ts';
import {
  type AliasRecord,
  type EventInvokeConfigRecord,
  type FunctionRecord,
  readAlias,
  readEventInvokeConfig,
  readRecursiveLoop,
  readReservedConcurrency,
  readVersion,
} from './lambda-function.ts';
import { formatFunctionArn, isVersionNumber, LATEST } from './lambda-names.ts';

export interface ResolvedTarget {
  readonly kind: 'target';
  readonly spec: FunctionSpec;
  readonly record: FunctionRecord;
  /** As the caller named it: unqualified when no qualifier was given. */
  readonly invokedFunctionArn: string;
  /** Always qualified; the alias keeps its name. What records of destinations show. */
  readonly qualifiedArn: string;
  /** `$LATEST` or a number. */
  readonly executedVersion: string;
  /** Settings of the qualifier (`$LATEST` when none was given). */
  readonly eventInvokeConfig?: EventInvokeConfigRecord;
  readonly deadLetterArn?: string;
  /** Shared by all versions of the function; absent: unreserved. */
  readonly reservedConcurrency?: number;
  readonly recursiveLoop: 'Terminate' | 'Allow';
}

/** `arn` is what AWS names in `Function not found: …`: qualified, `$LATEST` when none was given. */
export type TargetNotFound = { readonly kind: 'notFound'; readonly name: string; readonly qualifier: string };

/** Snapshots by record: records are values that are replaced, never changed, so identity is enough. */
const specs = new WeakMap<FunctionRecord, FunctionSpec>();

/** The executor's view of a version. */
export function toFunctionSpec(record: FunctionRecord): FunctionSpec {
  let spec = specs.get(record);
  if (!spec) {
    spec = {
      name: record.name,
      arn: formatFunctionArn(record, record.name),
      version: record.version,
      runtime: record.runtime,
      handler: record.handler,
      codeSha256: record.codeSha256,
      revisionId: record.runRevision,
      timeoutMs: record.timeoutSeconds * 1000,
      memoryMb: record.memoryMb,
      ephemeralStorageMb: record.ephemeralStorageMb,
      environment: record.environment ?? {},
      region: record.region,
      accountId: record.accountId,
      logGroup: record.logging.group,
      logFormat: record.logging.format,
      applicationLogLevel: record.logging.applicationLevel,
      systemLogLevel: record.logging.systemLevel,
      layers: record.layers.map(({ codeSha256 }) => codeSha256),
    };
    specs.set(record, spec);
  }
  return spec;
}

/** The version an alias stands for this time. `draw` is uniform in [0, 1). */
export function chooseVersion(alias: AliasRecord, draw: number): string {
  for (const [version, weight] of Object.entries(alias.additionalVersionWeights ?? {})) {
    if (draw < weight) return version;
  }
  return alias.functionVersion;
}

/** Finds what an invocation of `name` with `qualifier` runs. Draws once when an alias has two versions. */
export function resolveTarget(
  resources: Resources,
  name: string,
  qualifier: string | undefined,
  random: Random,
): ResolvedTarget | TargetNotFound {
  const named = qualifier ?? LATEST;
  let version = named;
  if (named !== LATEST && !isVersionNumber(named)) {
    const alias = readAlias(resources, name, named)?.value;
    if (!alias) return { kind: 'notFound', name, qualifier: named };
    version = alias.additionalVersionWeights ? chooseVersion(alias, random.next()) : alias.functionVersion;
  }
  const record = readVersion(resources, name, version)?.value;
  if (!record) return { kind: 'notFound', name, qualifier: named };
  const spec = toFunctionSpec(record);
  return {
    kind: 'target',
    spec,
    record,
    invokedFunctionArn: qualifier === undefined ? spec.arn : `${spec.arn}:${qualifier}`,
    qualifiedArn: `${spec.arn}:${named}`,
    executedVersion: record.version,
    eventInvokeConfig: readEventInvokeConfig(resources, name, named)?.value,
    deadLetterArn: record.deadLetterTargetArn,
    reservedConcurrency: readReservedConcurrency(resources, name),
    recursiveLoop: readRecursiveLoop(resources, name),
  };
}

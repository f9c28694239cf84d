/**
 * What the store keeps of a function: `$LATEST`, its published versions, its aliases and their settings.
 *
 * Each record is one resource. A published version is never changed after it was put; everything else
 * changes together with its `revisionId`.
 */
import type { JsonObject, Resource, Resources } from '../store/store.ts';
import { LATEST } from './lambda-names.ts';

/** Collections of resources and their keys. */
export const LAMBDA_COLLECTIONS = {
  /** `<name>` → FunctionRecord of `$LATEST`. */
  functions: 'lambda-functions',
  /** `<name>:<number>` → FunctionRecord as published. */
  versions: 'lambda-versions',
  /** `<name>:<alias>` → AliasRecord. */
  aliases: 'lambda-aliases',
  /** `<name>:<version, alias or $LATEST>` → EventInvokeConfigRecord. */
  eventInvokeConfigs: 'lambda-event-invoke-configs',
  /** `<name>` → ConcurrencyRecord (reserved). */
  concurrency: 'lambda-concurrency',
  /** `<name>:<version or alias>` → ProvisionedRecord. */
  provisionedConcurrency: 'lambda-provisioned-concurrency',
  /** `<name>:<qualifier or $LATEST>` → PolicyRecord. */
  policies: 'lambda-policies',
  /** `<name>` → RecursionRecord. */
  recursion: 'lambda-recursion-configs',
  /** `<layer name>:<number, ten digits>` → LayerVersionRecord. */
  layerVersions: 'lambda-layer-versions',
  /** `<layer name>` → number of the newest version ever made. */
  layers: 'lambda-layers',
  /** `<name>:<alias or $LATEST>` → FunctionUrlRecord. */
  functionUrls: 'lambda-function-urls',
  /** `<uuid>` → EventSourceMappingRecord. */
  eventSourceMappings: 'lambda-event-source-mappings',
  /** `<resource ARN>` → tags. */
  tags: 'lambda-tags',
} as const;

type FunctionState = 'Pending' | 'Active' | 'Inactive' | 'Failed';

export interface LoggingConfig {
  readonly format: 'Text' | 'JSON';
  /** JSON format only. */
  readonly applicationLevel?: string;
  /** JSON format only. */
  readonly systemLevel?: string;
  readonly group: string;
}

export interface LayerUse {
  /** ARN of a layer version. */
  readonly arn: string;
  /** Bytes of its zip. */
  readonly codeSize: number;
  /** Hex SHA-256 of its zip: names it in the code store, even after the layer version was deleted. */
  readonly codeSha256: string;
}

/** One version of a function, `$LATEST` or published. */
export interface FunctionRecord {
  readonly name: string;
  /** `$LATEST` or a number. */
  readonly version: string;
  /** Where it was created; part of its ARN. */
  readonly region: string;
  readonly accountId: string;
  readonly description: string;
  readonly runtime: string;
  readonly handler: string;
  /** ARN of the execution role; kept, not enforced. */
  readonly role: string;
  /** Hex SHA-256 of the zip. The API shows it in base64. */
  readonly codeSha256: string;
  /** Bytes of the zip. */
  readonly codeSize: number;
  /** 1–900. */
  readonly timeoutSeconds: number;
  /** 128–10,240. */
  readonly memoryMb: number;
  /** Size of `/tmp`, 512–10,240. */
  readonly ephemeralStorageMb: number;
  /** Absent when none were ever given: AWS then shows no `Environment`. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly deadLetterTargetArn?: string;
  readonly architectures: readonly string[];
  readonly tracingMode: string;
  readonly layers: readonly LayerUse[];
  readonly logging: LoggingConfig;
  readonly snapStart: string;
  /** ARN of the key for the environment; kept, not used. */
  readonly kmsKeyArn?: string;
  /** Changes with every change the API makes, be it only of tags: what callers state as their precondition. */
  readonly revisionId: string;
  /** Changes only when what runs changes: processes started for another one are not used again. */
  readonly runRevision: string;
  /** Epoch ms. */
  readonly lastModifiedAt: number;
  readonly state: FunctionState;
  readonly stateReason?: string;
  readonly stateReasonCode?: string;
  /** Absent in published versions that were never updated. */
  readonly lastUpdateStatus?: 'Successful' | 'Failed' | 'InProgress';
  /** Number of the newest version ever published; `$LATEST` only. Numbers are not reused. */
  readonly lastPublished?: number;
  /** Version equal to `$LATEST` as long as nothing changed since; `$LATEST` only. */
  readonly publishedAs?: string;
}

export interface AliasRecord {
  readonly name: string;
  readonly functionVersion: string;
  readonly description: string;
  /** Share 0–1 of invocations that run another version; one entry at most. */
  readonly additionalVersionWeights?: Readonly<Record<string, number>>;
  readonly revisionId: string;
}

export interface EventInvokeConfigRecord {
  /** 0–2; absent: 2. */
  readonly maximumRetryAttempts?: number;
  /** 60–21,600; absent: 21,600. */
  readonly maximumEventAgeSeconds?: number;
  readonly onSuccess?: string;
  readonly onFailure?: string;
  /** Epoch ms. */
  readonly lastModifiedAt: number;
}

export interface ConcurrencyRecord {
  readonly reserved: number;
}

export interface RecursionRecord {
  readonly recursiveLoop: 'Terminate' | 'Allow';
}

const C = LAMBDA_COLLECTIONS;

export function readFunction(resources: Resources, name: string): Resource<FunctionRecord> | undefined {
  return resources.get<FunctionRecord>(C.functions, name);
}

/** `$LATEST` or a published version. */
export function readVersion(
  resources: Resources,
  name: string,
  version: string,
): Resource<FunctionRecord> | undefined {
  return version === LATEST
    ? readFunction(resources, name)
    : resources.get<FunctionRecord>(C.versions, `${name}:${version}`);
}

/** Published versions, oldest first. */
export function listVersions(resources: Resources, name: string): Resource<FunctionRecord>[] {
  return resources
    .list<FunctionRecord>(C.versions, `${name}:`)
    .sort((a, b) => Number(a.value.version) - Number(b.value.version));
}

export function readAlias(
  resources: Resources,
  name: string,
  alias: string,
): Resource<AliasRecord> | undefined {
  return resources.get<AliasRecord>(C.aliases, `${name}:${alias}`);
}

export function listAliases(resources: Resources, name: string): Resource<AliasRecord>[] {
  return resources.list<AliasRecord>(C.aliases, `${name}:`);
}

export function readEventInvokeConfig(
  resources: Resources,
  name: string,
  qualifier: string,
): Resource<EventInvokeConfigRecord> | undefined {
  return resources.get<EventInvokeConfigRecord>(C.eventInvokeConfigs, `${name}:${qualifier}`);
}

/** Absent: not reserved. */
export function readReservedConcurrency(resources: Resources, name: string): number | undefined {
  return resources.get<ConcurrencyRecord>(C.concurrency, name)?.value.reserved;
}

export function readRecursiveLoop(resources: Resources, name: string): RecursionRecord['recursiveLoop'] {
  return resources.get<RecursionRecord>(C.recursion, name)?.value.recursiveLoop ?? 'Terminate';
}

/** A record as the store takes it. */
export function toValue(record: object): JsonObject {
  return record as JsonObject;
}

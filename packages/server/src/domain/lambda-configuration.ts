/**
 * The configuration of a function: what may be set, what it becomes. Both creating and updating are one
 * change applied to a record; members the change does not name keep their value.
 */
import type { FunctionRecord, LayerUse, LoggingConfig } from './lambda-function.ts';
import {
  DEFAULT_EPHEMERAL_STORAGE_MB,
  DEFAULT_MEMORY_MB,
  DEFAULT_TIMEOUT_SECONDS,
  ENVIRONMENT_BYTES,
  MAX_EPHEMERAL_STORAGE_MB,
  MAX_MEMORY_MB,
  MAX_TIMEOUT_SECONDS,
} from './lambda-limits.ts';
import { LATEST } from './lambda-names.ts';
import { type Refusal, refuseConstraint, refuseParameter } from './lambda-refusal.ts';
import { checkRuntime, supportsSnapStart } from './lambda-runtimes.ts';

/** Only what the caller gave. */
export interface ConfigurationChange {
  readonly runtime?: string;
  readonly handler?: string;
  readonly role?: string;
  readonly description?: string;
  readonly timeoutSeconds?: number;
  readonly memoryMb?: number;
  readonly ephemeralStorageMb?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Empty: take the dead-letter queue away. */
  readonly deadLetterTargetArn?: string;
  readonly tracingMode?: string;
  readonly layers?: readonly LayerUse[];
  readonly logging?: {
    readonly format?: 'Text' | 'JSON';
    readonly applicationLevel?: string;
    readonly systemLevel?: string;
    readonly group?: string;
  };
  readonly snapStart?: string;
  /** Empty: take the key away. */
  readonly kmsKeyArn?: string;
  readonly architectures?: readonly string[];
}

/** Variables that belong to the runtime. Source: AWS "Defined runtime environment variables". */
const RESERVED_VARIABLES = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_DEFAULT_REGION',
  'AWS_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_LAMBDA_RUNTIME_API',
  'AWS_LAMBDA_METADATA_API',
  'AWS_LAMBDA_METADATA_TOKEN',
  'LAMBDA_TASK_ROOT',
  'LAMBDA_RUNTIME_DIR',
]);

function checkEnvironment(environment: Readonly<Record<string, string>>): Refusal | undefined {
  const reserved = Object.keys(environment).filter((name) => RESERVED_VARIABLES.has(name));
  if (reserved.length > 0) {
    return refuseParameter(
      `Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(', ')}`,
    );
  }
  const text = JSON.stringify(environment);
  if (Buffer.byteLength(text) > ENVIRONMENT_BYTES) {
    return refuseParameter(
      `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: ${text}`,
    );
  }
  return undefined;
}

function checkRange(
  value: number | undefined,
  member: string,
  min: number,
  max: number,
): Refusal | undefined {
  if (value === undefined) return undefined;
  if (value < min)
    return refuseConstraint(value, member, `Member must have value greater than or equal to ${min}`);
  if (value > max)
    return refuseConstraint(value, member, `Member must have value less than or equal to ${max}`);
  return undefined;
}

/** Everything that can be said about a change without looking at other resources. */
export function checkConfiguration(
  change: ConfigurationChange,
  current?: FunctionRecord,
): Refusal | undefined {
  const runtime = change.runtime ?? current?.runtime;
  const level = change.logging?.applicationLevel ?? change.logging?.systemLevel;
  const format = change.logging?.format ?? current?.logging.format ?? 'Text';
  return (
    checkRange(change.timeoutSeconds, 'timeout', 1, MAX_TIMEOUT_SECONDS) ??
    checkRange(change.memoryMb, 'memorySize', DEFAULT_MEMORY_MB, MAX_MEMORY_MB) ??
    checkRange(
      change.ephemeralStorageMb,
      'ephemeralStorage.size',
      DEFAULT_EPHEMERAL_STORAGE_MB,
      MAX_EPHEMERAL_STORAGE_MB,
    ) ??
    (change.runtime === undefined ? undefined : checkRuntime(change.runtime)) ??
    (change.environment && checkEnvironment(change.environment)) ??
    (level !== undefined && format === 'Text'
      ? refuseParameter(
          'Log levels cannot be set when the log format is Text. Set LogFormat to JSON to use ApplicationLogLevel and SystemLogLevel.',
        )
      : undefined) ??
    (change.snapStart === 'PublishedVersions' && runtime !== undefined && !supportsSnapStart(runtime)
      ? refuseParameter(`${runtime} is not supported for SnapStart enabled functions.`)
      : undefined)
  );
}

/** AWS "Advanced logging controls": levels exist in JSON only, `INFO` unless set. */
function applyLogging(
  name: string,
  current: LoggingConfig | undefined,
  change: ConfigurationChange['logging'],
): LoggingConfig {
  const format = change?.format ?? current?.format ?? 'Text';
  const group = change?.group ?? current?.group ?? `/aws/lambda/${name}`;
  if (format === 'Text') return { format, group };
  return {
    format,
    group,
    applicationLevel: change?.applicationLevel ?? current?.applicationLevel ?? 'INFO',
    systemLevel: change?.systemLevel ?? current?.systemLevel ?? 'INFO',
  };
}

/** What a record consists of besides what its owner set. */
export interface Identity {
  readonly name: string;
  readonly region: string;
  readonly accountId: string;
  readonly revisionId: string;
  readonly lastModifiedAt: number;
}
export interface Code {
  readonly codeSha256: string;
  readonly codeSize: number;
}

/** The record of a new function, active. */
export function createRecord(
  identity: Identity,
  code: Code,
  change: ConfigurationChange & { readonly runtime: string; readonly handler: string; readonly role: string },
): FunctionRecord {
  return {
    ...identity,
    ...code,
    runRevision: identity.revisionId,
    version: LATEST,
    runtime: change.runtime,
    handler: change.handler,
    role: change.role,
    description: change.description ?? '',
    timeoutSeconds: change.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    memoryMb: change.memoryMb ?? DEFAULT_MEMORY_MB,
    ephemeralStorageMb: change.ephemeralStorageMb ?? DEFAULT_EPHEMERAL_STORAGE_MB,
    environment: change.environment,
    deadLetterTargetArn: change.deadLetterTargetArn || undefined,
    architectures: change.architectures ?? ['x86_64'],
    tracingMode: change.tracingMode ?? 'PassThrough',
    layers: change.layers ?? [],
    logging: applyLogging(identity.name, undefined, change.logging),
    snapStart: change.snapStart ?? 'None',
    kmsKeyArn: change.kmsKeyArn || undefined,
    state: 'Active',
    lastUpdateStatus: 'Successful',
  };
}

/** The record with the change applied. `revisionId` and `lastModifiedAt` are always new. */
export function applyConfiguration(
  record: FunctionRecord,
  change: ConfigurationChange,
  revision: { readonly revisionId: string; readonly lastModifiedAt: number },
): FunctionRecord {
  const next: FunctionRecord = {
    ...record,
    ...revision,
    runtime: change.runtime ?? record.runtime,
    handler: change.handler ?? record.handler,
    role: change.role ?? record.role,
    description: change.description ?? record.description,
    timeoutSeconds: change.timeoutSeconds ?? record.timeoutSeconds,
    memoryMb: change.memoryMb ?? record.memoryMb,
    ephemeralStorageMb: change.ephemeralStorageMb ?? record.ephemeralStorageMb,
    environment: change.environment ?? record.environment,
    deadLetterTargetArn:
      change.deadLetterTargetArn === undefined
        ? record.deadLetterTargetArn
        : change.deadLetterTargetArn || undefined,
    tracingMode: change.tracingMode ?? record.tracingMode,
    layers: change.layers ?? record.layers,
    logging: applyLogging(record.name, record.logging, change.logging),
    snapStart: change.snapStart ?? record.snapStart,
    kmsKeyArn: change.kmsKeyArn === undefined ? record.kmsKeyArn : change.kmsKeyArn || undefined,
  };
  return settle(record, next);
}

/** What follows from whether anything really changed. */
function settle(before: FunctionRecord, after: FunctionRecord): FunctionRecord {
  if (sameContent(before, after)) return after;
  return { ...after, runRevision: after.revisionId, publishedAs: undefined };
}

export function applyCode(
  record: FunctionRecord,
  code: Code & { readonly architectures?: readonly string[] },
  revision: { readonly revisionId: string; readonly lastModifiedAt: number },
): FunctionRecord {
  const next: FunctionRecord = {
    ...record,
    ...revision,
    codeSha256: code.codeSha256,
    codeSize: code.codeSize,
    architectures: code.architectures ?? record.architectures,
  };
  return settle(record, next);
}

/** Whether publishing the one would give the same version as publishing the other. */
export function sameContent(a: FunctionRecord, b: FunctionRecord): boolean {
  return contentOf(a) === contentOf(b);
}

function contentOf(record: FunctionRecord): string {
  const {
    revisionId: _revision,
    runRevision: _run,
    lastModifiedAt: _modified,
    lastPublished: _last,
    publishedAs: _published,
    ...content
  } = record;
  // Sorted: a record that went through the store may list its members in another order.
  return JSON.stringify(content, (_key, value) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1)))
      : value,
  );
}

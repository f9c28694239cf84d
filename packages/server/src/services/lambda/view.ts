/** Records as the API shows them. Member sets and formats observed. */
import { createHash } from 'node:crypto';
import { partitionOf } from '../../domain/arn.ts';
import type { AliasRecord, EventInvokeConfigRecord, FunctionRecord } from '../../domain/lambda-function.ts';
import { formatFunctionArn } from '../../domain/lambda-names.ts';
import { formatCodeSha256 } from '../../domain/lambda-publish.ts';

/** `2026-09-14T15:47:16.966+0000`, the way Lambda writes dates into strings. */
export function formatLambdaDate(atMs: number): string {
  return new Date(atMs).toISOString().replace('Z', '+0000');
}

/** What creating and updating answer while AWS would still be at it. */
export type Progress = 'creating' | 'updating';
const CREATING = 'The function is being created.';

function showState(record: FunctionRecord, progress: Progress | undefined) {
  if (progress === 'creating') {
    return { State: 'Pending', StateReason: CREATING, StateReasonCode: 'Creating' };
  }
  if (progress === 'updating') {
    return {
      State: record.state,
      LastUpdateStatus: 'InProgress',
      LastUpdateStatusReason: CREATING,
      LastUpdateStatusReasonCode: 'Creating',
    };
  }
  return {
    State: record.state,
    StateReason: record.stateReason,
    StateReasonCode: record.stateReasonCode,
    LastUpdateStatus: record.lastUpdateStatus,
  };
}

/** Stable per runtime: AWS names the exact build that runs; here there is one build per runtime. */
function runtimeVersionArn(record: FunctionRecord): string {
  const id = createHash('sha256').update(record.runtime).digest('hex');
  return `arn:${partitionOf(record.region)}:lambda:${record.region}::runtime:${id}`;
}

/** Members that lists show too. `qualifier` is what the ARN ends with; absent: unqualified. */
export function showFunctionSummary(record: FunctionRecord, qualifier?: string) {
  return {
    FunctionName: record.name,
    FunctionArn: formatFunctionArn(record, record.name, qualifier),
    Runtime: record.runtime,
    Role: record.role,
    Handler: record.handler,
    CodeSize: record.codeSize,
    Description: record.description,
    Timeout: record.timeoutSeconds,
    MemorySize: record.memoryMb,
    LastModified: formatLambdaDate(record.lastModifiedAt),
    CodeSha256: formatCodeSha256(record.codeSha256),
    Version: record.version,
    DeadLetterConfig: record.deadLetterTargetArn ? { TargetArn: record.deadLetterTargetArn } : undefined,
    Environment: record.environment ? { Variables: record.environment } : undefined,
    KMSKeyArn: record.kmsKeyArn,
    TracingConfig: { Mode: record.tracingMode },
    RevisionId: record.revisionId,
    Layers:
      record.layers.length > 0
        ? record.layers.map(({ arn, codeSize }) => ({ Arn: arn, CodeSize: codeSize }))
        : undefined,
    PackageType: 'Zip',
    Architectures: record.architectures,
    EphemeralStorage: { Size: record.ephemeralStorageMb },
    SnapStart: { ApplyOn: record.snapStart, OptimizationStatus: 'Off' },
    LoggingConfig: {
      LogFormat: record.logging.format,
      ApplicationLogLevel: record.logging.applicationLevel,
      SystemLogLevel: record.logging.systemLevel,
      LogGroup: record.logging.group,
    },
  };
}

export function showFunction(record: FunctionRecord, qualifier?: string, progress?: Progress) {
  return {
    ...showFunctionSummary(record, qualifier),
    ...showState(record, progress),
    RuntimeVersionConfig: { RuntimeVersionArn: runtimeVersionArn(record) },
  };
}

export function showAlias(
  place: { readonly region: string; readonly accountId: string },
  functionName: string,
  alias: AliasRecord,
) {
  return {
    AliasArn: formatFunctionArn(place, functionName, alias.name),
    Name: alias.name,
    FunctionVersion: alias.functionVersion,
    Description: alias.description,
    RoutingConfig: alias.additionalVersionWeights
      ? { AdditionalVersionWeights: alias.additionalVersionWeights }
      : undefined,
    RevisionId: alias.revisionId,
  };
}

export function showEventInvokeConfig(qualifiedArn: string, config: EventInvokeConfigRecord) {
  return {
    LastModified: config.lastModifiedAt / 1000,
    FunctionArn: qualifiedArn,
    MaximumRetryAttempts: config.maximumRetryAttempts,
    MaximumEventAgeInSeconds: config.maximumEventAgeSeconds,
    DestinationConfig: {
      OnSuccess: config.onSuccess ? { Destination: config.onSuccess } : {},
      OnFailure: config.onFailure ? { Destination: config.onFailure } : {},
    },
  };
}

/**
 * Event source mappings of SQS queues: what is kept of them, what may be set, and what follows for a poller.
 * Sources: AWS "Using Lambda with Amazon SQS" and its pages, API reference CreateEventSourceMapping; texts
 * observed where docs/fidelity.md says so.
 */
import type { Resource, Resources } from '../store/store.ts';
import { partitionOf } from './arn.ts';
import { compileEventPattern, isPatternFault } from './event-pattern.ts';
import { LAMBDA_COLLECTIONS } from './lambda-function.ts';
import { type Refusal, refuse, refuseParameter } from './lambda-refusal.ts';
import type { Queue } from './sqs-queue.ts';

/** Settled states; those on the way to them are only shown in the answers of changes. */
type MappingState = 'Enabled' | 'Disabled';

export interface EventSourceMappingRecord {
  readonly uuid: string;
  readonly region: string;
  readonly accountId: string;
  readonly eventSourceArn: string;
  readonly functionName: string;
  /** As the caller gave it; absent: unqualified. */
  readonly qualifier?: string;
  /** ARN of the function, qualified as the caller did. */
  readonly functionArn: string;
  /** 1–10,000; 1–10 for FIFO queues. */
  readonly batchSize: number;
  /** 0–300. */
  readonly maximumBatchingWindowSeconds: number;
  /** `ReportBatchItemFailures` or nothing. */
  readonly functionResponseTypes: readonly string[];
  /** JSON texts; any of them may match. Absent: every message. */
  readonly filterPatterns?: readonly string[];
  /** 2–1,000; absent: no cap of its own. */
  readonly maximumConcurrency?: number;
  readonly provisionedPollers?: { readonly minimum?: number; readonly maximum?: number };
  readonly metrics?: readonly string[];
  readonly kmsKeyArn?: string;
  readonly state: MappingState;
  /** Epoch ms. */
  readonly lastModifiedAt: number;
}

/** What the caller gave; `undefined` members keep their value. */
export interface MappingChange {
  readonly batchSize?: number;
  readonly maximumBatchingWindowSeconds?: number;
  readonly functionResponseTypes?: readonly string[];
  /** Empty: no filter. */
  readonly filterPatterns?: readonly string[];
  /** `null`: no cap. */
  readonly maximumConcurrency?: number | null;
  readonly provisionedPollers?: { readonly minimum?: number; readonly maximum?: number };
  readonly metrics?: readonly string[];
  readonly kmsKeyArn?: string;
  readonly enabled?: boolean;
}

/** AWS "Lambda quotas": filters per mapping, on request up to 10. */
const MAX_FILTERS = 10;
const DEFAULT_BATCH_SIZE = 10;
/** Above it a window is needed; the most a FIFO batch can have. */
const SMALL_BATCH = 10;

export function mappingArn(record: Pick<EventSourceMappingRecord, 'region' | 'accountId' | 'uuid'>): string {
  const { region, accountId, uuid } = record;
  return `arn:${partitionOf(region)}:lambda:${region}:${accountId}:event-source-mapping:${uuid}`;
}

export function readMapping(
  resources: Resources,
  uuid: string,
): Resource<EventSourceMappingRecord> | undefined {
  return resources.get<EventSourceMappingRecord>(LAMBDA_COLLECTIONS.eventSourceMappings, uuid);
}

export function listMappings(resources: Resources): Resource<EventSourceMappingRecord>[] {
  return resources.list<EventSourceMappingRecord>(LAMBDA_COLLECTIONS.eventSourceMappings);
}

/** A new mapping with everything at its default. */
export function createMapping(
  identity: Pick<
    EventSourceMappingRecord,
    'uuid' | 'region' | 'accountId' | 'eventSourceArn' | 'functionName' | 'qualifier' | 'functionArn'
  >,
  change: MappingChange,
  now: number,
): EventSourceMappingRecord {
  return applyMappingChange(
    {
      ...identity,
      batchSize: DEFAULT_BATCH_SIZE,
      maximumBatchingWindowSeconds: 0,
      functionResponseTypes: [],
      state: 'Enabled',
      lastModifiedAt: now,
    },
    change,
    now,
  );
}

export function applyMappingChange(
  record: EventSourceMappingRecord,
  change: MappingChange,
  now: number,
): EventSourceMappingRecord {
  const { filterPatterns, maximumConcurrency, provisionedPollers, metrics } = change;
  return {
    ...record,
    batchSize: change.batchSize ?? record.batchSize,
    maximumBatchingWindowSeconds: change.maximumBatchingWindowSeconds ?? record.maximumBatchingWindowSeconds,
    functionResponseTypes: change.functionResponseTypes ?? record.functionResponseTypes,
    filterPatterns: filterPatterns === undefined ? record.filterPatterns : keepFull(filterPatterns),
    maximumConcurrency:
      maximumConcurrency === undefined ? record.maximumConcurrency : (maximumConcurrency ?? undefined),
    provisionedPollers: provisionedPollers ?? record.provisionedPollers,
    metrics: metrics === undefined ? record.metrics : keepFull(metrics),
    kmsKeyArn: change.kmsKeyArn === undefined ? record.kmsKeyArn : change.kmsKeyArn || undefined,
    state: change.enabled === undefined ? record.state : change.enabled ? 'Enabled' : 'Disabled',
    lastModifiedAt: now,
  };
}

function keepFull<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** What makes no sense for the queue and function of a mapping. */
export function checkMapping(
  record: EventSourceMappingRecord,
  queue: Queue,
  functionTimeoutSeconds: number,
): Refusal | undefined {
  const { batchSize, maximumBatchingWindowSeconds: window } = record;
  if (queue.fifo && batchSize > SMALL_BATCH) {
    return refuseParameter(
      `Batch size for FIFO queues must be between 1 and ${SMALL_BATCH}, but it is ${batchSize}.`,
    );
  }
  if (queue.fifo && window > 0) {
    return refuseParameter('Batching window is not supported for FIFO queues.');
  }
  if (batchSize > SMALL_BATCH && window === 0) {
    return refuseParameter(
      'Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10',
    );
  }
  if (record.maximumConcurrency !== undefined && record.provisionedPollers !== undefined) {
    return refuseParameter('MaximumConcurrency and ProvisionedPollerConfig cannot be used together.');
  }
  const visibilitySeconds = queue.visibilityMs / 1000;
  if (functionTimeoutSeconds > visibilitySeconds) {
    return refuseParameter(
      `Queue visibility timeout: ${visibilitySeconds} seconds is less than Function timeout: ${functionTimeoutSeconds} seconds`,
    );
  }
  return checkFilters(record.filterPatterns ?? []);
}

function checkFilters(patterns: readonly string[]): Refusal | undefined {
  if (patterns.length > MAX_FILTERS) {
    return refuseParameter(`The number of filters exceeds the limit of ${MAX_FILTERS}.`);
  }
  return patterns.every(isPattern) ? undefined : refuseParameter('Invalid filter pattern definition.');
}

function isPattern(text: string): boolean {
  try {
    const pattern: unknown = JSON.parse(text);
    // A filter without fields takes everything.
    if (typeof pattern === 'object' && pattern !== null && Object.keys(pattern).length === 0) return true;
    return !isPatternFault(compileEventPattern(pattern));
  } catch {
    return false;
  }
}

/** One mapping per queue and function (observed). */
export function checkDuplicate(
  resources: Resources,
  eventSourceArn: string,
  functionArn: string,
  functionText: string,
): Refusal | undefined {
  const other = listMappings(resources).find(
    ({ value }) => value.eventSourceArn === eventSourceArn && value.functionArn === functionArn,
  )?.value;
  if (!other) return undefined;
  return refuse(
    'ResourceConflictException',
    `An event source mapping with SQS arn (" ${eventSourceArn} ") and function (" ${functionText} ") already exists. Please update or delete the existing mapping with UUID ${other.uuid}`,
  );
}

/**
 * Create, Get, List, Update and DeleteEventSourceMapping, for SQS queues. A change is in force when it is
 * answered; the answer shows the state AWS would pass through. Texts observed.
 */
import type {
  CreateEventSourceMappingRequest,
  DeleteEventSourceMappingRequest,
  GetEventSourceMappingRequest,
  ListEventSourceMappingsRequest,
  UpdateEventSourceMappingRequest,
} from '@aws-sdk/client-lambda';
import {
  applyMappingChange,
  checkDuplicate,
  checkMapping,
  createMapping,
  type EventSourceMappingRecord,
  listMappings,
  type MappingChange,
  mappingArn,
  readMapping,
} from '../../../domain/event-source-mapping.ts';
import { type FunctionRecord, LAMBDA_COLLECTIONS } from '../../../domain/lambda-function.ts';
import { formatFunctionArn } from '../../../domain/lambda-names.ts';
import { resolveTarget } from '../../../domain/lambda-resolve.ts';
import { parseQueueArn, type Queue, readQueueByArn } from '../../../domain/sqs-queue.ts';
import type { ApiError } from '../../../protocol/error.ts';
import type { Handler, RequestContext } from '../../../protocol/operation.ts';
import type { Resource } from '../../../store/store.ts';
import { commitOrConflict, put, remove } from '../commit.ts';
import type { LambdaDeps } from '../deps.ts';
import { allow, invalidParameter, notFound } from '../errors.ts';
import { paginate } from '../pages.ts';
import { type Reference, readReference } from '../reference.ts';
import { planTagRemoval, planTags } from '../tags.ts';

const COLLECTION = LAMBDA_COLLECTIONS.eventSourceMappings;
const LIST_LIMIT = 100;

type Input = Partial<CreateEventSourceMappingRequest> & Partial<UpdateEventSourceMappingRequest>;

/** Members that only other kinds of source have. */
const FOREIGN = [
  'StartingPosition',
  'StartingPositionTimestamp',
  'ParallelizationFactor',
  'MaximumRecordAgeInSeconds',
  'BisectBatchOnFunctionError',
  'MaximumRetryAttempts',
  'TumblingWindowInSeconds',
  'Topics',
  'Queues',
  'SourceAccessConfigurations',
  'SelfManagedEventSource',
  'AmazonManagedKafkaEventSourceConfig',
  'SelfManagedKafkaEventSourceConfig',
  'DocumentDBEventSourceConfig',
] as const satisfies readonly (keyof Input)[];

function refuseForeign(input: Input): void {
  const destination =
    input.DestinationConfig?.OnFailure?.Destination ?? input.DestinationConfig?.OnSuccess?.Destination;
  const name = destination ? 'DestinationConfig' : FOREIGN.find((member) => input[member] !== undefined);
  if (name) {
    throw invalidParameter(`Unsupported ${name} parameter for given event source mapping type.`);
  }
}

function readChange(input: Input): MappingChange {
  refuseForeign(input);
  return {
    batchSize: input.BatchSize,
    maximumBatchingWindowSeconds: input.MaximumBatchingWindowInSeconds,
    functionResponseTypes: input.FunctionResponseTypes,
    filterPatterns:
      input.FilterCriteria && (input.FilterCriteria.Filters ?? []).map(({ Pattern }) => Pattern ?? ''),
    maximumConcurrency: input.ScalingConfig && (input.ScalingConfig.MaximumConcurrency ?? null),
    provisionedPollers: input.ProvisionedPollerConfig && {
      minimum: input.ProvisionedPollerConfig.MinimumPollers,
      maximum: input.ProvisionedPollerConfig.MaximumPollers,
    },
    metrics: input.MetricsConfig && (input.MetricsConfig.Metrics ?? []),
    kmsKeyArn: input.KMSKeyArn,
    enabled: input.Enabled,
  };
}

function requireQueue(deps: LambdaDeps, eventSourceArn: string): Queue {
  if (!parseQueueArn(eventSourceArn)) {
    throw invalidParameter('Unrecognized event source. Redrive reads events from SQS queues only.');
  }
  const queue = readQueueByArn(deps.store.resources, eventSourceArn);
  if (!queue) {
    throw invalidParameter(
      'Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.',
    );
  }
  return queue;
}

function findFunction(
  deps: LambdaDeps,
  ref: Reference,
  missing: (message: string) => ApiError,
): FunctionRecord {
  const target = resolveTarget(deps.store.resources, ref.name, ref.qualifier, deps.random);
  if (target.kind === 'notFound') throw missing('Function does not exist');
  return target.record;
}

function requireMapping(deps: LambdaDeps, uuid: string | undefined): Resource<EventSourceMappingRecord> {
  const found = readMapping(deps.store.resources, uuid ?? '');
  if (!found) throw notFound('The resource you requested does not exist.');
  return found;
}

function show(record: EventSourceMappingRecord, state: string = record.state) {
  return {
    UUID: record.uuid,
    EventSourceMappingArn: mappingArn(record),
    EventSourceArn: record.eventSourceArn,
    FunctionArn: record.functionArn,
    BatchSize: record.batchSize,
    MaximumBatchingWindowInSeconds: record.maximumBatchingWindowSeconds,
    FunctionResponseTypes: record.functionResponseTypes,
    FilterCriteria: record.filterPatterns && {
      Filters: record.filterPatterns.map((Pattern) => ({ Pattern })),
    },
    ScalingConfig:
      record.maximumConcurrency === undefined ? undefined : { MaximumConcurrency: record.maximumConcurrency },
    ProvisionedPollerConfig: record.provisionedPollers && {
      MinimumPollers: record.provisionedPollers.minimum,
      MaximumPollers: record.provisionedPollers.maximum,
    },
    MetricsConfig: record.metrics && { Metrics: record.metrics },
    KMSKeyArn: record.kmsKeyArn,
    State: state,
    StateTransitionReason: 'USER_INITIATED',
    LastModified: record.lastModifiedAt / 1000,
  };
}

export function createEventSourceMapping(deps: LambdaDeps): Handler<CreateEventSourceMappingRequest> {
  const { store, clock, ids } = deps;
  return async (input, context) => {
    const eventSourceArn = input.EventSourceArn;
    if (!eventSourceArn) throw invalidParameter('Unrecognized event source.');
    const ref = readReference(store.resources, context, input.FunctionName as string);
    const record = findFunction(deps, ref, invalidParameter);
    const change = readChange(input);
    const queue = requireQueue(deps, eventSourceArn);
    const functionArn = formatFunctionArn(record, ref.name, ref.qualifier);
    const mapping = createMapping(
      {
        uuid: ids.uuid(),
        region: context.region,
        accountId: context.accountId,
        eventSourceArn,
        functionName: ref.name,
        qualifier: ref.qualifier,
        functionArn,
      },
      change,
      clock.now(),
    );
    allow(checkMapping(mapping, queue, record.timeoutSeconds));
    const functionText = ref.qualifier === undefined ? ref.name : `${ref.name}:${ref.qualifier}`;
    allow(checkDuplicate(store.resources, eventSourceArn, functionArn, functionText));
    const tags =
      input.Tags && Object.keys(input.Tags).length > 0 ? [planTags(mappingArn(mapping), {}, input.Tags)] : [];
    await commitOrConflict(store, [put(COLLECTION, mapping.uuid, mapping, 0), ...tags], mappingArn(mapping));
    return show(mapping, mapping.state === 'Enabled' ? 'Creating' : 'Disabled');
  };
}

export function updateEventSourceMapping(deps: LambdaDeps): Handler<UpdateEventSourceMappingRequest> {
  const { store, clock } = deps;
  return async (input, context) => {
    const current = requireMapping(deps, input.UUID);
    const change = readChange(input);
    const ref: Reference = input.FunctionName
      ? readReference(store.resources, context, input.FunctionName)
      : { name: current.value.functionName, qualifier: current.value.qualifier };
    const record = findFunction(deps, ref, notFound);
    const queue = requireQueue(deps, current.value.eventSourceArn);
    const mapping: EventSourceMappingRecord = {
      ...applyMappingChange(current.value, change, clock.now()),
      functionName: ref.name,
      qualifier: ref.qualifier,
      functionArn: formatFunctionArn(record, ref.name, ref.qualifier),
    };
    allow(checkMapping(mapping, queue, record.timeoutSeconds));
    await commitOrConflict(
      store,
      [put(COLLECTION, mapping.uuid, mapping, current.version)],
      mappingArn(mapping),
    );
    return show(mapping, stateOnTheWay(current.value, mapping));
  };
}

function stateOnTheWay(before: EventSourceMappingRecord, after: EventSourceMappingRecord): string {
  if (before.state === after.state) return 'Updating';
  return after.state === 'Enabled' ? 'Enabling' : 'Disabling';
}

export function getEventSourceMapping(deps: LambdaDeps): Handler<GetEventSourceMappingRequest> {
  return (input) => show(requireMapping(deps, input.UUID).value);
}

export function deleteEventSourceMapping(deps: LambdaDeps): Handler<DeleteEventSourceMappingRequest> {
  return async (input) => {
    const { key, value, version } = requireMapping(deps, input.UUID);
    const arn = mappingArn(value);
    await commitOrConflict(deps.store, [remove(COLLECTION, key, version), planTagRemoval(arn)], arn);
    return show(value, 'Deleting');
  };
}

export function listEventSourceMappings(deps: LambdaDeps): Handler<ListEventSourceMappingsRequest> {
  return (input, context) => {
    const matches = readFilter(deps, input, context);
    const mappings = listMappings(deps.store.resources)
      .map(({ value }) => value)
      .filter(matches);
    const page = paginate(mappings, ({ uuid }) => uuid, input.Marker, input.MaxItems, LIST_LIMIT);
    return { EventSourceMappings: page.items.map((each) => show(each)), NextMarker: page.nextMarker };
  };
}

function readFilter(
  deps: LambdaDeps,
  input: ListEventSourceMappingsRequest,
  context: RequestContext,
): (mapping: EventSourceMappingRecord) => boolean {
  const ref = input.FunctionName
    ? readReference(deps.store.resources, context, input.FunctionName)
    : undefined;
  return (mapping) =>
    (!input.EventSourceArn || mapping.eventSourceArn === input.EventSourceArn) &&
    (!ref || (mapping.functionName === ref.name && mapping.qualifier === ref.qualifier));
}

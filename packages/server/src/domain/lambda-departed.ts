/**
 * What is still known of a deleted function or qualifier: events that wait for it go, after their retries,
 * where its settings sent failures (observed: the on-failure destination still receives them).
 */
import type { Effect, Resources } from '../store/store.ts';
import {
  type EventInvokeConfigRecord,
  LAMBDA_COLLECTIONS,
  readEventInvokeConfig,
  readFunction,
  readVersion,
  toValue,
} from './lambda-function.ts';
import { LATEST } from './lambda-names.ts';

const COLLECTION = 'lambda-departed';

interface DepartedRecord {
  readonly deadLetterArn?: string;
  /** By qualifier. */
  readonly eventInvokeConfigs: Readonly<Record<string, EventInvokeConfigRecord>>;
}

export interface Departed {
  readonly eventInvokeConfig?: EventInvokeConfigRecord;
  readonly deadLetterArn?: string;
}

/** Belongs into the commit that deletes the function. */
export function planDeparture(resources: Resources, name: string): Effect {
  const record: DepartedRecord = {
    deadLetterArn: readFunction(resources, name)?.value.deadLetterTargetArn,
    eventInvokeConfigs: Object.fromEntries(
      resources
        .list<EventInvokeConfigRecord>(LAMBDA_COLLECTIONS.eventInvokeConfigs, `${name}:`)
        .map(({ key, value }) => [key.slice(name.length + 1), value]),
    ),
  };
  return { kind: 'put', collection: COLLECTION, key: name, value: toValue(record) };
}

/** Belongs into the commit that deletes one version or alias; `version` is what it stood for. */
export function planQualifierDeparture(
  resources: Resources,
  name: string,
  qualifier: string,
  version: string,
): Effect {
  const departed: Departed = {
    eventInvokeConfig: readEventInvokeConfig(resources, name, qualifier)?.value,
    deadLetterArn: readVersion(resources, name, version)?.value.deadLetterTargetArn,
  };
  return { kind: 'put', collection: COLLECTION, key: `${name}:${qualifier}`, value: toValue(departed) };
}

/** Belongs into the commit that creates a function of that name again. */
export function planReturn(name: string): Effect {
  return { kind: 'remove', collection: COLLECTION, key: name };
}

/** Settings for events of a function, version or alias that is gone. */
export function readDeparted(resources: Resources, name: string, qualifier = LATEST): Departed {
  const present = readFunction(resources, name)?.value;
  if (present) {
    const departed = resources.get<Departed>(COLLECTION, `${name}:${qualifier}`)?.value;
    return (
      departed ?? {
        eventInvokeConfig: readEventInvokeConfig(resources, name, qualifier)?.value,
        deadLetterArn: present.deadLetterTargetArn,
      }
    );
  }
  const record = resources.get<DepartedRecord>(COLLECTION, name)?.value;
  return { eventInvokeConfig: record?.eventInvokeConfigs[qualifier], deadLetterArn: record?.deadLetterArn };
}

/**
 * Log groups and streams as resources: their names, ARNs and what is kept about them.
 * A stream that a function writes to exists through its lines; one made by CreateLogStream is a resource.
 */
import type { JsonObject } from '../store/store.ts';

export const LOG_GROUPS = 'log-groups';
export const LOG_STREAMS = 'log-streams';

/** A group; keyed by its name. */
export interface LogGroup extends JsonObject {
  createdAt: number;
  /** Absent: lines are kept for ever. */
  retentionInDays?: number;
  class: 'STANDARD' | 'INFREQUENT_ACCESS' | 'DELIVERY';
  tags?: { [key: string]: string };
  deletionProtection?: boolean;
}

/** A stream made by CreateLogStream; keyed by `streamKey`. */
export interface LogStream extends JsonObject {
  createdAt: number;
}

export const MAX_NAME_CHARS = 512;
/** Source: model of CreateLogGroup. */
export const GROUP_NAME = /^[.\-_/#A-Za-z0-9]+$/;
export const STREAM_NAME = /^[^:*]*$/;

/** Source: PutRetentionPolicy. */
export const RETENTION_DAYS: readonly number[] = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

export const DAY_MS = 86_400_000;

/** No group or stream name holds a colon. */
export function streamKey(group: string, stream: string): string {
  return `${group}:${stream}`;
}

export interface Place {
  readonly region: string;
  readonly accountId: string;
}

/** ARN without the `:*` that Describe adds. */
export function groupArn(place: Place, group: string): string {
  return `arn:aws:logs:${place.region}:${place.accountId}:log-group:${group}`;
}

export function streamArn(place: Place, group: string, stream: string): string {
  return `${groupArn(place, group)}:log-stream:${stream}`;
}

const GROUP_ARN = /^arn:[^:]+:logs:[^:]*:[^:]*:log-group:([^:]+)(?::\*)?$/;

/** Name of the group that a name or ARN stands for. */
export function groupNameOf(identifier: string): string {
  return GROUP_ARN.exec(identifier)?.[1] ?? identifier;
}

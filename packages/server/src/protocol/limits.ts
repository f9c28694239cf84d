/**
 * How many bytes of body each operation takes, and the words of the refusal. Bytes are counted before they are
 * kept; nothing above these is ever buffered.
 */
import { ApiError } from './error.ts';
import type { HttpRequest } from './wire.ts';

export interface BodyLimit {
  readonly bytes: number;
  /** `received` is the size of the refused body in bytes. */
  refuse(received: number): ApiError;
}

const MIB = 1_048_576;

/** Lambda quotas: synchronous 6 MB, asynchronous 1 MB (256 KB before October 2025). */
const SYNC_PAYLOAD_BYTES = 6 * MIB;
const ASYNC_PAYLOAD_BYTES = MIB;
const INVOKE_ASYNC_PAYLOAD_BYTES = 262_144;
/** A zip of 50 MB in base64, and the rest of the request (observed). */
const CONTROL_PLANE_BYTES = 70_167_211;
/** JSON may spend six bytes on a character and a form three; messages themselves end at 1 MiB. */
const MESSAGE_SERVICE_BYTES = 8 * MIB;

function tooLarge(message: string): ApiError {
  return new ApiError('RequestEntityTooLargeException', message);
}

/** Observed: the words name the type of invocation and the exact size that was sent. */
const payload = (kind: 'Event' | 'RequestResponse', bytes: number): BodyLimit => ({
  bytes,
  refuse: (received) =>
    tooLarge(`${received} byte payload is too large for the ${kind} invocation type (limit ${bytes} bytes)`),
});

const EVENT = payload('Event', ASYNC_PAYLOAD_BYTES);
const SYNC = payload('RequestResponse', SYNC_PAYLOAD_BYTES);
const INVOKE_ASYNC = payload('Event', INVOKE_ASYNC_PAYLOAD_BYTES);

const named = (operation: string, bytes: number): BodyLimit => ({
  bytes,
  refuse: () => tooLarge(`Request must be smaller than ${bytes} bytes for the ${operation} operation`),
});
const CREATE = named('CreateFunction', CONTROL_PLANE_BYTES);
const UPDATE = named('UpdateFunctionCode', CONTROL_PLANE_BYTES);
const PUBLISH_LAYER = named('PublishLayerVersion', CONTROL_PLANE_BYTES);

/** Everything else, the forms of the query protocol included. */
export const GENERAL_LIMIT: BodyLimit = {
  bytes: MESSAGE_SERVICE_BYTES,
  refuse: (received) =>
    tooLarge(`Request of ${received} bytes is too large (limit ${MESSAGE_SERVICE_BYTES} bytes)`),
};

export function bodyLimit(operation: string, headers: HttpRequest['headers']): BodyLimit {
  switch (operation) {
    case 'Invoke':
      return headers['x-amz-invocation-type'] === 'Event' ? EVENT : SYNC;
    case 'InvokeWithResponseStream':
      return SYNC;
    case 'InvokeAsync':
      return INVOKE_ASYNC;
    case 'CreateFunction':
      return CREATE;
    case 'UpdateFunctionCode':
      return UPDATE;
    case 'PublishLayerVersion':
      return PUBLISH_LAYER;
    default:
      return GENERAL_LIMIT;
  }
}

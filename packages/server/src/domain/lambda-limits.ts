/** Lambda's numbers. Source: AWS "Lambda quotas" and the recordings named in docs/fidelity.md. */

/** Request payload of a synchronous invocation, bytes. */
export const SYNC_PAYLOAD_BYTES = 6_291_456;
/** Request payload of an asynchronous invocation, bytes (1 MiB since October 2025). */
export const ASYNC_PAYLOAD_BYTES = 1_048_576;
/** Request payload of the old InvokeAsync, bytes. */
export const INVOKE_ASYNC_PAYLOAD_BYTES = 262_144;

/** Name of a new function, characters. */
export const FUNCTION_NAME_LENGTH = 64;
/** All environment variables as one JSON object, bytes. */
export const ENVIRONMENT_BYTES = 4096;
export const ZIP_BYTES = 52_428_800;
export const UNZIPPED_BYTES = 262_144_000;
/** Code of all functions and layers of an account, bytes. */
export const TOTAL_CODE_BYTES = 80_530_636_800;
export const LAYERS_PER_FUNCTION = 5;
export const TAGS_PER_RESOURCE = 50;
/** Resource policy as JSON text, bytes. */
export const POLICY_BYTES = 20_480;

/** Concurrent executions of an account. */
export const ACCOUNT_CONCURRENCY = 1000;
/** What reservations must leave to functions without one. */
export const UNRESERVED_MINIMUM = 100;

export const DEFAULT_TIMEOUT_SECONDS = 3;
export const MAX_TIMEOUT_SECONDS = 900;
export const DEFAULT_MEMORY_MB = 128;
export const MAX_MEMORY_MB = 10_240;
export const DEFAULT_EPHEMERAL_STORAGE_MB = 512;
export const MAX_EPHEMERAL_STORAGE_MB = 10_240;

/** Items of a page of most lists. */
export const PAGE_SIZE = 50;

/** What the three batch operations have in common: limits of a batch, ids of its entries, failed entries. */
import { ApiError } from '../../protocol/error.ts';
import { StoreUnavailable } from '../../store/store.ts';
import { SQS_ERRORS } from './errors.ts';

/** AWS: ten entries. */
const MAX_ENTRIES = 10;
const ENTRY_ID = /^[A-Za-z0-9_-]{1,80}$/;

export interface BatchFailure {
  readonly Id: string;
  readonly SenderFault: boolean;
  readonly Code: string;
  readonly Message: string;
}

/** Refuses a batch whose form is wrong; `entryShape` is named when it is empty. */
export function checkBatch(
  entries: readonly { readonly Id?: string }[] | undefined,
  entryShape: string,
): void {
  if (!entries || entries.length === 0) {
    throw new ApiError('EmptyBatchRequest', `There should be at least one ${entryShape} in the request.`);
  }
  if (entries.length > MAX_ENTRIES) {
    throw new ApiError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MAX_ENTRIES}. You have sent ${entries.length}.`,
    );
  }
  const seen = new Set<string>();
  for (const { Id } of entries) {
    if (Id === undefined || !ENTRY_ID.test(Id)) {
      throw new ApiError(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
      );
    }
    if (seen.has(Id)) throw new ApiError('BatchEntryIdsNotDistinct', `Id ${Id} repeated.`);
    seen.add(Id);
  }
}

export function failEntry(id: string, error: string, message: string): BatchFailure {
  const row = SQS_ERRORS[error];
  return {
    Id: id,
    SenderFault: row?.fault !== 'server',
    Code: row?.queryCode ?? error,
    Message: message,
  };
}

/** Does one thing for every entry at the same time; an entry's ApiError fails that entry alone. */
export async function forEachEntry<E extends { readonly Id?: string }>(
  entries: readonly E[],
  work: (entry: E) => Promise<void>,
): Promise<{ Successful: { Id: string }[]; Failed: BatchFailure[] }> {
  const results = await Promise.allSettled(entries.map(async (entry) => work(entry)));
  const Successful: { Id: string }[] = [];
  const Failed: BatchFailure[] = [];
  for (const [index, result] of results.entries()) {
    const Id = (entries[index] as E).Id as string;
    if (result.status === 'fulfilled') Successful.push({ Id });
    else Failed.push(failureOf(Id, result.reason));
  }
  return { Successful, Failed };
}

function failureOf(id: string, reason: unknown): BatchFailure {
  if (reason instanceof ApiError) return failEntry(id, reason.name, reason.message);
  if (reason instanceof StoreUnavailable) {
    return { Id: id, SenderFault: false, Code: 'ServiceUnavailable', Message: 'The store is unavailable.' };
  }
  throw reason;
}

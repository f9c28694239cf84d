/** Writing resources from operations: what a lost race means to the caller. */
import type { Committed, JsonObject, Put, Remove, Store, Unit } from '../../store/store.ts';
import { conflict } from './errors.ts';

export function put(collection: string, key: string, value: object, ifVersion?: number): Put {
  return { kind: 'put', collection, key, value: value as JsonObject, ifVersion };
}

export function remove(collection: string, key: string, ifVersion?: number): Remove {
  return { kind: 'remove', collection, key, ifVersion };
}

/** Commits, or says that another change of the resource came first. */
export async function commitOrConflict(store: Store, unit: Unit, arn: string): Promise<Committed> {
  const result = await store.commit(unit);
  if (result.kind === 'conflict') {
    throw conflict(
      `The operation cannot be performed at this time. An update is in progress for resource: ${arn}`,
    );
  }
  return result;
}

/** Tries again from fresh reads as long as others change what `plan` read. Gives what `plan` gave. */
export async function commitRetrying<T>(
  store: Store,
  plan: () => { readonly unit: Unit; readonly result: T },
): Promise<T> {
  for (;;) {
    const { unit, result } = plan();
    const outcome = await store.commit(unit);
    if (outcome.kind === 'committed') return result;
  }
}

/**
 * All resources in memory, in step with what is committed. Values are frozen copies, exactly what a reopened
 * store would load.
 */
import { Listeners } from './listeners.ts';
import type { JsonObject, Resource, Resources } from './store.ts';

export class ResourceView implements Resources {
  readonly #collections = new Map<string, Map<string, Resource>>();
  /** Keys in order, made when asked for and dropped when a key comes or goes. */
  readonly #sortedKeys = new Map<string, string[]>();
  readonly #listeners = new Listeners<[collection: string, key: string]>();

  get<T = JsonObject>(collection: string, key: string): Resource<T> | undefined {
    return this.#collections.get(collection)?.get(key) as Resource<T> | undefined;
  }

  list<T = JsonObject>(collection: string, prefix = ''): Resource<T>[] {
    const resources = this.#collections.get(collection);
    if (!resources) return [];
    let keys = this.#sortedKeys.get(collection);
    if (!keys) {
      keys = [...resources.keys()].sort();
      this.#sortedKeys.set(collection, keys);
    }
    const found: Resource<T>[] = [];
    for (let i = lowerBound(keys, prefix); i < keys.length; i++) {
      const key = keys[i] as string;
      if (!key.startsWith(prefix)) break;
      found.push(resources.get(key) as Resource<T>);
    }
    return found;
  }

  onChange(listener: (collection: string, key: string) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Takes over a committed put. `json` is the value as it is stored. */
  put(collection: string, key: string, version: number, json: string): void {
    this.#store(collection, key, version, json);
    this.#listeners.notify(collection, key);
  }

  remove(collection: string, key: string): void {
    if (!this.#collections.get(collection)?.delete(key)) return;
    this.#sortedKeys.delete(collection);
    this.#listeners.notify(collection, key);
  }

  /** Starts again from what is stored, telling nobody. */
  reset(rows: readonly (readonly [collection: string, key: string, version: number, json: string])[]): void {
    this.#collections.clear();
    this.#sortedKeys.clear();
    for (const row of rows) this.#store(...row);
  }

  #store(collection: string, key: string, version: number, json: string): void {
    let resources = this.#collections.get(collection);
    if (!resources) {
      resources = new Map();
      this.#collections.set(collection, resources);
    }
    if (!resources.has(key)) this.#sortedKeys.delete(collection);
    resources.set(key, Object.freeze({ key, version, value: deepFreeze(JSON.parse(json)) }));
  }
}

/** Index of the first key that is not before `prefix`. */
function lowerBound(keys: readonly string[], prefix: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < prefix) low = middle + 1;
    else high = middle;
  }
  return low;
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object') {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}

import { LRUCache } from "lru-cache";
import { createSingleFlight } from "./single-flight.ts";

export { LRUCache } from "lru-cache";

/**
 * Options of an LRUCache with at most this many entries. Unlike its `max`, this reserves no memory
 * in advance.
 */
export function atMost(entries: number): { maxSize: number; sizeCalculation: () => number } {
  return { maxSize: entries, sizeCalculation: () => 1 };
}

/** A bounded cache in front of something slow. */
export interface LoadingCache<K, V> {
  /** From memory, or loaded once for concurrent callers. `undefined` is not cached. */
  get(key: K): Promise<V | undefined>;
  /** From memory only. */
  peek(key: K): V | undefined;
  set(key: K, value: V): void;
  /** Forgets the key, and discards what is being loaded for it. */
  delete(key: K): void;
  clear(): void;
  readonly size: number;
}

export interface LoadingCacheOptions<K, V> {
  /** Most entries. */
  max: number;
  /** Ms after which an entry is loaded again (never). */
  ttlMs?: number;
  load(key: K): Promise<V | undefined>;
}

/** A value loaded while its key was deleted or set is not cached: it may be the old one. */
export function createLoadingCache<K extends {}, V extends {}>(
  options: LoadingCacheOptions<K, V>,
): LoadingCache<K, V> {
  const ttl = options.ttlMs === undefined ? {} : { ttl: options.ttlMs };
  const cache = new LRUCache<K, V>({ ...atMost(options.max), ...ttl });
  const loading = createSingleFlight<K, V | undefined>();
  const outdated = new Set<K>();
  const pending = new Set<K>();

  async function load(key: K): Promise<V | undefined> {
    pending.add(key);
    try {
      const value = await options.load(key);
      if (value !== undefined && !outdated.has(key)) cache.set(key, value);
      return value;
    } finally {
      pending.delete(key);
      outdated.delete(key);
    }
  }

  function outdate(key: K): void {
    if (pending.has(key)) outdated.add(key);
  }

  return {
    async get(key) {
      const known = cache.get(key);
      if (known !== undefined) return known;
      // A caller after a deletion must not get what was read before it.
      return outdated.has(key) ? options.load(key) : loading.run(key, () => load(key));
    },
    peek: (key) => cache.get(key),
    set(key, value) {
      outdate(key);
      cache.set(key, value);
    },
    delete(key) {
      outdate(key);
      cache.delete(key);
    },
    clear() {
      for (const key of pending) outdated.add(key);
      cache.clear();
    },
    get size() {
      return cache.size;
    },
  };
}

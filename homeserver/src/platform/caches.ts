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

/** A bounded cache in front of something that loads many at once. */
export interface BatchCache<K, V> {
  /** Those that exist, from memory where it can; the others are loaded together. */
  getAll(keys: readonly K[]): Promise<ReadonlyMap<K, V>>;
  /** Forgets the key. What is being loaded for it is not cached. */
  delete(key: K): void;
}

interface BatchCacheOptions<K, V> {
  /** Greatest sum of the sizes. */
  readonly maxSize: number;
  /** Size of a value, at least 1. */
  sizeOf(value: V): number;
  /** What does not exist is left out, and not cached. */
  load(keys: readonly K[]): Promise<ReadonlyMap<K, V>>;
}

/** Who asks after a deletion never gets what was read before it. */
export function createBatchCache<K extends {}, V extends {}>(
  options: BatchCacheOptions<K, V>,
): BatchCache<K, V> {
  const { maxSize, sizeOf } = options;
  const cache = new LRUCache<K, V>({ maxSize, sizeCalculation: sizeOf });
  /** Keys that are being loaded and were not deleted meanwhile. */
  const loads = new Set<Set<K>>();

  async function load(keys: readonly K[]): Promise<ReadonlyMap<K, V>> {
    const current = new Set(keys);
    loads.add(current);
    try {
      const found = await options.load(keys);
      for (const [key, value] of found) if (current.has(key)) cache.set(key, value);
      return found;
    } finally {
      loads.delete(current);
    }
  }

  return {
    async getAll(keys) {
      const found = new Map<K, V>();
      const missing: K[] = [];
      for (const key of keys) {
        const value = cache.get(key);
        if (value === undefined) missing.push(key);
        else found.set(key, value);
      }
      if (missing.length === 0) return found;
      for (const [key, value] of await load(missing)) found.set(key, value);
      return found;
    },
    delete(key) {
      cache.delete(key);
      for (const current of loads) current.delete(key);
    },
  };
}

/**
 * Finds the tree's nodes: uncommitted ones, then a cache bounded by bytes, then the database, in
 * bulk.
 */
import { LRUCache } from "lru-cache";
import type { NodeKey } from "./node.ts";

export interface StateNode {
  readonly hash: Buffer;
  readonly data: Buffer;
}

/** Loads nodes by hash; the answer may be in any order. */
export type LoadNodes = (hashes: Buffer[]) => Promise<readonly StateNode[]>;

export interface NodeStore {
  /** Runs a synchronous reading function again until no node is missing. */
  run<T>(read: (nodes: NodeReader) => T): Promise<T>;
  add(key: NodeKey, data: Buffer): void;
  /** Keeps uncommitted nodes in memory until they are released. */
  hold(nodes: readonly StateNode[]): void;
  release(nodes: readonly StateNode[]): void;
  readonly loaded: { nodes: number; queries: number };
}

export interface NodeReader {
  /**
   * Undefined when the node must be loaded first: continue with the rest, the function is called
   * again.
   */
  get(key: NodeKey): Buffer | undefined;
}

/** The cost of a cache entry beside its bytes. */
const OVERHEAD = 200;

export function createNodeStore(load: LoadNodes, cacheBytes: number): NodeStore {
  const cache = new LRUCache<NodeKey, Buffer>({
    maxSize: cacheBytes,
    sizeCalculation: (data) => data.length + OVERHEAD,
  });
  const held = new Map<NodeKey, { data: Buffer; count: number }>();
  const loaded = { nodes: 0, queries: 0 };

  async function fetchMissing(missing: Set<NodeKey>, local: Map<NodeKey, Buffer>): Promise<void> {
    const hashes = [...missing].map((key) => Buffer.from(key, "latin1"));
    const nodes = await load(hashes);
    loaded.queries += 1;
    loaded.nodes += nodes.length;
    for (const node of nodes) {
      const key = node.hash.toString("latin1", 0);
      local.set(key, node.data);
      cache.set(key, node.data);
    }
    for (const key of missing) {
      if (local.has(key)) continue;
      throw new Error(`state node ${Buffer.from(key, "latin1").toString("hex")} is not stored`);
    }
  }

  return {
    loaded,
    async run(read) {
      const local = new Map<NodeKey, Buffer>();
      for (;;) {
        const missing = new Set<NodeKey>();
        const result = read({
          get(key) {
            const found = cache.get(key) ?? held.get(key)?.data ?? local.get(key);
            if (found === undefined) missing.add(key);
            return found;
          },
        });
        if (missing.size === 0) return result;
        await fetchMissing(missing, local);
      }
    },
    add(key, data) {
      cache.set(key, data);
    },
    hold(nodes) {
      for (const node of nodes) {
        const key = node.hash.toString("latin1", 0);
        const entry = held.get(key);
        if (entry) entry.count += 1;
        else held.set(key, { data: node.data, count: 1 });
      }
    },
    release(nodes) {
      for (const node of nodes) {
        const key = node.hash.toString("latin1", 0);
        const entry = held.get(key);
        if (!entry) continue;
        entry.count -= 1;
        if (entry.count === 0) held.delete(key);
      }
    },
  };
}

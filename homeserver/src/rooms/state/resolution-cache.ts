/**
 * Results of state resolutions in memory: each message on one of several branches asks for the same
 * again.
 */
import { LRUCache, atMost } from "../../platform/caches.ts";
import type { StateRoot } from "../api/index.ts";
import type { Change } from "./tree/index.ts";

/** A root to start from, and the changes to it. */
export interface Resolution {
  readonly base: StateRoot;
  readonly changes: readonly Change[];
}

export interface ResolutionCache {
  /**
   * What the roots resolved to; otherwise it is resolved, and kept unless the room's are dropped
   * meanwhile.
   */
  of(
    roomNid: number,
    sorted: readonly StateRoot[],
    resolve: () => Promise<Resolution>,
  ): Promise<Resolution>;
  /** Drops a room's: an event may not be rejected any more, which can change the result. */
  forget(roomNid: number): void;
}

/** Changes that are kept. */
const CHANGES_KEPT = 100_000;
const ROOMS_KEPT = 10_000;

export function createResolutionCache(): ResolutionCache {
  const sizeCalculation = ({ changes }: Resolution) => changes.length + 2;
  const byKey = new LRUCache<string, Resolution>({ maxSize: CHANGES_KEPT, sizeCalculation });
  /** Room nid → the count of all drops at its last one. */
  const ages = new LRUCache<number, number>(atMost(ROOMS_KEPT));
  let drops = 0;

  return {
    async of(roomNid, sorted, resolve) {
      // What is resolved while the room's are dropped is found by nobody: its key is that of
      // before.
      const key = `${ages.get(roomNid) ?? 0} ${sorted.join()}`;
      const known = byKey.get(key);
      if (known !== undefined) return known;
      const resolution = await resolve();
      byKey.set(key, resolution);
      return resolution;
    },
    forget(roomNid) {
      drops += 1;
      ages.set(roomNid, drops);
    },
  };
}

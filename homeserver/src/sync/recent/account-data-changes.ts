import { LRUCache } from "lru-cache";
import type { AccountDataRecord } from "../../log/types.ts";
import { atMost } from "../../platform/caches.ts";

/** The cached changes of one user's account data. */
interface Known {
  /** Every change after this position is in `at`. */
  readonly from: number;
  /** Room nid (0: global) → position of the last change. */
  readonly at: Map<number, number>;
}

/** Caches when each user's account data last changed, by room. */
export function createAccountDataChanges(position: () => number, max = 50_000) {
  const users = new LRUCache<string, Known>(atMost(max));
  /** The account data of users not in memory has not changed after this position. */
  let floor = position();

  return {
    /** Applies a change, in the order of the log. */
    take({ userId, roomNid, position: at }: AccountDataRecord): void {
      let known = users.get(userId);
      if (!known) {
        known = { from: floor, at: new Map() };
        if (users.size >= max) floor = at;
        users.set(userId, known);
      }
      known.at.set(roomNid ?? 0, at);
    },

    /**
     * Whether the user's data of a room (0: global) changed after the position; undefined: not in
     * memory.
     */
    changed(userId: string, roomNid: number, after: number): boolean | undefined {
      const known = users.get(userId);
      if ((known?.at.get(roomNid) ?? 0) > after) return true;
      return after >= (known?.from ?? floor) ? false : undefined;
    },
  };
}

export type AccountDataChanges = ReturnType<typeof createAccountDataChanges>;

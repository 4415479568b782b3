import { LRUCache } from "lru-cache";
import type { AccountDataRecord } from "../../log/types.ts";
import { atMost } from "../../platform/caches.ts";

/** One user's account data as memory knows it. */
interface Known {
  /** Every change after this position is in `at`. */
  readonly from: number;
  /** Room nid (0: global) → position of the last change. */
  readonly at: Map<number, number>;
}

/** Remembers when each user's account data changed last, by room. */
export function createAccountDataChanges(position: () => number, max = 50_000) {
  const users = new LRUCache<string, Known>(atMost(max));
  /** Users who are not in memory have changed nothing after this position. */
  let floor = position();

  return {
    /** Takes in a change, in the log's order. */
    take({ userId, roomNid, position: at }: AccountDataRecord): void {
      let known = users.get(userId);
      if (!known) {
        known = { from: floor, at: new Map() };
        if (users.size >= max) floor = at;
        users.set(userId, known);
      }
      known.at.set(roomNid ?? 0, at);
    },

    /** Whether the user's data of a room (0: global) changed after the position; undefined: not in memory. */
    changed(userId: string, roomNid: number, after: number): boolean | undefined {
      const known = users.get(userId);
      if ((known?.at.get(roomNid) ?? 0) > after) return true;
      return after >= (known?.from ?? floor) ? false : undefined;
    },
  };
}

export type AccountDataChanges = ReturnType<typeof createAccountDataChanges>;

import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";

/** Caches at which log position a sticky event of each room was last told of. */
export function createStickyChanges(position: () => number, max = 50_000) {
  /** Rooms that are not in memory have had none after this position. */
  let floor = position();
  const rooms = new LRUCache<number, number>({
    ...atMost(max),
    dispose: (at, _roomNid, reason) => {
      if (reason === "evict") floor = Math.max(floor, at);
    },
  });

  return {
    /** Applies a record, in the order of the log. */
    take({ roomNid, position: at }: { readonly roomNid: number; readonly position: number }): void {
      rooms.set(roomNid, at);
    },

    /** Whether there were any after the position; undefined: not in memory. */
    changed(roomNid: number, after: number): boolean | undefined {
      if ((rooms.get(roomNid) ?? 0) > after) return true;
      return after >= floor ? false : undefined;
    },
  };
}

export type StickyChanges = ReturnType<typeof createStickyChanges>;

import { LRUCache } from "lru-cache";
import type { EventRecord } from "../../log/types.ts";
import { atMost } from "../../platform/caches.ts";
import type { SyncingUser, SyncingUserRoom } from "../users/syncing-user.ts";

const ROOMS_KEPT = 500_000;

/** When something last happened in each room, from the log, or from the database once. */
export function createActivity(
  load: (roomNids: readonly number[]) => Promise<ReadonlyMap<number, number>>,
) {
  let dropped = 0;
  const last = new LRUCache<number, number>({
    ...atMost(ROOMS_KEPT),
    dispose: (_at, _nid, reason) => {
      if (reason === "evict") dropped += 1;
    },
  });
  /** Users whose rooms were all read, and how many rooms had been dropped by then. */
  const complete = new WeakMap<SyncingUser, number>();

  function mark(roomNid: number, position: number): void {
    if ((last.peek(roomNid) ?? -1) < position) last.set(roomNid, position);
  }

  return {
    /** Applies an event of the log. */
    event({ roomNid, position }: EventRecord): void {
      mark(roomNid, position);
    },

    /** Reads what is not in memory of the user's rooms. A join of another one is in the log. */
    async ensure(user: SyncingUser): Promise<void> {
      if (complete.get(user) === dropped) return;
      const missing: number[] = [];
      for (const { roomNid, membership } of user.rooms.values()) {
        if (membership === "join" && !last.has(roomNid)) missing.push(roomNid);
      }
      const before = dropped;
      if (missing.length > 0) {
        const found = await load(missing);
        for (const nid of missing) mark(nid, found.get(nid) ?? 0);
      }
      complete.set(user, before);
    },

    /**
     * Log position of the last event of a room that the user is joined to; where they are not, of
     * the change of their membership.
     */
    lastOf({ roomNid, membership, position }: SyncingUserRoom): number {
      return membership === "join" ? Math.max(last.peek(roomNid) ?? 0, position) : position;
    },
  };
}

export type Activity = ReturnType<typeof createActivity>;

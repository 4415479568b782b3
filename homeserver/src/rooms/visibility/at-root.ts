/** The facts in a room's state that decide what a user may see. */
import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import { stateTuple } from "../../protocol/state-map.ts";
import { historyVisibility } from "../../protocol/events/visibility.ts";
import type { HistoryVisibility } from "../../protocol/events/visibility.ts";
import type { RoomStore } from "../state/store.ts";
import type { StateRoot } from "../api/index.ts";

export interface AtRoot {
  readonly visibility: HistoryVisibility;
  readonly membership: string | undefined;
  /** nid of the user's member event; undefined: there is none. */
  readonly memberNid: number | undefined;
}

export type LookAtRoot = (root: StateRoot, userId: UserId) => Promise<AtRoot>;

/** The facts where no state is known. */
export const NOTHING: AtRoot = {
  visibility: "shared",
  membership: undefined,
  memberNid: undefined,
};

export function createAtRoot(store: RoomStore): LookAtRoot {
  // The content of a root never changes, so entries never expire.
  const known = new LRUCache<string, AtRoot>(atMost(100_000));

  return async (root, userId) => {
    if (root === null) return NOTHING;
    const key = `${root}${userId}`;
    const cached = known.get(key);
    if (cached !== undefined) return cached;
    const state = await store.state.events(root, [
      ["m.room.history_visibility", ""],
      ["m.room.member", userId],
    ]);
    const own = state.get(stateTuple("m.room.member", userId));
    const membership = own?.event.content.membership;
    const result: AtRoot = {
      visibility: historyVisibility(state.get(stateTuple("m.room.history_visibility", ""))?.event),
      membership: typeof membership === "string" ? membership : undefined,
      memberNid: own?.nid,
    };
    known.set(key, result);
    return result;
  };
}

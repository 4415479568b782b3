/** Which events a user may see, by the history visibility rules, in bulk. */
import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import type { UserId } from "../protocol/identifiers.ts";
import { stateTuple } from "../protocol/state-map.ts";
import { historyVisibility, userCanSee } from "../protocol/visibility.ts";
import type { HistoryVisibility } from "../protocol/visibility.ts";
import type { Memberships } from "./memberships.ts";
import type { Stays } from "./stays.ts";
import { withoutVain } from "./redactions.ts";
import type { RoomStore } from "./store.ts";
import type { Membership, MembershipRow, ReadableEvent, StateRoot, StoredEvent } from "./types.ts";

export interface Readable {
  (userId: UserId, events: readonly StoredEvent[]): Promise<ReadableEvent[]>;
}

interface AtRoot {
  readonly visibility: HistoryVisibility;
  readonly membership: string | undefined;
}

const NOTHING: AtRoot = { visibility: "shared", membership: undefined };

export function createReadable(store: RoomStore, memberships: Memberships, stays: Stays): Readable {
  // A state root never changes its meaning, so that these never expire.
  const known = new LRUCache<string, AtRoot>(atMost(100_000));

  async function atRoot(root: StateRoot, userId: UserId): Promise<AtRoot> {
    if (root === null) return NOTHING;
    const key = `${root}${userId}`;
    const cached = known.get(key);
    if (cached !== undefined) return cached;
    const state = await store.state.events(root, [
      ["m.room.history_visibility", ""],
      ["m.room.member", userId],
    ]);
    const member = state.get(stateTuple("m.room.member", userId))?.event.content.membership;
    const result: AtRoot = {
      visibility: historyVisibility(state.get(stateTuple("m.room.history_visibility", ""))?.event),
      membership: typeof member === "string" ? member : undefined,
    };
    known.set(key, result);
    return result;
  }

  /** Until which log position a join of the user follows every event; Infinity while joined. */
  async function joinedUntil(row: MembershipRow | undefined): Promise<number> {
    if (row === undefined) return -1;
    if (row.membership === "join") return Infinity;
    return (await stays.lastEnd(row))?.position ?? -1;
  }

  return async (userId, all) => {
    if (all.length === 0) return [];
    const events = await withoutVain(store, all);
    const roots = new Map<StateRoot, AtRoot>();
    const distinct = new Set(events.map((stored) => stored.stateBefore));
    const mine = await memberships.ofUser(userId);
    const until = new Map<number, number>();
    await Promise.all([
      ...[...distinct].map(async (root) => roots.set(root, await atRoot(root, userId))),
      ...[...new Set(events.map((stored) => stored.roomNid))].map(async (nid) =>
        until.set(nid, await joinedUntil(mine.get(nid))),
      ),
    ]);
    const readable: ReadableEvent[] = [];
    for (const stored of events) {
      const before = roots.get(stored.stateBefore) ?? NOTHING;
      const joinedLater = (stored.position ?? 0) <= (until.get(stored.roomNid) ?? -1);
      if (stored.status === "rejected" || !isPlaced(stored, userId)) continue;
      if (!userCanSee(stored.event, userId, before, joinedLater)) continue;
      readable.push({ stored, membership: membershipAt(stored, userId, before.membership) });
    }
    return readable;
  };
}

/** Of events without known state, only who they're about may see them: invites, and their withdrawal. */
function isPlaced({ event, stateBefore }: StoredEvent, userId: UserId): boolean {
  if (stateBefore !== null || event.type === "m.room.create") return true;
  return event.type === "m.room.member" && event.stateKey === userId;
}

function membershipAt(
  { event }: StoredEvent,
  userId: UserId,
  before: string | undefined,
): Membership {
  const isOwn = event.type === "m.room.member" && event.stateKey === userId;
  const membership = isOwn ? event.content.membership : before;
  return typeof membership === "string" ? (membership as Membership) : "leave";
}

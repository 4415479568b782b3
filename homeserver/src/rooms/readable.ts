/** Which events a user may see, by the history visibility rules, in bulk. */
import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import type { UserId } from "../protocol/identifiers.ts";
import { stateTuple } from "../protocol/state-map.ts";
import { allowsUser, historyVisibility, userCanSee } from "../protocol/visibility.ts";
import type { HistoryVisibility } from "../protocol/visibility.ts";
import type { Memberships } from "./memberships.ts";
import type { Stays } from "./stays.ts";
import { withoutVain } from "./redactions.ts";
import type { RoomStore } from "./store.ts";
import type { Membership, MembershipRow, ReadableEvent, StateRoot, StoredEvent } from "./types.ts";

export interface Readable {
  (userId: UserId, events: readonly StoredEvent[]): Promise<ReadableEvent[]>;
  /** The same for what is known of message events: which of them the user may see. */
  among<T extends Placed>(userId: UserId, messages: readonly T[]): Promise<T[]>;
}

/** Where a message stands, and the state around it. */
export type Placed = Pick<StoredEvent, "roomNid" | "position" | "stateBefore">;

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

  /** What decides of the user's view: the state before each of the events, and until when a join follows. */
  async function around(userId: UserId, events: readonly Placed[]) {
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
    return ({ stateBefore, roomNid, position }: Placed) => ({
      before: roots.get(stateBefore) ?? NOTHING,
      joinedLater: (position ?? 0) <= (until.get(roomNid) ?? -1),
    });
  }

  async function readable(userId: UserId, all: readonly StoredEvent[]): Promise<ReadableEvent[]> {
    if (all.length === 0) return [];
    const events = await withoutVain(store, all);
    const of = await around(userId, events);
    return events.flatMap((stored) => {
      const { before, joinedLater } = of(stored);
      // What is soft-failed no client is told of.
      if (stored.status !== "accepted" || !isPlaced(stored, userId)) return [];
      if (!userCanSee(stored.event, userId, before, joinedLater)) return [];
      return [{ stored, membership: membershipAt(stored, userId, before.membership) }];
    });
  }

  return Object.assign(readable, {
    async among<T extends Placed>(userId: UserId, messages: readonly T[]): Promise<T[]> {
      if (messages.length === 0) return [];
      const of = await around(userId, messages);
      return messages.filter((message) => {
        const { before, joinedLater } = of(message);
        const { visibility, membership } = before;
        return message.stateBefore !== null && allowsUser(visibility, membership, joinedLater);
      });
    },
  });
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

/** How much is unread of all rooms together: the number on an app's icon. */
import type { InvitePermissions } from "../users/data/invite-permissions.ts";
import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import type { UserId } from "../protocol/identifiers.ts";
import type { Unread, UnreadCounts } from "../notifications/unread.ts";
import type { Room, RoomView } from "../rooms/api/index.ts";
import { openInvitersOf, roomsWithNews } from "../storage/push/candidates.ts";
import type { Sql } from "../storage/sql.ts";

interface Counted {
  /** Room nid → unread messages; rooms without any are absent. */
  readonly unread: Map<number, number>;
  /** Rooms to be counted again. */
  readonly stale: Set<number>;
  invites: number | undefined;
}

export interface Badges {
  /** Unread messages that notify, in all threads of all rooms, and open invites. */
  of(userId: UserId): Promise<number>;
  /** What is unread in a room; undefined: the user is not in it. */
  inRoom(userId: UserId, room: Room): Promise<Unread | undefined>;
  /** Something in the room, or (undefined) an invite, may have changed the count. */
  changed(userId: UserId, roomNid: number | undefined): void;
  /** Everything is counted again: the user's rules or ignore list changed. */
  forget(userId: UserId): void;
}

const USERS_KEPT = 20_000;
/** Rooms of one user that are counted: the busiest of late. */
const MAX_ROOMS = 1_000;
/** Open invites that are counted. */
const MAX_INVITES = 1_000;
const AT_ONCE = 8;

export function createBadges(deps: {
  readonly sql: Sql;
  readonly view: RoomView;
  readonly unread: Pick<UnreadCounts, "of">;
  readonly ignoredBy: (userId: UserId) => Promise<ReadonlySet<string>>;
  readonly inviteVerdict: InvitePermissions["verdict"];
  /** The log's. */
  readonly position: () => number;
}): Badges {
  const { sql, view, unread, ignoredBy } = deps;
  const byUser = new LRUCache<UserId, Counted>(atMost(USERS_KEPT));
  const counting = createSingleFlight<UserId, number>();

  async function inRoom(userId: UserId, room: Room): Promise<Unread | undefined> {
    const row = await view.membership(room.nid, userId);
    if (row?.membership !== "join") return undefined;
    const userRoom = { ...row, heldSince: row.position };
    const reader = { userId, ignored: await ignoredBy(userId) };
    return unread.of(reader, room, userRoom, deps.position());
  }

  async function countedOf(userId: UserId): Promise<Counted> {
    const known = byUser.get(userId);
    if (known) return known;
    const made = { unread: new Map(), stale: new Set<number>(), invites: undefined };
    byUser.set(userId, made);
    for (const roomNid of await roomsWithNews(sql, userId, MAX_ROOMS)) made.stale.add(roomNid);
    return made;
  }

  async function recount(userId: UserId, counted: Counted, roomNid: number): Promise<void> {
    const room = (await view.rooms([roomNid])).get(roomNid);
    const found = room && (await inRoom(userId, room));
    const threads = [...(found?.threads.values() ?? [])];
    const total = threads.reduce((sum, { notify }) => sum + notify, found?.main.notify ?? 0);
    if (total > 0) counted.unread.set(roomNid, total);
    else counted.unread.delete(roomNid);
  }

  async function wantedInvites(userId: UserId): Promise<number> {
    const inviters = await openInvitersOf(sql, userId, MAX_INVITES);
    const ignored = await ignoredBy(userId);
    let wanted = 0;
    for (const inviter of inviters) {
      if (ignored.has(inviter)) continue;
      if ((await deps.inviteVerdict(userId, inviter)) === "allow") wanted += 1;
    }
    return wanted;
  }

  async function count(userId: UserId): Promise<number> {
    const counted = await countedOf(userId);
    try {
      while (counted.stale.size > 0) {
        const some = [...counted.stale].slice(0, AT_ONCE);
        for (const roomNid of some) counted.stale.delete(roomNid);
        await Promise.all(some.map((roomNid) => recount(userId, counted, roomNid)));
      }
      counted.invites ??= await wantedInvites(userId);
    } catch (error) {
      byUser.delete(userId);
      throw error;
    }
    return [...counted.unread.values()].reduce((sum, of) => sum + of, counted.invites);
  }

  function isStale(userId: UserId): boolean {
    const counted = byUser.peek(userId);
    return counted === undefined || counted.stale.size > 0 || counted.invites === undefined;
  }

  return {
    async of(userId) {
      const total = await counting.run(userId, () => count(userId));
      // Counted with somebody who had asked before the last change.
      return isStale(userId) ? counting.run(userId, () => count(userId)) : total;
    },
    inRoom,
    changed(userId, roomNid) {
      const counted = byUser.peek(userId);
      if (counted === undefined) return;
      if (roomNid === undefined) counted.invites = undefined;
      else counted.stale.add(roomNid);
    },
    forget: (userId) => void byUser.delete(userId),
  };
}

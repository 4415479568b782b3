import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { MembershipChange, RecordOf } from "../../log/types.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import type { Membership, RoomView } from "../../rooms/api/index.ts";

/** What of the log concerns those who sync. */
export const SYNC_KINDS = [
  ...(["event", "membership", "receipt", "account_data"] as const),
  ...(["partial_state", "forgotten", "purge"] as const),
] as const;
type SyncRecord = RecordOf<(typeof SYNC_KINDS)[number]>;

/** One room of a person, as of the newest log record. */
export interface SyncingUserRoom {
  readonly roomNid: number;
  readonly roomId: RoomId;
  readonly membership: Membership;
  /** nid of the member event. */
  readonly eventNid: number;
  /** Position at which the membership was last written. */
  readonly position: number;
  /** Position since which this membership has held without a break, as far as memory knows. */
  readonly heldSince: number;
  /** The room's members are not known yet. */
  readonly isPartial: boolean;
  /** Position at which the room's state became whole, where it was not always so; 0. */
  readonly completeSince: number;
  /** The person forgot the room: their clients are told that it ended, and nothing else. */
  readonly isForgotten: boolean;
  /** Position of the person's own last receipt there, or one that it is not behind. */
  readonly receiptAt: number;
}

/** A local user whose rooms are held in memory because they sync. */
export interface SyncingUser {
  readonly userId: UserId;
  readonly rooms: Map<number, SyncingUserRoom>;
  /** Last position of anything that concerns this person: an idle long-poll looks here and nowhere else. */
  changedAt: number;
  /** The same of all that is no plain message: since then a sync cannot be answered by messages alone. */
  nonMessageAt: number;
  /** Serial of the last change outside the log (typing, presence) that concerns this person. */
  ephemeralAt: number;
  /** Called when something changed; each is called once and removed. */
  readonly waiting: Set<() => void>;
}

function completeness(
  room: { readonly isComplete: boolean; readonly position: number } | undefined,
): Pick<SyncingUserRoom, "isPartial" | "completeSince"> {
  if (room === undefined) return { isPartial: false, completeSince: 0 };
  return { isPartial: !room.isComplete, completeSince: room.isComplete ? room.position : 0 };
}

/** A room's timeline has grown, and nothing else of it has changed. */
function isPlainMessage(record: SyncRecord): boolean {
  return record.kind === "event" && !record.stateChanged && record.memberships.length === 0;
}

/** Room memberships that a record sets. */
function memberChanges(record: SyncRecord): readonly MembershipChange[] {
  if (record.kind === "event") return record.memberships;
  return record.kind === "membership" ? [record] : [];
}

/**
 * The people who sync, with their rooms, kept current by the log.
 * Bounded: who has not synced for long and is not waiting leaves memory and is loaded again on return.
 */
export function createSyncingUsers(deps: {
  readonly view: RoomView;
  readonly position: () => number;
  /** A person who comes into memory may have missed any change up to now. */
  readonly ephemeralSerial: () => number;
  readonly max?: number;
}) {
  const inRoom = new Map<number, Set<SyncingUser>>();
  const loading = new Map<UserId, { promise: Promise<SyncingUser>; missed: SyncRecord[] }>();
  const loaded = new LRUCache<UserId, SyncingUser>({
    ...atMost(deps.max ?? 20_000),
    disposeAfter: (user, _userId, reason) => {
      if (reason === "set") return;
      for (const nid of user.rooms.keys()) removeFromRoom(user, nid);
      // Whoever waits loads the person anew.
      for (const call of user.waiting) call();
    },
  });

  function addToRoom(user: SyncingUser, roomNid: number): void {
    let users = inRoom.get(roomNid);
    if (!users) inRoom.set(roomNid, (users = new Set()));
    users.add(user);
  }

  function removeFromRoom(user: SyncingUser, roomNid: number): void {
    const users = inRoom.get(roomNid);
    users?.delete(user);
    if (users?.size === 0) inRoom.delete(roomNid);
  }

  async function load(userId: UserId, missed: SyncRecord[]): Promise<SyncingUser> {
    const from = deps.position();
    const rows = await deps.view.membershipsOf(userId, { forgotten: true });
    const known = await deps.view.rooms(rows.map((row) => row.roomNid));
    const joined = rows.filter((row) => row.membership === "join");
    const partial = await deps.view.partialRooms(joined.map((row) => row.roomNid));
    const user: SyncingUser = {
      userId,
      rooms: new Map(),
      changedAt: from,
      nonMessageAt: from,
      ephemeralAt: deps.ephemeralSerial(),
      waiting: new Set(),
    };
    for (const row of rows) {
      const room = known.get(row.roomNid);
      if (!room) continue;
      const { roomNid, membership, eventNid, position, forgotten: isForgotten } = row;
      user.rooms.set(roomNid, {
        roomNid,
        roomId: room.roomId,
        membership,
        eventNid,
        position,
        heldSince: position,
        isForgotten,
        ...completeness(partial.get(roomNid)),
        receiptAt: from,
      });
      if (membership === "join") addToRoom(user, roomNid);
    }
    loaded.set(userId, user);
    loading.delete(userId);
    for (const record of missed) apply(user, record);
    return user;
  }

  function apply(user: SyncingUser, record: SyncRecord): void {
    user.changedAt = Math.max(user.changedAt, record.position);
    if (!isPlainMessage(record)) {
      user.nonMessageAt = Math.max(user.nonMessageAt, record.position);
    }
    for (const change of memberChanges(record)) {
      if (change.userId === user.userId) setMembership(user, change, record);
    }
    if (record.kind === "partial_state") {
      const room = user.rooms.get(record.roomNid);
      if (room) user.rooms.set(room.roomNid, { ...room, ...completeness(record) });
    }
    if (record.kind === "forgotten") {
      const room = user.rooms.get(record.roomNid);
      const isOut = room?.membership === "leave" || room?.membership === "ban";
      if (isOut) user.rooms.set(room.roomNid, { ...room, isForgotten: true });
    }
    if (record.kind === "purge" && record.whole) {
      user.rooms.delete(record.roomNid);
      removeFromRoom(user, record.roomNid);
    }
    if (record.kind === "receipt" && record.userId === user.userId) {
      const room = user.rooms.get(record.roomNid);
      if (room) user.rooms.set(room.roomNid, { ...room, receiptAt: record.position });
    }
  }

  function setMembership(user: SyncingUser, change: MembershipChange, record: SyncRecord): void {
    if (record.kind !== "event" && record.kind !== "membership") return;
    const { roomNid, eventNid } = change;
    const membership = change.membership as Membership;
    const before = user.rooms.get(roomNid);
    if (before && before.position > record.position) return;
    user.rooms.set(roomNid, {
      roomNid,
      roomId: record.roomId as RoomId,
      membership,
      eventNid,
      position: record.position,
      heldSince: before?.membership === membership ? before.heldSince : record.position,
      ...{ isPartial: before?.isPartial ?? false, completeSince: before?.completeSince ?? 0 },
      isForgotten:
        (before?.isForgotten ?? false) && (membership === "leave" || membership === "ban"),
      receiptAt: before?.receiptAt ?? 0,
    });
    if (membership === "join") addToRoom(user, roomNid);
    else removeFromRoom(user, roomNid);
  }

  return {
    /** The person with their rooms, loaded once however many ask at a time. */
    async get(userId: UserId): Promise<SyncingUser> {
      const present = loaded.get(userId);
      if (present) return present;
      const underWay = loading.get(userId);
      if (underWay) return underWay.promise;
      const missed: SyncRecord[] = [];
      const promise = load(userId, missed).catch((error: unknown) => {
        loading.delete(userId);
        throw error;
      });
      loading.set(userId, { promise, missed });
      return promise;
    },

    /** The people in memory who are joined to a room. */
    inRoom(roomNid: number): Iterable<SyncingUser> {
      return inRoom.get(roomNid) ?? [];
    },

    /** The same, if they are in memory. */
    known(userId: UserId): SyncingUser | undefined {
      return loaded.get(userId);
    },

    /** A person in memory, without loading or counting as use. */
    peek(userId: string): SyncingUser | undefined {
      return loaded.peek(userId as UserId);
    },

    /** Everyone with a request waiting. */
    *waiting(): Iterable<SyncingUser> {
      for (const user of loaded.values()) if (user.waiting.size > 0) yield user;
    },

    /** Takes in records of the log; answers whom they concern. */
    take(records: readonly SyncRecord[]): Set<SyncingUser> {
      const concerned = new Set<SyncingUser>();
      for (const record of records) {
        for (const { missed } of loading.values()) missed.push(record);
        const users = new Set(concernedUsers(record));
        for (const { userId } of memberChanges(record)) {
          const target = loaded.peek(userId as UserId);
          if (target) users.add(target);
        }
        for (const user of users) {
          apply(user, record);
          concerned.add(user);
        }
      }
      return concerned;
    },
  };

  function concernedUsers(record: SyncRecord): Iterable<SyncingUser> {
    switch (record.kind) {
      case "event":
      case "partial_state":
        return inRoom.get(record.roomNid) ?? [];
      case "receipt":
        if (record.receiptType !== "m.read.private") return inRoom.get(record.roomNid) ?? [];
        return loadedUser(record.userId);
      case "account_data":
      case "forgotten":
      case "membership":
        return loadedUser(record.userId);
      case "purge":
        return record.whole ? loadedWithRoom(record.roomNid) : [];
    }
  }

  function loadedWithRoom(roomNid: number): SyncingUser[] {
    return [...loaded.values()].filter((user) => user.rooms.has(roomNid));
  }

  function loadedUser(userId: string): SyncingUser[] {
    const user = loaded.peek(userId as UserId);
    return user ? [user] : [];
  }
}

export type SyncingUsers = ReturnType<typeof createSyncingUsers>;

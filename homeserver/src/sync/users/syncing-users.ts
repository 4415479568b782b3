import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { MembershipChange, RecordOf } from "../../log/types.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import type { Membership, RoomView } from "../../rooms/api/index.ts";

/** The kinds of log records that concern syncing users. */
export const SYNC_KINDS = [
  ...(["event", "membership", "receipt", "account_data"] as const),
  ...(["partial_state", "forgotten", "purge"] as const),
] as const;
type SyncRecord = RecordOf<(typeof SYNC_KINDS)[number]>;

/** One room of a user, as of the newest log record. */
export interface SyncingUserRoom {
  readonly roomNid: number;
  readonly roomId: RoomId;
  readonly membership: Membership;
  /** nid of the member event. */
  readonly eventNid: number;
  /** Position at which the membership was last written. */
  readonly position: number;
  /** Position since which this membership has held without interruption, as far as memory knows. */
  readonly heldSince: number;
  /** The room's members are not known yet. */
  readonly isPartial: boolean;
  /** Position at which the room's state became complete; 0 when it always was. */
  readonly completeSince: number;
  /** The user forgot the room: clients are only told that the membership ended. */
  readonly isForgotten: boolean;
  /** Position of the user's own last receipt in the room, or a later one. */
  readonly receiptAt: number;
}

/** A local user whose rooms are held in memory because they sync. */
export interface SyncingUser {
  readonly userId: UserId;
  readonly rooms: Map<number, SyncingUserRoom>;
  /** Last position of anything that concerns this user: an idle long-poll checks only this. */
  changedAt: number;
  /**
   * The same for everything that is not a plain message: syncs from before it need more than
   * messages.
   */
  nonMessageAt: number;
  /** Serial of the last ephemeral change (typing, presence) that concerns this user. */
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

/** The record only adds to a room's timeline and changes nothing else. */
function isPlainMessage(record: SyncRecord): boolean {
  return record.kind === "event" && !record.stateChanged && record.memberships.length === 0;
}

/** The memberships that a record sets. */
function memberChanges(record: SyncRecord): readonly MembershipChange[] {
  if (record.kind === "event") return record.memberships;
  return record.kind === "membership" ? [record] : [];
}

/**
 * The users who sync, with their rooms, kept up to date by the log. Bounded: users who have not
 * synced for long and do not wait are dropped, and loaded again when they return.
 */
export function createSyncingUsers(deps: {
  readonly view: RoomView;
  readonly position: () => number;
  /** A user who is loaded may have missed any change up to now. */
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
      // Waiting requests load the user again.
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
    /** The user with their rooms, loaded only once for concurrent requests. */
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

    /** The users in memory who are joined to a room. */
    inRoom(roomNid: number): Iterable<SyncingUser> {
      return inRoom.get(roomNid) ?? [];
    },

    /** The same, if the user is in memory. */
    known(userId: UserId): SyncingUser | undefined {
      return loaded.get(userId);
    },

    /** A user in memory, without loading, and without counting as use. */
    peek(userId: string): SyncingUser | undefined {
      return loaded.peek(userId as UserId);
    },

    /** All users with a waiting request. */
    *waiting(): Iterable<SyncingUser> {
      for (const user of loaded.values()) if (user.waiting.size > 0) yield user;
    },

    /** Applies records of the log; returns the users concerned. */
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

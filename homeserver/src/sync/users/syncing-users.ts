import { LRUCache } from "lru-cache";
import { atMost } from "../../platform/caches.ts";
import type { MembershipChange, RecordOf } from "../../log/types.ts";
import type { RoomId, UserId } from "../../protocol/identifiers.ts";
import type { Membership, RoomView } from "../../rooms/api/index.ts";
import {
  comesOrGoes,
  deviceOf,
  isPlainMessage,
  joinedRoomsOf,
  lacksMemberships,
  mayTellDeviceLists,
  memberChanges,
  type SyncingUser,
  type SyncingUserRoom,
  type SyncRecord,
} from "./syncing-user.ts";
import { createUsersByRoom } from "./users-by-room.ts";

function completeness(
  room: { readonly isComplete: boolean; readonly position: number } | undefined,
): Pick<SyncingUserRoom, "isPartial" | "completeSince"> {
  if (room === undefined) return { isPartial: false, completeSince: 0 };
  return { isPartial: !room.isComplete, completeSince: room.isComplete ? room.position : 0 };
}

/**
 * Users with records that may have let them back into a room that they were ever in: by state
 * resolution, of which the records lack the changes. One pass over the users for all records.
 */
function perhapsBack(
  users: Iterable<SyncingUser>,
  records: readonly SyncRecord[],
): [SyncingUser, SyncRecord][] {
  const lacking = new Map(records.filter(lacksMemberships).map((one) => [one.roomNid, one]));
  if (lacking.size === 0) return [];
  const rooms = new Set(lacking.keys());
  return [...users].flatMap((user) =>
    [...rooms.intersection(user.rooms)].map((nid): [SyncingUser, SyncRecord] => [
      user,
      lacking.get(nid)!,
    ]),
  );
}

/** Devices by the hundred, each of another user: it goes with the devices, not with both. */
function takeCounts(
  { devices, position }: RecordOf<"one_time_keys">,
  loadedUser: (userId: string) => SyncingUser[],
  concerned: Set<SyncingUser>,
): void {
  for (const { userId, deviceId } of devices) {
    for (const user of loadedUser(userId)) {
      deviceOf(user, deviceId).keysAt = position;
      concerned.add(user);
    }
  }
}

type RoomOrUserRecord = Exclude<SyncRecord, RecordOf<"one_time_keys">>;

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
  const byRoom = createUsersByRoom(deps.position);
  const loading = new Map<UserId, { promise: Promise<SyncingUser>; missed: SyncRecord[] }>();
  const loaded = new LRUCache<UserId, SyncingUser>({
    ...atMost(deps.max ?? 20_000),
    disposeAfter: (user, _userId, reason) => {
      if (reason === "set") return;
      for (const nid of user.rooms.keys()) byRoom.remove(user, nid);
      // Waiting requests load the user again.
      for (const call of user.waiting) call();
    },
  });

  async function load(userId: UserId, missed: SyncRecord[]): Promise<SyncingUser> {
    const from = deps.position();
    const rows = await deps.view.membershipsOf(userId, { forgotten: true });
    const known = await deps.view.rooms(rows.map((row) => row.roomNid));
    const joined = rows.filter((row) => row.membership === "join");
    const partial = await deps.view.partialRooms(joined.map((row) => row.roomNid));
    const user: SyncingUser = {
      userId,
      ...{ rooms: new Map(), devices: new Map() },
      ...{ loadedAt: from, changedAt: from, nonMessageAt: from },
      ...{
        deviceListsAt: from,
        signedAt: from,
        threadsAt: from,
        stickyAt: from,
        roomsUnknownUpTo: from,
      },
      ...{ profilesAt: from, wantsProfiles: false },
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
      if (membership === "join") byRoom.add(user, roomNid);
    }
    loaded.set(userId, user);
    loading.delete(userId);
    for (const record of missed) apply(user, record);
    return user;
  }

  function apply(user: SyncingUser, record: SyncRecord): void {
    if (record.kind === "to_device") {
      if (record.userId !== user.userId) return;
      deviceOf(user, record.deviceId).messagesAt = record.position;
      return;
    }
    if (record.kind === "one_time_keys") {
      for (const { userId, deviceId } of record.devices) {
        if (userId === user.userId) deviceOf(user, deviceId).keysAt = record.position;
      }
      return;
    }
    user.changedAt = Math.max(user.changedAt, record.position);
    if (!isPlainMessage(record)) {
      user.nonMessageAt = Math.max(user.nonMessageAt, record.position);
    }
    if (mayTellDeviceLists(record)) {
      user.deviceListsAt = Math.max(user.deviceListsAt, record.position);
    }
    if (record.kind === "user_signature") user.signedAt = record.position;
    if (record.kind === "thread_subscription") user.threadsAt = record.position;
    if (record.kind === "sticky") user.stickyAt = record.position;
    for (const change of memberChanges(record)) {
      if (change.userId === user.userId) setMembership(user, change, record);
    }
    if (lacksMemberships(record)) {
      user.roomsUnknownUpTo = Math.max(user.roomsUnknownUpTo, record.position);
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
      user.roomsUnknownUpTo = Math.max(user.roomsUnknownUpTo, record.position);
      byRoom.remove(user, record.roomNid);
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
    if (membership === "join") byRoom.add(user, roomNid);
    else byRoom.remove(user, roomNid);
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
    inRoom: byRoom.of,

    /** Tells an onlooker of what happens in a room, until the returned function is called. */
    lookOn(user: SyncingUser, roomNid: number): () => void {
      byRoom.add(user, roomNid);
      return () => byRoom.remove(user, roomNid);
    },

    /**
     * Rooms of a user in which somebody may have come or left after a position; undefined: memory
     * does not reach back that far.
     */
    roomsWithComings(user: SyncingUser, after: number): number[] | undefined {
      if (after < user.roomsUnknownUpTo) return undefined;
      return [...user.rooms.values()].flatMap(({ roomNid, membership, position }) =>
        position > after || (membership === "join" && byRoom.mayHaveChanged(roomNid, after))
          ? [roomNid]
          : [],
      );
    },

    /** Rooms that a user is joined to at the log's present position; undefined: not known. */
    joinedRooms(user: SyncingUser, position: number): ReadonlySet<number> | undefined {
      return position === deps.position() ? joinedRoomsOf(user, position) : undefined;
    },

    /** The same, if the user is in memory. */
    known(userId: UserId): SyncingUser | undefined {
      return loaded.get(userId);
    },

    /** A user in memory, without loading, and without counting as use. */
    peek(userId: string): SyncingUser | undefined {
      return loaded.peek(userId as UserId);
    },

    /** All users in memory. */
    all: (): Iterable<SyncingUser> => loaded.values(),

    /** Applies records of the log; returns the users concerned. */
    take(records: readonly SyncRecord[]): Set<SyncingUser> {
      const concerned = new Set<SyncingUser>();
      for (const [user, record] of perhapsBack(loaded.values(), records)) {
        apply(user, record);
        concerned.add(user);
      }
      for (const record of records) {
        for (const { missed } of loading.values()) missed.push(record);
        if (record.kind === "one_time_keys") {
          takeCounts(record, loadedUser, concerned);
          continue;
        }
        const users = new Set(concernedUsers(record));
        for (const change of memberChanges(record)) {
          const target = loaded.peek(change.userId as UserId);
          if (target) users.add(target);
          if (comesOrGoes(change)) byRoom.membersChanged(change.roomNid, record.position);
        }
        if (lacksMemberships(record)) {
          byRoom.membersChanged(record.roomNid, record.position);
          const target = loaded.peek(record.event.stateKey as UserId);
          if (target && record.event.type === "m.room.member") users.add(target);
        }
        if (record.kind === "partial_state") byRoom.membersChanged(record.roomNid, record.position);
        for (const user of users) {
          apply(user, record);
          concerned.add(user);
        }
      }
      return concerned;
    },
  };

  function concernedUsers(record: RoomOrUserRecord): Iterable<SyncingUser> {
    switch (record.kind) {
      case "event":
      case "partial_state":
        return byRoom.of(record.roomNid);
      case "receipt":
        if (record.receiptType !== "m.read.private") return byRoom.of(record.roomNid);
        return loadedUser(record.userId);
      case "sticky":
        return record.hasFailed ? [] : byRoom.of(record.roomNid);
      case "account_data":
      case "forgotten":
      case "membership":
      case "user_signature":
      case "to_device":
      case "thread_subscription":
        return loadedUser(record.userId);
      case "device_list":
      case "profile_field":
        return []; // see sharer-lookups.ts
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

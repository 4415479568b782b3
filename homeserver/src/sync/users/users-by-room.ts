import type { SyncingUser } from "./syncing-user.ts";

interface RoomInMemory {
  readonly users: Set<SyncingUser>;
  /** Position at which somebody last came or left, or a later one. */
  comingsAt: number;
}

/** The syncing users of each room, and when the room's members changed. */
export function createUsersByRoom(position: () => number) {
  const rooms = new Map<number, RoomInMemory>();

  return {
    add(user: SyncingUser, roomNid: number): void {
      let room = rooms.get(roomNid);
      if (!room) rooms.set(roomNid, (room = { users: new Set(), comingsAt: position() }));
      room.users.add(user);
    },

    remove(user: SyncingUser, roomNid: number): void {
      const room = rooms.get(roomNid);
      room?.users.delete(user);
      if (room?.users.size === 0) rooms.delete(roomNid);
    },

    of: (roomNid: number): Iterable<SyncingUser> => rooms.get(roomNid)?.users ?? [],

    /** Somebody came into the room, or left it, or its members became known. */
    membersChanged(roomNid: number, at: number): void {
      const room = rooms.get(roomNid);
      if (room) room.comingsAt = Math.max(room.comingsAt, at);
    },

    /** Whether that may have happened after a position, in a room that a syncing user is in. */
    mayHaveChanged: (roomNid: number, after: number): boolean =>
      (rooms.get(roomNid)?.comingsAt ?? Infinity) > after,
  };
}

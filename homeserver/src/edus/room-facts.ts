import { serverOf, type ServerName } from "../protocol/identifiers.ts";
import type { Rooms } from "../rooms/api/index.ts";
import type { RoomFacts } from "./types.ts";

/** Queries that the EDUs make to the room engine. */
export function roomFacts(
  { view, federation }: Pick<Rooms, "view" | "federation">,
  serverName: ServerName,
): RoomFacts {
  /** In rooms that this server has left it no longer knows the members. */
  const isIn = async (roomNid: number) => (await view.joinedServers(roomNid)).includes(serverName);
  return {
    async isJoined(roomId, userId) {
      const room = await view.room(roomId);
      const row = room && (await view.membership(room.nid, userId));
      return row?.membership === "join" && (await isIn(row.roomNid));
    },
    aclAllows: federation.aclAllows,
    async isKnown(userId) {
      for (const row of await view.membershipsOf(userId)) {
        if (row.membership === "join" && (await isIn(row.roomNid))) return true;
      }
      return false;
    },
    async eventAt(roomId, eventId) {
      const stored = (await view.eventsById([eventId])).get(eventId);
      if (stored?.event.roomId !== roomId || stored.status !== "accepted") return undefined;
      if (stored.position === null) return undefined;
      const { roomNid, position, ordinal } = stored;
      return { roomNid, position, ordinal };
    },
    async isInThread(threadId, eventId) {
      const stored = (await view.eventsById([eventId])).get(eventId);
      return stored !== undefined && view.isInThread(threadId, stored);
    },
    async isOnlyOfServer(roomId, userId) {
      const room = await view.room(roomId);
      return room !== undefined && (await view.joinedOfServer(room.nid, serverOf(userId))) === 1;
    },
    async joinedMembers(roomId) {
      const room = await view.room(roomId);
      return room === undefined ? [] : view.joinedMembers(room.nid);
    },
    roomNid: async (roomId) => (await view.room(roomId))?.nid,
    async serversSharing(userId) {
      const rows = await view.membershipsOf(userId);
      const joined = rows.filter((row) => row.membership === "join");
      const servers = await Promise.all(joined.map((row) => view.joinedServers(row.roomNid)));
      return new Set(servers.flat());
    },
  };
}

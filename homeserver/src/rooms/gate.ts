/** Which servers may ask what about a room. */
import { errors } from "../protocol/errors.ts";
import type { RoomId, ServerName } from "../protocol/identifiers.ts";
import { serverIsJoined } from "../storage/room-members.ts";
import type { Acl } from "./acl.ts";
import type { RoomStore } from "./store.ts";
import type { Room } from "./types.ts";

export interface Gate {
  /** A room that this server is in and whose ACL lets the other take part. M_NOT_FOUND, M_FORBIDDEN. */
  resident(origin: ServerName, roomId: RoomId): Promise<Room>;
  /** The same, for servers that are in the room themselves. */
  member(origin: ServerName, roomId: RoomId): Promise<Room>;
}

export function createGate(store: RoomStore, acl: Acl, serverName: ServerName): Gate {
  async function resident(origin: ServerName, roomId: RoomId): Promise<Room> {
    const room = await store.registry.byId(roomId);
    if (room === undefined || !(await serverIsJoined(store.sql, room.nid, serverName))) {
      throw errors.notFound("This server is not in that room");
    }
    if (!(await acl.allows(room, origin))) throw errors.forbidden("Server is banned from the room");
    return room;
  }
  return {
    resident,
    async member(origin, roomId) {
      const room = await resident(origin, roomId);
      if (!(await serverIsJoined(store.sql, room.nid, origin))) {
        throw errors.forbidden("Your server is not in that room");
      }
      return room;
    },
  };
}

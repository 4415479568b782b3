import type { EventId, RoomId, UserId } from "../../protocol/identifiers.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { Room } from "../api/index.ts";
import type { EntryServers } from "./remote-join.ts";

/**
 * The membership operations that need other servers, implemented by the federation side of the
 * engine.
 */
export interface RemoteMembership {
  join(roomId: RoomId, userId: UserId, content: JsonObject, servers: EntryServers): Promise<void>;
  knock(roomId: RoomId, userId: UserId, content: JsonObject, servers: EntryServers): Promise<void>;
  /**
   * Rejects an invite or withdraws a knock in a room that this server is not in. Works without the
   * other server too. False when the user has joined meanwhile and must leave like any member.
   */
  leave(room: Room, userId: UserId, content: JsonObject): Promise<boolean>;
  /** Gets the other server's signature on the invite, then adds it to the room. */
  invite(room: Room, sender: UserId, userId: UserId, content: JsonObject): Promise<EventId>;
}

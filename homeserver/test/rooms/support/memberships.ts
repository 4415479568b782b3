import type { RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import type { TestServer } from "./world.ts";

/** The user's membership as the server has it; undefined when it has none. */
export async function membershipAt(server: TestServer, roomId: RoomId, userId: UserId) {
  const room = await server.rooms.view.room(roomId);
  return room && (await server.rooms.view.membership(room.nid, userId))?.membership;
}

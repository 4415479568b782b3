import type { RoomId, UserId } from "../../../src/protocol/identifiers.ts";
import type { TestServer } from "./world.ts";

/** The user's membership as the server has it; undefined when it has none. */
export async function membershipAt(server: TestServer, roomId: RoomId, userId: UserId) {
  const room = await server.rooms.view.room(roomId);
  return room && (await server.rooms.view.membership(room.nid, userId))?.membership;
}

/** The room's current state as the server has it: sorted lines, to compare servers. */
export async function stateAt(server: TestServer, roomId: RoomId): Promise<string[]> {
  const room = await server.rooms.view.room(roomId);
  const state = await server.rooms.view.currentState(room!.nid);
  return state.map(({ event }) => `${event.type} ${event.stateKey} ${event.eventId}`).toSorted();
}

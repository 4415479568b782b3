/** A server with two users, and what their rooms hold. */
import type { RoomId } from "../../../src/protocol/identifiers.ts";
import type { CreateRoomOptions } from "../../../src/rooms/index.ts";
import { startServers } from "../support/servers.ts";

export const [world, hq] = await startServers("hq.test");
export const [alice, bob] = [hq.user("alice"), hq.user("bob")];
export const create = (options: CreateRoomOptions) => hq.rooms.create.room(alice, options);

export async function content(
  roomId: RoomId,
  type: string,
  key = "",
): Promise<Record<string, unknown>> {
  const stored = await hq.rooms.history.stateEvent(alice.userId, roomId, type, key);
  return stored.event.content;
}

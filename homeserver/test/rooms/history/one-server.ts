/** A server with two users, who talk in its rooms. */
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import { startServers } from "../support/servers.ts";

export const [, hq] = await startServers("hq.test");
export const [alice, bob] = [hq.user("alice"), hq.user("bob")];

export async function roomWith(visibility: string): Promise<RoomId> {
  return hq.rooms.create.room(alice, {
    preset: "public_chat",
    initial_state: [
      { type: "m.room.history_visibility", content: { history_visibility: visibility } },
    ],
  });
}

export async function say(by: Actor, roomId: RoomId, body: string): Promise<EventId> {
  return hq.rooms.send.message({ by, roomId, type: "m.room.message", content: { body } });
}

export async function bodies(by: Actor, roomId: RoomId): Promise<string[]> {
  const page = await hq.rooms.history.messages(by, roomId, { dir: "b", limit: 100 });
  return page.chunk
    .map((text) => JSON.parse(text))
    .flatMap((event) => event.content.body ?? [])
    .toReversed();
}

/** Two servers, what their users say, and what each of them holds of a room. */
import { beforeEach } from "vitest";
import type { EventId, RoomId } from "../../../src/protocol/identifiers.ts";
import type { Actor } from "../../../src/rooms/index.ts";
import type { TestServer } from "../support/world.ts";
import { startServers } from "../support/servers.ts";

export const [world, a, b] = await startServers("a.test", "b.test");
export const [alice, bob] = [a.user("alice"), b.user("bob")];

beforeEach(() => world.reset());

export async function say(
  server: TestServer,
  by: Actor,
  roomId: RoomId,
  body: string,
): Promise<EventId> {
  const content = { msgtype: "m.text", body };
  return server.rooms.send.message({ by, roomId, type: "m.room.message", content });
}

export async function bodies(server: TestServer, by: Actor, roomId: RoomId): Promise<string[]> {
  const page = await server.rooms.history.messages(by, roomId, { dir: "b", limit: 100 });
  return page.chunk
    .map((text) => JSON.parse(text))
    .filter((event) => event.type === "m.room.message")
    .map((event) => event.content.body)
    .toReversed();
}
